"""What the ground truth of a collection teaches a classifier: calibrated probabilities, and corrections."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.labels.calibration import (
    LEAST_LABELS,
    MOST_LABELS,
    Reliability,
    class_calibrations,
    fit_platt,
    fit_temperature,
    folds,
    held_out,
    logistic,
    reliability,
)
from index.labels.classifier import Calibration, Classifier
from index.labels.ground_truth import GroundTruth
from index.labels.tip_adapter import MOST_KEYS, SAMPLE, Learned, enough, learn
from training.models.errors import UserError
from training.models.softmax import softmax


def calibrated(classifier: Classifier, collection: Collection, known: GroundTruth) -> Classifier:
    """The classifier with its calibration fitted and judged, where there is enough ground truth; the fit is used
    only if the request has it."""
    rows = _sample(_answerable(classifier, known, known.rows), MOST_LABELS)
    shown = np.unique(known.truth[known.rows])
    covered = int((shown < len(classifier.request.classes)).sum())
    plain = replace(classifier.calibration, known=len(known.rows), covered=covered)
    if len(rows) < LEAST_LABELS:
        return replace(classifier, calibration=plain)
    fitted = _fit(classifier, plain, collection.vectors[rows], known.truth[rows])
    if classifier.request.calibration == "calibrated":
        return replace(classifier, calibration=replace(fitted, labels=len(rows)))
    measured = replace(plain, before=fitted.before, after=fitted.after, by_class=fitted.by_class)
    return replace(classifier, calibration=measured)


def _fit(
    classifier: Classifier, plain: Calibration, vectors: NDArray[np.floating], truth: NDArray[np.int64]
) -> Calibration:
    logits = classifier.text_logits(vectors)
    if classifier.request.mode == "any":
        return _fit_yes(plain, logits, truth)
    if classifier.adapter is not None:
        logits = logits + classifier.adapter.logits(vectors, judged_by_others=True)
    before, after = softmax(logits, plain.temperature), held_out(logits, truth)
    return replace(
        plain,
        temperature=fit_temperature(logits, truth),
        before=_reliability(before, truth),
        after=_reliability(after, truth),
        by_class=class_calibrations(after if plain.kind == "calibrated" else before, truth, yes=False),
    )


def _fit_yes(plain: Calibration, scores: NDArray[np.floating], truth: NDArray[np.int64]) -> Calibration:
    """One logistic curve for all classes; the scores of an image stay in one fold."""
    yes = truth[:, None] == np.arange(scores.shape[1])
    part = folds(len(truth))
    after = np.zeros(scores.shape)
    for fold in np.unique(part):
        away = part == fold
        after[away] = logistic(scores[away], *fit_platt(scores[~away].ravel(), yes[~away].ravel()))
    before = logistic(scores, plain.slope, plain.offset)
    slope, offset = fit_platt(scores.ravel(), yes.ravel())
    return replace(
        plain,
        slope=slope,
        offset=offset,
        before=reliability(before.ravel(), yes.ravel()),
        after=reliability(after.ravel(), yes.ravel()),
        by_class=class_calibrations(after if plain.kind == "calibrated" else before, truth, yes=True),
    )


def learned_from(classifier: Classifier, collection: Collection, known: GroundTruth) -> Learned:
    """What the newest corrections teach; UserError while there are too few, or of one class only."""
    if classifier.request.mode == "any":
        raise UserError("Learning needs mode one: a correction says which class an image is, not all that it shows.")
    images = collection.column("id").iloc[known.corrected].drop_duplicates()  # a copy would be judged by itself
    rows = _answerable(classifier, known, images.index.to_numpy(np.int64))[-MOST_KEYS:]
    truth = known.truth[rows]
    needed = enough(len(classifier.request.classes))
    if len(rows) < needed or len(np.unique(truth)) < 2:
        raise UserError(
            f"There are {len(rows)} corrections of {len(np.unique(truth))} classes; "
            f"learning needs {needed}, of two classes at least. Review some more images."
        )
    vectors = np.asarray(collection.vectors[rows], np.float32)
    others = collection.vectors[_sample(np.arange(len(collection)), SAMPLE)]
    return learn(classifier.text_logits(vectors), vectors, truth, others)


def _answerable(classifier: Classifier, known: GroundTruth, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of rows whose true class is an answer of the classifier; of mode "any", none of the classes is one."""
    columns = len(classifier.request.answers)
    return rows[known.truth[rows] < columns]


def _sample(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    return rows if len(rows) <= most else np.sort(np.random.default_rng(0).permutation(rows)[:most])


def _reliability(probabilities: NDArray[np.floating], truth: NDArray[np.int64]) -> Reliability:
    return reliability(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)
