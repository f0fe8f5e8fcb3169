"""A labelling that is worked on: corrections are made and undone, learned from, and probabilities fitted anew."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.labels.classifier import Classifier, make_classifier
from index.labels.fitting import calibrated, learned_from
from index.labels.ground_truth import GroundTruth, column_truth, ground_truth, with_corrections
from index.labels.predictions import Progress, predict
from index.labels.queue import Member, Order, next_rows, uncertainty
from index.labels.request import LabelRequest
from index.labels.result import LabelResult
from index.labels.template_effects import TemplateEffect, template_effects
from index.retrieval.relevance import cached_null_distribution
from index.storage.corrections import correct_images, read_corrections
from training.models.errors import UserError
from training.models.intervals import Figure, wilson_figure
from training.models.zero_shot import ClassEmbeddings, parse_class

EFFECT_SAMPLE = 1000  # images that templates are compared on
MOST_HELD_OUT = 5000  # images that the accuracy before and after learning is measured on


@dataclass(frozen=True)
class _Change:
    """One correction. labels: what its images had before, by id. before, after: the requests, if it added a class."""

    labels: dict[str, str | None]
    before: LabelRequest | None = None
    after: LabelRequest | None = None


class Labelling:
    """One collection labelled for one request. result: the labels as they are now. Safe from any thread.

    earlier: a labelling of the same collection, whose corrections can still be undone.
    """

    def __init__(
        self,
        collection: Collection,
        embeddings: ClassEmbeddings,
        request: LabelRequest,
        progress: Progress = lambda done, total: None,
        earlier: "Labelling | None" = None,
    ):
        collection.check_encoder(embeddings.encoder)
        self.collection, self.embeddings, self.request = collection, embeddings, request
        self._lock = threading.RLock()
        self._undo: list[_Change] = earlier._undo if earlier is not None else []
        self._scores: dict[str, tuple[Classifier, NDArray[np.float64]]] = {}  # by order and second encoder
        self._ask(request, request.learn, progress)

    def _ask(self, request: LabelRequest, learn: bool, progress: Progress = lambda done, total: None) -> None:
        """Label the collection for a request, from now on."""
        plain = _plain(request, self.embeddings, self.collection)
        self.request, self.plain, self._columns = request, plain, column_truth(self.collection, request)
        self.result = self._labelled(learn, progress)

    def _ground_truth(self) -> GroundTruth:
        corrections = read_corrections(self.collection.path) if self.request.corrections else {}
        return with_corrections(self._columns, self.collection, self.request, corrections)

    def _labelled(self, learn: bool, progress: Progress = lambda done, total: None) -> LabelResult:
        """The labels by the plain classifier with what ground truth teaches it."""
        known, classifier, learned = self._ground_truth(), self.plain, None
        if learn:
            try:
                learned = learned_from(self.plain, self.collection, known)
            except UserError:  # other classes have fewer corrections; the page shows how many
                learned = None
            if learned is not None and learned.helps:
                classifier = replace(classifier, adapter=learned.adapter)
        classifier = calibrated(classifier, self.collection, known)
        predictions = predict(classifier, self.collection, progress)
        return LabelResult(self.collection, classifier, predictions, known, learned)

    def correct(self, ids: Sequence[str], answer: int) -> None:
        """Store a person's answer for some images; beyond the classes, none of them is shown.

        UserError if the collection cannot be written to.
        """
        with self._lock:
            label = self.request.classes[answer].name if answer < len(self.request.classes) else ""
            self._undo.append(_Change(correct_images(self.collection, dict.fromkeys(ids, label))))
            self.result = replace(self.result, ground_truth=self._ground_truth())

    def add_class(self, name: str, ids: Sequence[str]) -> None:
        """Add a class, label the collection anew, and store it as a person's answer for some images.

        name: as a line of a list of classes. UserError for a name that a class has already, in any case.
        """
        with self._lock:
            added, before = parse_class(" ".join(name.split())), self.request
            if any(one.name.casefold() == added.name.casefold() for one in before.classes):
                raise UserError(f"There is a class {added.name!r} already; choose it from the list.")
            self._ask(replace(before, classes=(*before.classes, added)), self.result.learned is not None)
            try:
                self.correct(ids, len(before.classes))
            except UserError:
                self._ask(before, self.result.learned is not None)
                raise
            self._undo[-1] = replace(self._undo[-1], before=before, after=self.request)

    def undo(self) -> list[str]:
        """Take the last correction back, and the class that it added if that is the last one; the ids of its images."""
        with self._lock:
            if not self._undo:
                raise UserError("There is nothing to undo.")
            change = self._undo[-1]
            correct_images(self.collection, change.labels)
            self._undo.pop()
            if change.before is not None and change.after == self.request:
                self._ask(change.before, self.result.learned is not None)
            else:
                self.result = replace(self.result, ground_truth=self._ground_truth())
            return list(change.labels)

    @property
    def can_undo(self) -> int:
        """How many images the last correction is of; 0 where there is none to take back."""
        return len(self._undo[-1].labels) if self._undo else 0

    def to_review(self, order: Order, count: int, second: Member | None = None) -> NDArray[np.int64]:
        """The next rows to review, by an order of the queue; second: see `uncertainty`."""
        with self._lock:
            result, key = self.result, f"{order} {second[0].fingerprint if second else ''}"
            classifier, scores = self._scores.get(key, (None, None))
            if scores is None or classifier is not result.classifier:
                scores = uncertainty(result, order, second)
                self._scores[key] = result.classifier, scores
            return next_rows(result, scores, count)

    def learn(self, on: bool) -> None:
        """Learn from the corrections, or forget what was learned; images get new labels if it helps.

        UserError while there are too few corrections.
        """
        with self._lock:
            if on:
                learned_from(self.plain, self.collection, self.result.ground_truth)  # says why not
            self.result = self._labelled(on)

    def recalibrate(self) -> None:
        """Fit probabilities anew, after corrections."""
        with self._lock:
            known = self._ground_truth()
            classifier = calibrated(self.result.classifier, self.collection, known)
            predictions = predict(classifier, self.collection)
            self.result = replace(self.result, classifier=classifier, predictions=predictions, ground_truth=known)

    def held_out_accuracy(self) -> dict[str, int] | None:
        """right before and after learning, of the images with a column's label that no correction touched."""
        result, known = self.result, self.result.ground_truth
        if not known.column or self.request.mode == "any":
            return None
        rest = known.truth >= 0
        rest[known.corrected] = False
        rows = np.flatnonzero(rest)[:: max(1, int(rest.sum()) // MOST_HELD_OUT)]
        if not len(rows):
            return None
        truth, vectors = known.truth[rows], self.collection.vectors[rows]
        before = int((self.plain.probabilities(vectors).argmax(axis=1) == truth).sum())
        after = int((result.classifier.probabilities(vectors).argmax(axis=1) == truth).sum())
        return {"before": before, "after": after, "n": len(rows)}

    def template_effects(self) -> list[TemplateEffect]:
        """`template_effects` on a sample: of images with a known label, where there are some."""
        rows, result = self._sample(), self.result
        vectors, truth = self.collection.vectors[rows], result.ground_truth.truth[rows]
        return list(template_effects(result.classifier, self.embeddings, vectors, truth))

    def accuracy_of_sample(self) -> Figure | None:
        """Of all templates together, on the sample that each is judged on; None without known labels."""
        rows, result = self._sample(), self.result
        truth = result.ground_truth.truth[rows]
        if not (truth >= 0).any():
            return None
        predicted = result.classifier.probabilities(self.collection.vectors[rows]).argmax(axis=1)
        return wilson_figure(int((predicted == truth)[truth >= 0].sum()), int((truth >= 0).sum()))

    def _sample(self) -> NDArray[np.int64]:
        rows = self.result.ground_truth.rows
        rows = rows if len(rows) else np.arange(len(self.collection))
        return np.sort(np.random.default_rng(0).permutation(rows)[:EFFECT_SAMPLE])


def collection_classifier(
    request: LabelRequest, embeddings: ClassEmbeddings, collection: Collection, corrections: Mapping[str, str]
) -> Classifier:
    """The classifier that labels a collection, for images beside it; nothing is learned from corrections."""
    classifier = _plain(request, embeddings, collection)
    if request.calibration != "calibrated":
        return classifier
    known = ground_truth(collection, request, corrections if request.corrections else {})
    return calibrated(classifier, collection, known)


def _plain(request: LabelRequest, embeddings: ClassEmbeddings, collection: Collection) -> Classifier:
    """The classifier before it is fitted to ground truth. Mode "any" waits for the null distribution, unless the
    encoder has a logistic of its own."""
    encoder, null = embeddings.encoder, None
    if request.mode == "any" and encoder.logit_bias is None:
        null = cached_null_distribution(collection, encoder)
    return make_classifier(request, embeddings, null)
