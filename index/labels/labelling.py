"""A whole collection labelled by a list of classes: what each image got, how close it was, what a person said."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.label import CHUNK, NONE
from index.labels.calibration import share
from index.labels.classifier import Asked, Classifier, calibrated, learned_from, make_classifier, template_effects
from index.labels.confusion import by_class, by_class_yes, confusion
from index.labels.ground_truth import Known, known_labels
from index.labels.tip_adapter import Learned
from index.retrieval.relevance import NullDistribution
from index.storage.corrections import correct, read_corrections
from training.models.errors import UserError
from training.models.zero_shot import ClassVectors

EFFECT_SAMPLE = 1000  # images that phrasings are compared on


@dataclass(frozen=True)
class Predictions:
    """For each image [N]: label and runner_up are numbers of answers, -1 where there is no second one.

    yes: of any-of-these, which classes say yes [N, K].
    """

    label: NDArray[np.int32]
    runner_up: NDArray[np.int32]
    probability: NDArray[np.float32]
    margin: NDArray[np.float32]
    yes: NDArray[np.bool_] | None = None


def predict(
    classifier: Classifier, collection: Collection, progress: Callable[[int, int], object] = lambda done, total: None
) -> Predictions:
    """Every image of the collection, by a matrix product a chunk. progress gets images done and their total."""
    n, k = len(collection), len(classifier.words)
    label, runner_up = np.zeros(n, np.int32), np.full(n, -1, np.int32)
    probability, margin = np.zeros(n, np.float32), np.zeros(n, np.float32)
    yes = np.zeros((n, k), bool) if classifier.asked.independent else None
    vectors = collection.vectors
    for start in range(0, n, CHUNK):
        rows = slice(start, min(start + CHUNK, n))
        probabilities = classifier.probabilities(vectors[rows])
        if yes is not None:
            yes[rows] = probabilities > 0.5
        first, second = _two_best(probabilities)
        each = np.arange(len(probabilities))
        best = probabilities[each, first]
        label[rows], probability[rows], runner_up[rows] = first, best, second
        if yes is not None:  # no class says yes: none of these, as surely as the likeliest class says no
            nothing = best <= 0.5
            label[rows][nothing], runner_up[rows][nothing] = k, first[nothing]
            probability[rows][nothing] = 1 - best[nothing]
            margin[rows] = np.abs(2 * probabilities - 1).min(axis=1)
        else:
            margin[rows] = best - np.where(second >= 0, probabilities[each, np.maximum(second, 0)], 0)
        progress(rows.stop, n)
    return Predictions(label, runner_up, probability, margin, yes)


def _two_best(probabilities: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns of the largest and the second largest of each row, -1 if there is one column only."""
    first = probabilities.argmax(axis=1)
    if probabilities.shape[1] == 1:
        return first, np.full(len(probabilities), -1)
    left = probabilities.copy()
    left[np.arange(len(probabilities)), first] = -np.inf
    return first, left.argmax(axis=1)


