"""What a run's product can do, measured while it trains: zero-shot, retrieval and k-NN on held-out images."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from training.data.config import DataConfig
from training.data.dataset import LABEL_COLUMNS, MOST_CACHED, ImageDataset
from training.evaluation.knn import knn_predict
from training.evaluation.retrieval import retrieval_ranks
from training.evaluation.zero_shot import class_ranks
from training.models.encoder import BATCH, Encoder, Vectors
from training.models.errors import UserError
from training.models.intervals import figure_of
from training.models.prompts import template_set
from training.models.registry import pick
from training.models.run_encoder import encoder_of
from training.models.zero_shot import ClassName, zero_shot_classifier

MOST = 5000  # images of a source that are looked at, evenly spread over it
TEMPLATES = "photo"  # what is said around a class's name, where a run's captions do not show how it says it


class HeldOut:
    """A source to measure on, at the size that an encoder sees. templates: what is said around a class's name."""

    def __init__(self, spec: str, size: int, label_column: str | None, most: int, templates: Sequence[str]):
        self.name, self.templates = Path(spec).name, templates
        self.images = ImageDataset([spec], size, label_column=label_column)
        self.images.keep_decoded(most=most)
        count = len(self.images)
        self.numbers = [n for n in range(0, count, -(-count // MOST)) if self._readable(n)]
        self.labels = self.images.labels[self.numbers]
        self.classes = self.images.classes
        self.captions = [self.images.captions(n) for n in self.numbers]

    def _readable(self, number: int) -> bool:
        try:
            self.images.pixels(number)
            return True
        except (UserError, OSError):
            return False

    @property
    def labelled(self) -> bool:
        return len(set(self.labels.tolist()) - {-1}) > 1

    def embed(self, encoder: Encoder) -> Vectors:
        """[N, dim]."""
        rows = []
        for start in range(0, len(self.numbers), BATCH):
            pixels = [self.images.pixels(n).transpose(1, 2, 0) for n in self.numbers[start : start + BATCH]]
            rows.append(encoder.embed_pixels(np.ascontiguousarray(np.stack(pixels))))
        return np.concatenate(rows)


def zero_shot(encoder: Encoder, held_out: HeldOut, images: Vectors) -> Any:
    """The share of images whose class's name lies nearest."""
    classes = zero_shot_classifier(encoder, [ClassName(name) for name in held_out.classes], held_out.templates)
    known = held_out.labels >= 0
    return figure_of(class_ranks(images[known], classes, held_out.labels[known]) == 1)


def retrieval(encoder: Encoder, held_out: HeldOut, images: Vectors) -> Any:
    """The share of images whose own caption is among the first five, and the other way round."""
    spoken = [number for number, said in enumerate(held_out.captions) if said]
    texts = sorted({text for number in spoken for text in held_out.captions[number]})
    right = np.zeros((len(spoken), len(texts)), bool)
    place = {text: number for number, text in enumerate(texts)}
    for row, number in enumerate(spoken):
        right[row, [place[text] for text in held_out.captions[number]]] = True
    ranks = retrieval_ranks(images[spoken], encoder.embed_texts(texts), right)
    return {f"{way}_at_5": figure_of(of_way <= 5) for way, of_way in ranks.items()}


def knn(encoder: Encoder, held_out: HeldOut, images: Vectors) -> Any:
    """The share of every second image whose class the other half's nearest vote for."""
    known = np.flatnonzero(held_out.labels >= 0)
    bank, asked = known[::2], known[1::2]
    voted = knn_predict(images[bank], held_out.labels[bank], images[asked])
    return figure_of(voted == held_out.labels[asked])


def templates_of(data: DataConfig) -> list[str]:
    """How a run says a class's name: as in those of its captions that name the class and no other column.

    An encoder that has read "a photo of a cat" alone may stumble over the full stop of "a photo of a cat."
    """
    names = (data.label_column,) if data.label_column else LABEL_COLUMNS
    spoken = [re.fullmatch(r"([^{}]*)\{([^{}]+)\}([^{}]*)", caption) for caption in data.caption]
    own = [f"{match[1]}{{}}{match[3]}" for match in spoken if match and match[2] in names]
    return own or template_set(TEMPLATES)


Measure = Callable[[Encoder, HeldOut, NDArray], Any]
SUITE: dict[str, Measure] = {"zero-shot": zero_shot, "retrieval": retrieval, "knn": knn}


def watch(data: DataConfig) -> Callable[[dict[str, Any], dict[str, Tensor]], dict[str, Any]] | None:
    """What the trainer calls with its product, facts and weights; None if there is nothing to measure on.

    It gives figures by source and by what was measured, each with an interval. UserError for an unknown
    suite before anything is trained.
    """
    asked = [name.strip() for name in data.suite.split(",") if name.strip()]
    for name in asked:
        pick("measure", name, SUITE)
    if not data.evaluate:
        return None
    sources: list[HeldOut] = []

    def measure(facts: dict[str, Any], weights: dict[str, Tensor]) -> dict[str, Any]:
        encoder = encoder_of(facts, lambda fresh: fresh.load_state_dict(weights), "this run", "", "torch", "f32")
        if not sources:
            most = min(MOST_CACHED, data.cache << 20)
            said = templates_of(data)
            sources.extend(HeldOut(spec, encoder.image_size, data.label_column, most, said) for spec in data.evaluate)
        return {held_out.name: _measured(encoder, held_out, asked) for held_out in sources}

    return measure


def _measured(encoder: Encoder, held_out: HeldOut, asked: Sequence[str]) -> dict[str, Any]:
    images = held_out.embed(encoder)
    can = {
        "zero-shot": encoder.reads_text and held_out.labelled,
        "retrieval": encoder.reads_text and any(held_out.captions),
        "knn": held_out.labelled,
    }
    missing = [name for name in asked if not can[name]]
    if missing:
        raise UserError(f"{held_out.name} cannot be measured by {', '.join(missing)}: it lacks classes or captions.")
    wanted = asked or [name for name in SUITE if can[name]]
    return {name: SUITE[name](encoder, held_out, images) for name in wanted}
