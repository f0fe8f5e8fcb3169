"""Evaluation during training: the probes of `python -m training evaluate`, on what the run would give search now.

The figures are those of the command, in PyTorch and f32: the same probes, prompts, class names and splits.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from training.data.config import DataConfig
from training.data.labels import ClassColumn
from training.data.pipeline import LEAST_SIDE, PreprocessedImage, load_pixels
from training.data.pixel_cache import MOST_CACHED, PixelCache
from training.data.source import Item
from training.data.sources import open_source
from training.data.tables.options import TableOptions
from training.evaluation.features import EmbedSource, Features, Progress, SourceItems, embed_items, list_source
from training.evaluation.rehearsal import check_probes
from training.evaluation.run_defaults import PRECISION, RUNTIME, templates_of_run
from training.evaluation.subject import Document, Subject
from training.evaluation.suite import DEFAULT_PROBES, default_probes, parse_suite, run_suite
from training.models.encoder import Encoder, Pixels
from training.models.errors import UserError
from training.models.ranks import one_first, rank, world_size
from training.models.run_encoder import build_encoder

Evaluate = Callable[[dict[str, Any], dict[str, Tensor]], Document]


def evaluator(data: DataConfig, reads_text: bool = True) -> Evaluate | None:
    """What the trainer calls with its encoder's facts and weights, on every rank; None if there is nothing to evaluate.

    It gives figures by source and by probe, each with an interval; on rank 0 only. UserError for an unknown probe,
    a source that is not there, or one that the probes cannot be run on, before anything is trained. reads_text:
    whether the run has a text encoder.
    """
    suite = data.suite.strip(", ")
    if suite:
        parse_suite(suite)
    if not data.evaluate:
        return None
    for spec in data.evaluate:
        open_source(spec, tables=data.tables)
        check_probes(spec, suite, data, reads_text)
    held_out = HeldOutImages(most=min(MOST_CACHED, data.cache << 20))
    templates = templates_of_run(data.caption, data.label_column)
    classes = ClassColumn(data.label_column, data.class_depth)

    def evaluate(facts: dict[str, Any], weights: dict[str, Tensor]) -> Document:
        encoder = build_encoder(facts, lambda fresh: fresh.load_state_dict(weights), "this run", "", RUNTIME, PRECISION)
        encoder.cache_texts = False  # its fingerprint is the same after every step, its embeddings of texts are not
        embed = held_out.embed if world_size() == 1 else SharedEmbeddings(held_out.embed, encoder, data, classes)
        if rank():
            return {}
        subject = partial(Subject, encoder, classes=classes, templates=templates, tables=data.tables, embed=embed)
        return {Path(spec).name: figures_of(subject(spec), suite) for spec in data.evaluate}

    return evaluate


class SharedEmbeddings:
    """The sources that a run evaluates on, embedded by all ranks together before rank 0 computes figures of them."""

    def __init__(self, embed: EmbedSource, encoder: Encoder, data: DataConfig, classes: ClassColumn):
        self.features: dict[str, Features | UserError] = {}
        for spec in data.evaluate:
            try:
                self.features[spec] = embed(encoder, spec, classes, lambda done, total: None, data.tables)
            except UserError as error:  # sets of images, which a probe reads itself
                self.features[spec] = error

    def __call__(self, encoder: Encoder, spec: str, *rest: object) -> Features:
        """What `embed_source` gives."""
        found = self.features[spec]
        if isinstance(found, UserError):
            raise found
        return found


def figures_of(subject: Subject, suite: str) -> Document:
    """The figures of each probe; if suite is empty, of those of DEFAULT_PROBES that can be run."""
    suite = suite or ",".join(name for name in DEFAULT_PROBES if name in default_probes(subject))
    if not suite:
        return {}
    report = run_suite(subject, suite)
    return {name: finding.figures for name, finding in report.results.items()}


class HeldOutImages:
    """Sources to evaluate on, listed and preprocessed once. most: bytes of pixels that are kept of each."""

    def __init__(self, most: int):
        self.most = most
        self._listed: dict[str, tuple[SourceItems, PixelCache | None]] = {}

    def embed(
        self,
        encoder: Encoder,
        spec: str,
        classes: ClassColumn,
        progress: Progress,
        tables: TableOptions | None = None,
    ) -> Features:
        """What `embed_source` gives."""
        if spec not in self._listed:
            with one_first():  # it preprocesses, and the others read the cache
                listed = list_source(spec, classes, tables)
                self._listed[spec] = listed, self._cached(encoder, listed)
        listed, cache = self._listed[spec]

        def load(number: int) -> PreprocessedImage:
            if cache is None:
                return load_pixels(listed.items[number], encoder)
            return PreprocessedImage(cache.pixels(number))

        return embed_items(encoder, listed, load, progress)

    def _cached(self, encoder: Encoder, listed: SourceItems) -> PixelCache | None:
        if encoder.preprocessing is None:  # nothing names what it does with an image
            return None

        def load(item: Item) -> Pixels:
            pixels = load_pixels(item, encoder).pixels
            assert pixels is not None
            return pixels

        size = encoder.image_size
        variant = f"evaluation {encoder.preprocessing} {LEAST_SIDE}"
        return PixelCache.of(listed.items, load, (size, size, 3), variant, self.most)
