"""A labelled collection as of one revision: the label of each image, how probable it is, and what that rests on."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.labels.classifier import Classifier
from index.labels.confusion import ClassFigures, by_class, by_class_yes, confusion
from index.labels.ground_truth import GroundTruth
from index.labels.predictions import Predictions
from index.labels.request import NONE, LabelRequest
from index.labels.tip_adapter import Learned
from training.models.intervals import Figure, wilson_figure


@dataclass(frozen=True)
class LabelResult:
    """The labels of a collection. predictions are the classifier's own; labels and yes have corrections in them.

    learned: what corrections taught, where that was wanted and there were enough of them.
    """

    collection: Collection
    classifier: Classifier
    predictions: Predictions
    ground_truth: GroundTruth
    learned: Learned | None = None

    @property
    def request(self) -> LabelRequest:
        return self.classifier.request

    @property
    def answers(self) -> tuple[str, ...]:
        """The names that labels are numbers of; NONE last where it is an answer of the classifier or of a person."""
        names = self.request.answers
        return (*names, NONE) if (self.ground_truth.truth >= len(names)).any() else names

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The answer for each image, a person's before the classifier's: [N]."""
        labels = self.predictions.label.astype(np.int64)
        rows = self.ground_truth.corrected
        labels[rows] = self.ground_truth.truth[rows]
        return labels

    @cached_property
    def yes(self) -> NDArray[np.bool_] | None:
        """Of mode "any", which classes each image shows, a person's answer included: [N, K]."""
        if self.predictions.yes is None:
            return None
        yes = self.predictions.yes.copy()
        for row in self.ground_truth.corrected:
            truth = self.ground_truth.truth[row]
            if truth == yes.shape[1]:
                yes[row] = False
            else:
                yes[row, truth] = True
        return yes

    @cached_property
    def corrected(self) -> frozenset[int]:
        """Rows whose label is a person's."""
        return frozenset(self.ground_truth.corrected.tolist())

    @cached_property
    def counts(self) -> list[int]:
        """Images with each answer; of mode "any" an image counts for every class that says yes."""
        given = np.bincount(self.labels, minlength=len(self.answers))
        if self.yes is None:
            return [int(count) for count in given]
        return [*map(int, self.yes.sum(axis=0)), int(given[-1])]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row an image, in the collection's order: path, label, probability, runner_up, margin and id.

        What a person says has no probability, runner-up or margin. Of mode "any" also labels, all that say yes.
        """
        names = np.array([*self.answers, ""], dtype=object)
        person = np.zeros(len(self.labels), bool)
        person[self.ground_truth.corrected] = True
        images, guess = self.collection.frame(["path", "id"]), self.predictions
        columns = {
            "path": images["path"],
            "label": names[self.labels],
            "probability": np.where(person, np.nan, guess.probability),
            "runner_up": np.where(person, "", names[guess.runner_up]),
            "margin": np.where(person, np.nan, guess.margin),
            "id": images["id"],
        }
        if self.yes is not None:
            columns["labels"] = [[self.answers[k] for k in row.nonzero()[0]] for row in self.yes]
        return pd.DataFrame(columns)

    def records(self, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
        """Some images as the classifier has them: id, path, label, probability, runner-up ("" for none) and margin."""
        paths, ids = self.collection.column("path"), self.collection.column("id")
        found, names = self.predictions, self.answers
        return [
            {
                "id": str(ids.iat[row]),
                "path": str(paths.iat[row]),
                "label": names[found.label[row]],
                "probability": round(float(found.probability[row]), 4),
                "runner_up": names[found.runner_up[row]] if found.runner_up[row] >= 0 else "",
                "margin": round(float(found.margin[row]), 4),
            }
            for row in map(int, rows)
        ]

    def summary(self) -> dict[str, Any]:
        """How many images got each label, and what the probabilities rest on."""
        probabilities, known = self.predictions.probability, self.ground_truth
        return {
            "images": len(self.labels),
            "encoder": self.classifier.encoder.name,
            "classes": dict(zip(self.answers, self.counts, strict=True)),
            "mean_probability": round(float(probabilities.mean()), 4) if len(probabilities) else None,
            "calibrated": self.classifier.calibration.labels > 0,
            "calibration": self.classifier.calibration.as_dict(),
            "ground_truth": {"column": known.column, "corrections": len(known.corrected), "known": len(known.rows)},
            "learned": self.learned is not None and self.learned.helps,
        }

    def rows(self, answer: int, order: str) -> NDArray[np.int64]:
        """Images that got an answer, those of the highest probability first, or by order "margin" of the smallest."""
        if self.yes is not None and answer < self.yes.shape[1]:
            rows = np.flatnonzero(self.yes[:, answer])
        else:
            rows = np.flatnonzero(self.labels == answer)
        by = self.predictions.margin if order == "margin" else -self.predictions.probability
        return rows[np.argsort(by[rows], kind="stable")]

    @cached_property
    def matrix(self) -> NDArray[np.int64] | None:
        """True by predicted answers, without corrections of labels; None without ground truth, or of mode "any"."""
        if self.predictions.yes is not None or not len(self.ground_truth.rows):
            return None
        return confusion(self.ground_truth.truth, self.predictions.label.astype(np.int64), len(self.answers))

    def accuracy(self, truth: GroundTruth | None = None) -> Figure | None:
        """The share of predictions that are right, with its interval; None of mode "any" or without ground truth.

        truth: measure against this; then images whose true label is none of the classes count as wrong.
        """
        known, others = (self.ground_truth, 0) if truth is None else (truth, truth.others)
        rows = known.rows
        if self.predictions.yes is not None or len(rows) + others == 0:
            return None
        return wilson_figure(int((self.predictions.label[rows] == known.truth[rows]).sum()), len(rows) + others)

    def by_class(self) -> list[ClassFigures]:
        """precision and recall of each answer; of mode "any", of each class."""
        if self.predictions.yes is not None:
            return by_class_yes(self.ground_truth.truth, self.predictions.yes)
        return [] if self.matrix is None else by_class(self.matrix)

    def cell(self, truth: int, predicted: int) -> NDArray[np.int64]:
        """Images of one cell of the matrix, those of the highest probability first."""
        rows = np.flatnonzero((self.ground_truth.truth == truth) & (self.predictions.label == predicted))
        return rows[np.argsort(-self.predictions.probability[rows], kind="stable")]
