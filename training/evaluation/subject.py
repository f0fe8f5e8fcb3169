"""What probes are asked about, and what they answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from training.evaluation.features import EmbedSource, Features, Progress, embed_source
from training.evaluation.negatives import NoNegatives, read_negatives
from training.evaluation.pairs import NoPairs, open_pairs
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.intervals import Figure


@dataclass(frozen=True)
class Failure:
    """Something that went wrong and can be looked at. says: what was expected and what came instead."""

    images: tuple[Image.Image, ...]
    says: str


@dataclass(frozen=True)
class Finding:
    """What a probe found out.

    figures: name to figure, or one figure where there is only one. beside: what to compare with, name to the
    same names' plain numbers. notes: what a reader must know, sentences. failures: the first few.
    """

    figures: Mapping[str, Figure] | Figure
    beside: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def named(self) -> dict[str, Figure]:
        """The figures by name; the only one has none."""
        return {"": self.figures} if "value" in self.figures else dict(self.figures)  # type: ignore[dict-item]


class Unable(UserError):
    """A probe that has nothing to work on here; the message says what it would need."""


@dataclass(frozen=True)
class Subject:
    """An encoder, and the images to look at it with.

    data: a source to test on, or None for probes that make their own. train: a source that probes may learn
    from; left out, half of data. label_column: where the class is kept. templates: around class names. quick:
    fewer items, wider intervals. progress: told of images embedded. embed: what embeds a source, `embed_source` or
    one that keeps the pixels for the next encoder.
    """

    encoder: Encoder
    data: str | None = None
    train: str | None = None
    label_column: str | None = None
    templates: tuple[str, ...] = ("a photo of a {}.",)
    seed: int = 0
    quick: bool = False
    progress: Progress = lambda done, total: None
    embed: EmbedSource = embed_source

    @cached_property
    def test(self) -> Features:
        """All images of data. Unable where there is no data."""
        if self.data is None:
            raise Unable("it needs images; name them with --data")
        try:
            return self._embedded(self.data)
        except UserError as error:
            if holds_examples(self.data):
                raise Unable(f"it needs single images, and {self.data} holds sets of them") from error
            raise

    @cached_property
    def split(self) -> tuple[Features, Features]:
        """Labelled images to learn from and to test on. Unable without classes."""
        if self.test.classes == [] or not len(self.test.labelled):
            raise Unable(f"it needs a class for each image, and {self.test.name} has none (--label-column names it)")
        if self.train is None:
            first, second = self.test.labelled.halves(self.seed)
        else:
            first, second = same_classes(self._embedded(self.train), self.test.labelled)
        if len(self.test.classes) < 2:
            raise Unable(f"it needs two classes or more, and all of {self.test.name} is {self.test.classes[0]}")
        if len(first) < 2 or not len(second):
            raise Unable(f"it needs two images or more of a class, and {self.test.name} has none such")
        return first, second

    @property
    def other_data(self) -> str:
        """data, unless it is none or generated itself: it may be a set of examples that a probe takes as it is."""
        return "" if self.data is None or self.data.startswith("scenes:") else self.data

    def must_exist(self) -> None:
        """UserError if there is nothing at all where data should be."""
        from training.data.sources import open_source

        if not Path(self.other_data).expanduser().exists():
            open_source(self.other_data)

    def generated(self, what: str) -> str:
        """A probe's own examples in words, so that nobody takes them for those of data."""
        return f"generated {what}" + (f", since {self.data} holds none" if self.other_data else "")

    def words(self) -> Encoder:
        """The encoder, if it reads. Unable if not."""
        if not self.encoder.reads_text:
            raise Unable(f"it needs words, and {self.encoder.name} sees images only")
        return self.encoder

    def many(self, most: int) -> int:
        """How many items to take where most would be plenty."""
        return max(20, most // 10) if self.quick else most

    def _embedded(self, spec: str) -> Features:
        return self.embed(self.encoder, spec, self.label_column, self.progress)


def holds_examples(spec: str) -> bool:
    """Whether spec is a set of pairs, or of hard negatives, that can be read."""
    for read, none in ((open_pairs, NoPairs), (read_negatives, NoNegatives)):
        try:
            return bool(read(spec))
        except none:
            continue
    return False


def same_classes(train: Features, test: Features) -> tuple[Features, Features]:
    """Both with the numbers that test gives its classes; training images of other classes get further numbers."""
    from dataclasses import replace

    import numpy as np

    train = train.labelled
    if not len(train):
        raise Unable(f"it needs a class for each image, and {train.name} has none")
    classes = [*test.classes, *(name for name in train.classes if name not in test.classes)]
    number_of = {name: number for number, name in enumerate(classes)}
    numbers = np.array([number_of[name] for name in train.classes])[train.labels]
    return replace(train, labels=numbers, classes=classes), replace(test, classes=classes)


Probe = Callable[[Subject], Finding]
Document = dict[str, Any]
