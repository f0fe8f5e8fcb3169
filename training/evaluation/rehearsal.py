"""Whether probes can be run on a source, found out before an encoder is trained: its images are listed, not read."""

import numpy as np

from training.data.config import DataConfig
from training.data.labels import ClassColumn
from training.evaluation.features import Features, list_source
from training.evaluation.subject import NotApplicable, Subject, holds_examples, is_table_of_pairs
from training.evaluation.suite import ALL, DEFAULT_PROBES, default_probes, parse_suite
from training.models.encoder import Encoder, Pixels, Vectors
from training.models.errors import UserError

OF_TEXT = ("association", "hard-negatives", "order", "retrieval", "winoground", "zero-shot")
OF_CLASSES = ("few-shot", "knn", "linear")


class Standin(Encoder):
    """In the place of the encoder that the run will make; it embeds nothing."""

    name, dim, image_size, fingerprint = "this run", 1, 1, ""

    def __init__(self, reads_text: bool):
        self.reads_text = reads_text

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        raise ValueError("this encoder stands in for one that is not trained yet")


def check_probes(spec: str, suite: str, data: DataConfig, reads_text: bool) -> None:
    """UserError if a probe of suite cannot be run on spec, or none of the defaults can if suite is empty.

    Only the needs are looked at that many probes share: a text encoder, classes, captions. The suite of all probes
    leaves out what cannot be run.
    """
    if suite == ALL or is_table_of_pairs(spec) or holds_examples(spec):
        return
    classes = ClassColumn(data.label_column, data.class_depth)
    listed = list_source(spec, classes, data.tables)
    vectors = np.ones((len(listed.items), 1), np.float32)
    features = Features(listed.name, listed.items, vectors, listed.labels, listed.classes, [])
    subject = Subject(Standin(reads_text), spec, classes=classes, embed=lambda *given: features)
    if not suite:
        if not set(DEFAULT_PROBES) & set(default_probes(subject)):
            needs = "two classes, or captions" if reads_text else "two classes"
            raise UserError(f"Nothing can be evaluated on {spec}: it needs {needs}. Name other images, or a --suite.")
        return
    for name in parse_suite(suite):
        try:
            if name in OF_TEXT:
                subject.text_encoder()
            if name in OF_CLASSES:
                assert subject.split
        except NotApplicable as error:
            raise UserError(f"The probe {name} cannot be run on {spec}: {error}.") from error