class Labelling:
    """One collection, one list of classes, and what is known and learned about them so far. Safe from any thread."""

    def __init__(
        self,
        collection: Collection,
        vectors: ClassVectors,
        asked: Asked,
        noise: NullDistribution | None = None,
        *,
        learn: bool = False,
        progress: Callable[[int, int], object] = lambda done, total: None,
    ):
        collection.check_encoder(vectors.encoder)
        answers_none = asked.none or asked.independent
        if answers_none and any(c.name == NONE for c in asked.classes):
            raise UserError(
                f"A class is called {NONE!r}, which is also the answer for none of them; call it otherwise."
            )
        self.collection, self.vectors, self.asked = collection, vectors, asked
        self.names = [c.name for c in asked.classes] + ([NONE] if answers_none else [])
        self.learned: Learned | None = None
        self._lock = threading.RLock()
        self._undo: list[tuple[str, str | None]] = []
        self.corrections = read_corrections(collection.path)
        self.plain = make_classifier(asked, vectors, noise)
        self.known = self._known()
        self.classifier = self._settled(learn)
        self.predictions = predict(self.classifier, collection, progress)

    def _known(self) -> Known:
        return known_labels(
            self.collection, self.asked.classes, self.corrections, len(self.names) > len(self.plain.words)
        )

    def _settled(self, learning: bool) -> Classifier:
        """The plain classifier with what labels teach it."""
        classifier = self.plain
        if learning:
            try:
                self.learned = learned_from(self.plain, self.collection, self.known)
            except UserError:  # other classes have fewer corrections; the page shows how many
                self.learned = None
            if self.learned is not None and self.learned.helps:
                classifier = replace(classifier, adapter=self.learned.adapter)
        return calibrated(classifier, self.collection, self.known)

    def counts(self) -> list[int]:
        """Images with each answer; of any-of-these an image counts for every class that says yes."""
        given = np.bincount(self.labels(), minlength=len(self.names))
        if self.predictions.yes is None:
            return given.tolist()
        return [*self.answers_yes().sum(axis=0).tolist(), int(given[-1])]

    def labels(self) -> NDArray[np.int64]:
        """The answer for each image, a person's before the classifier's: [N]."""
        labels = self.predictions.label.astype(np.int64)
        rows = self.known.corrected
        labels[rows] = self.known.truth[rows]
        return labels

    def answers_yes(self) -> NDArray[np.bool_]:
        """Of any-of-these, which classes each image shows, a person's word included: [N, K]."""
        assert self.predictions.yes is not None
        yes = self.predictions.yes.copy()
        for row in self.known.corrected:
            truth = self.known.truth[row]
            if truth == len(self.classifier.words):
                yes[row] = False
            else:
                yes[row, truth] = True
        return yes

    def rows(self, answer: int, order: str) -> NDArray[np.int64]:
        """Images that got an answer: the surest first, or the closest calls."""
        if self.predictions.yes is not None and answer < len(self.classifier.words):
            rows = np.flatnonzero(self.answers_yes()[:, answer])
        else:
            rows = np.flatnonzero(self.labels() == answer)
        by = self.predictions.margin if order == "close" else -self.predictions.probability
        return rows[np.argsort(by[rows], kind="stable")]

    def unreviewed(self, order: str, count: int) -> NDArray[np.int64]:
        """The next rows to review: those of the smallest margin, or of "any", drawn by chance."""
        left = np.ones(len(self.collection), bool)
        left[self.known.corrected] = False
        rows = np.flatnonzero(left)
        if order == "any":
            drawn = np.random.default_rng(0).permutation(len(left))
            return drawn[left[drawn]][:count]
        margins = self.predictions.margin[rows]
        if len(rows) > count:
            nearest = np.argpartition(margins, count)[:count]
            rows, margins = rows[nearest], margins[nearest]
        return rows[np.lexsort((rows, margins))]

    def correct(self, id: str, answer: int) -> None:
        """Keep a person's answer for an image. UserError if the collection cannot be written to."""
        with self._lock:
            label = "" if answer >= len(self.classifier.words) else self.names[answer]
            self._undo.append((id, correct(self.collection, id, label)))
            self._read_again()

    def undo(self) -> str:
        """Take the last correction of this labelling back; returns its image's id."""
        with self._lock:
            if not self._undo:
                raise UserError("There is nothing to undo.")
            id, before = self._undo[-1]
            correct(self.collection, id, before)
            self._undo.pop()
            self._read_again()
            return id

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    def _read_again(self) -> None:
        self.corrections = read_corrections(self.collection.path)
        self.known = self._known()

    def learn(self, on: bool) -> None:
        """Learn from the corrections, or forget what was learned; images get new answers if it helps.

        UserError while there are too few corrections.
        """
        with self._lock:
            if on:
                learned_from(self.plain, self.collection, self.known)  # says why not
            self.learned = None
            self.classifier = self._settled(on)
            self.predictions = predict(self.classifier, self.collection)

    def recalibrate(self) -> None:
        """Fit probabilities anew, after corrections."""
        with self._lock:
            self.classifier = calibrated(self.classifier, self.collection, self.known)
            self.predictions = predict(self.classifier, self.collection)

    def held_out_accuracy(self) -> dict[str, Any] | None:
        """right before and after learning, of the images with a column's label that no correction touched."""
        if not self.known.column or self.asked.independent:
            return None
        rest = self.known.truth >= 0
        rest[self.known.corrected] = False
        rows = np.flatnonzero(rest)[:: max(1, int(rest.sum()) // 5000)]
        if not len(rows):
            return None
        truth, vectors = self.known.truth[rows], self.collection.vectors[rows]
        before = int((self.plain.probabilities(vectors).argmax(axis=1) == truth).sum())
        after = int((self.classifier.probabilities(vectors).argmax(axis=1) == truth).sum())
        return {"before": before, "after": after, "n": len(rows)}

    def matrix(self) -> NDArray[np.int64] | None:
        """True answers by given ones, the classifier's own; None where no label is known, or for any-of-these."""
        if self.predictions.yes is not None or not len(self.known.rows):
            return None
        return confusion(self.known.truth, self.predictions.label.astype(np.int64), len(self.names))

    def by_class(self) -> list[dict[str, Any]]:
        """precision and recall of each answer; of any-of-these, of each class."""
        if self.predictions.yes is not None:
            return by_class_yes(self.known.truth, self.predictions.yes)
        matrix = self.matrix()
        return [] if matrix is None else by_class(matrix)

    def cell(self, truth: int, given: int) -> NDArray[np.int64]:
        """Images of one cell of the matrix, the surest first."""
        rows = np.flatnonzero((self.known.truth == truth) & (self.predictions.label == given))
        return rows[np.argsort(-self.predictions.probability[rows], kind="stable")]

    def template_effects(self) -> list[dict[str, Any]]:
        """`template_effects` on a sample: of images with a known label, where there are some."""
        rows = self._sample()
        return template_effects(self.classifier, self.vectors, self.collection.vectors[rows], self.known.truth[rows])

    def accuracy_of_sample(self) -> dict[str, Any] | None:
        """Of all templates together, on the sample that each is judged on; None without known labels."""
        rows = self._sample()
        known = self.known.truth[rows] >= 0
        if not known.any():
            return None
        given = self.classifier.probabilities(self.collection.vectors[rows]).argmax(axis=1)
        return share(int((given == self.known.truth[rows])[known].sum()), int(known.sum()))

    def _sample(self) -> NDArray[np.int64]:
        rows = self.known.rows if len(self.known.rows) else np.arange(len(self.collection))
        return np.sort(np.random.default_rng(0).permutation(rows)[:EFFECT_SAMPLE])

    @property
    def prompt_hash(self) -> str:
        """Twelve digits that stand for the classes, phrasings and settings: equal where all of these are."""
        a = self.asked
        said = [[c.words for c in a.classes], a.templates, a.independent, a.none, a.level, a.sureness]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]
