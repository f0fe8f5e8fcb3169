"""The input of probes (an encoder and its data), and their result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from training.data.labels import ANY_CLASS, ClassColumn
from training.data.tables.options import TableOptions
from training.evaluation.features import EmbedSource, Features, Progress, embed_source
from training.evaluation.negatives import NoNegatives, read_negatives
from training.evaluation.pairs import NoPairs, open_pairs
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.intervals import Figure


@dataclass(frozen=True)
class Failure:
    """An example that an encoder got wrong. says: what was expected, and what was predicted."""

    images: tuple[Image.Image, ...]
    says: str


@dataclass(frozen=True)
class ProbeResult:
    """The result of a probe.

    figures: by name, or a single figure. beside: reference values (such as chance), by name of the reference and of
    the figure. notes: sentences that explain the figures. failures: a few examples.
    """

    figures: Mapping[str, Figure] | Figure
    beside: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def named(self) -> dict[str, Figure]:
        """The figures by name; a single figure has the name ""."""
        return {"": self.figures} if "value" in self.figures else dict(self.figures)  # type: ignore[dict-item]


class NotApplicable(UserError):
    """A probe does not apply to this encoder or data; the message says what it needs."""


@dataclass(frozen=True)
class Subject:
    """An encoder and the data to evaluate it on.

    data: the test source, or None for probes that generate their data. train: a source for training probes [default:
    half of data]. classes: where the class is kept. templates: prompt templates for class names. quick: fewer
    items, wider intervals. progress: is called with the number of embedded images. embed: embeds a source;
    `embed_source`, or a function that caches the pixels for the next encoder.
    """

    encoder: Encoder
    data: str | None = None
    train: str | None = None
    classes: ClassColumn = ANY_CLASS
    templates: tuple[str, ...] = ("a photo of a {}.",)
    seed: int = 0
    quick: bool = False
    tables: TableOptions | None = None
    progress: Progress = lambda done, total: None
    embed: EmbedSource = embed_source

    @cached_property
    def test(self) -> Features:
        """All images of data. NotApplicable if there is no data."""
        if self.data is None:
            raise NotApplicable("it needs images; name them with --data")
        sets_of_images = f"it needs single images, and {self.data} holds sets of them"
        if is_table_of_pairs(self.data):
            raise NotApplicable(sets_of_images)
        try:
            return self._embedded(self.data)
        except UserError as error:
            if holds_examples(self.data):
                raise NotApplicable(sets_of_images) from error
            raise

    @cached_property
    def split(self) -> tuple[Features, Features]:
        """Labelled images for training and testing. NotApplicable without classes."""
        if self.test.classes == [] or not len(self.test.labelled):
            raise NotApplicable(
                f"it needs a class for each image, and {self.test.name} has none (--label-column names it)"
            )
        if self.train is None:
            first, second = self.test.labelled.halves(self.seed)
        else:
            first, second = same_classes(self._embedded(self.train), self.test.labelled)
        if len(self.test.classes) < 2:
            raise NotApplicable(f"it needs two classes or more, and all of {self.test.name} is {self.test.classes[0]}")
        if len(first) < 2 or not len(second):
            raise NotApplicable(f"it needs two images or more of a class, and {self.test.name} has none")
        return first, second

    @property
    def other_data(self) -> str:
        """The data, unless it is None or generated: it may be a set of examples for one probe."""
        return "" if self.data is None or self.data.startswith("scenes:") else self.data

    def check_data_exists(self) -> None:
        """UserError if the data does not exist."""
        from training.data.sources import open_source

        if not Path(self.other_data).expanduser().exists():
            open_source(self.other_data, tables=self.tables)

    def generated(self, what: str) -> str:
        """A description of generated examples, so that they are not mistaken for examples of data."""
        return f"generated {what}" + (f", since {self.data} holds none" if self.other_data else "")

    def text_encoder(self) -> Encoder:
        """The encoder, if it has a text encoder. NotApplicable if not."""
        if not self.encoder.reads_text:
            raise NotApplicable(f"it needs a text encoder, and {self.encoder.name} is image-only")
        return self.encoder

    def sample_size(self, full: int) -> int:
        """The number of items to use: `full`, or a tenth of it for a quick run."""
        return max(20, full // 10) if self.quick else full

    def _embedded(self, spec: str) -> Features:
        return self.embed(self.encoder, spec, self.classes, self.progress, self.tables)


def holds_examples(spec: str) -> bool:
    """Whether spec is a set of pairs, or of hard negatives, that can be read."""
    for read, none in ((open_pairs, NoPairs), (read_negatives, NoNegatives)):
        try:
            return bool(read(spec))
        except none:
            continue
    return False


def is_table_of_pairs(spec: str) -> bool:
    """Whether spec is a CSV or TSV of pairs, whose first image of each would else be taken for a single one."""
    if Path(spec).suffix.lower() not in (".csv", ".tsv"):
        return False
    try:
        return bool(open_pairs(spec))
    except UserError:
        return False


def same_classes(train: Features, test: Features) -> tuple[Features, Features]:
    """Both with the class numbers of test; classes that only train has get further numbers."""
    from dataclasses import replace

    import numpy as np

    train = train.labelled
    if not len(train):
        raise NotApplicable(f"it needs a class for each image, and {train.name} has none")
    classes = [*test.classes, *(name for name in train.classes if name not in test.classes)]
    number_of = {name: number for number, name in enumerate(classes)}
    numbers = np.array([number_of[name] for name in train.classes])[train.labels]
    return replace(train, labels=numbers, classes=classes), replace(test, classes=classes)


Document = dict[str, Any]
