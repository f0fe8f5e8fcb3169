"""How images are classified: words, and whatever the labels at hand have taught about them.

One of these: a softmax over the classes' logits, divided by a temperature. Any of these: each class says yes
or no for itself, by how far an image stands out of the collection's noise for its words (relevance.py), or
by the encoder's own logistic if it was trained to say yes and no, as SigLIP is.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.labels.calibration import (
    LEAST_LABELS,
    MOST_LABELS,
    Reliability,
    fit_temperature,
    fit_yes,
    folds,
    held_out,
    reliability,
    softmax,
)
from index.labels.ground_truth import Known
from index.labels.tip_adapter import AMONG, MOST_KEYS, Adapter, Learned, enough, learn
from index.retrieval.relevance import NullDistribution
from training.models.encoder import Encoder, Vectors
from training.models.errors import UserError
from training.models.zero_shot import ClassName, ClassVectors

STEEP = 4.0  # logits a unit of strength before anything is calibrated: noise itself (0) says yes to 2 %
SURENESS = ("calibrated", "own", "one")  # how probabilities are had from logits


@dataclass(frozen=True)
class Asked:
    """What a person asked for. independent: any of these. none: "none of these" may be the answer, level logits
    ahead of where it stands by itself. sureness: one of SURENESS."""

    classes: tuple[ClassName, ...]
    templates: tuple[str, ...]
    independent: bool = False
    none: bool = False
    level: float = 0.0
    sureness: str = "calibrated"


@dataclass(frozen=True)
class Calibration:
    """What probabilities rest on. temperature: of one-of-these. slope, offset: of any-of-these.

    labels: known labels it was fitted on, 0 if it was not. before and after: reliability on images it was
    not fitted on; None below LEAST_LABELS.
    """

    temperature: float = 1.0
    slope: float = STEEP
    offset: float = -STEEP
    labels: int = 0
    known: int = 0
    before: Reliability | None = None
    after: Reliability | None = None


@dataclass(frozen=True)
class Classifier:
    """Classes as an encoder reads them. rivals: [M, dim], what stands for "none of these", if that is asked for."""

    asked: Asked
    encoder: Encoder
    words: Vectors
    rivals: Vectors | None = None
    noise: NullDistribution | None = None
    calibration: Calibration = Calibration()
    adapter: Adapter | None = None

    @property
    def answers(self) -> int:
        """How many answers there are, "none of these" included: the columns of what follows."""
        return len(self.words) + (self.rivals is not None)

    def scores(self, vectors: NDArray) -> NDArray[np.float32]:
        """By words alone: logits [N, answers], or of any-of-these strengths [N, K]."""
        vectors = np.asarray(vectors, np.float32)
        if self.asked.independent:
            if self.encoder.logit_bias is not None:
                return self.encoder.logit_scale * (vectors @ self.words.T) + self.encoder.logit_bias
            assert self.noise is not None
            return self.noise.normalised_score_matrix(self.words, vectors)
        cosines = vectors @ self.words.T
        if self.rivals is not None:
            cosines = np.column_stack([cosines, (vectors @ self.rivals.T).max(axis=1)])
        logits = self.encoder.logit_scale * cosines
        if self.rivals is not None:
            logits[:, -1] += self.asked.level
        return logits

    def probabilities(self, vectors: NDArray) -> NDArray[np.float32]:
        """Probabilities: [N, answers] with rows that sum to 1, or of any-of-these [N, K], each for itself."""
        scores = self.scores(vectors)
        if self.asked.independent:
            c = self.calibration
            return (1 / (1 + np.exp(-np.clip(c.slope * scores + c.offset, -60, 60)))).astype(np.float32)
        if self.adapter is not None:
            scores = scores + self.adapter.logits(vectors)
        return softmax(scores, self.calibration.temperature)


def make_classifier(asked: Asked, vectors: ClassVectors, noise: NullDistribution | None = None) -> Classifier:
    """Classes as the encoder reads them, nothing learned yet. noise: needed for any-of-these by a CLIP."""
    encoder = vectors.encoder
    words = vectors.classifier(asked.classes, asked.templates)
    rivals = vectors.rivals(words, asked.templates) if asked.none and not asked.independent else None
    calibration = Calibration()
    if encoder.logit_bias is not None:
        calibration = replace(calibration, slope=1.0, offset=0.0)
    if asked.sureness == "one":
        calibration = replace(calibration, temperature=encoder.logit_scale)
    return Classifier(asked, encoder, words, rivals, noise, calibration)


def calibrated(classifier: Classifier, collection: Collection, known: Known) -> Classifier:
    """The classifier with its calibration fitted and judged, where labels are known; what is fitted is used
    only if that was asked for."""
    rows = _some(known.rows, MOST_LABELS)
    plain = replace(classifier.calibration, known=len(known.rows))
    if len(rows) < LEAST_LABELS:
        return replace(classifier, calibration=plain)
    truth, vectors = known.truth[rows], collection.vectors[rows]
    scores = classifier.scores(vectors)
    if classifier.asked.independent:
        fitted = _calibrated_yes(plain, scores, truth)
    else:
        if classifier.adapter is not None:
            scores = scores + classifier.adapter.logits(vectors, judged_by_others=True)
        plain_probabilities = softmax(scores, plain.temperature)
        probabilities = held_out(scores, truth)
        fitted = replace(
            plain,
            temperature=fit_temperature(scores, truth),
            before=_reliability(plain_probabilities, truth),
            after=_reliability(probabilities, truth),
        )
    if classifier.asked.sureness == "calibrated":
        return replace(classifier, calibration=replace(fitted, labels=len(rows)))
    return replace(classifier, calibration=replace(plain, before=fitted.before, after=fitted.after))


def learned_from(classifier: Classifier, collection: Collection, known: Known) -> Learned:
    """What the newest corrections teach; UserError while there are too few, or of one class only."""
    if classifier.asked.independent:
        raise UserError("Learning is for one of these: a correction says which class it is, not all that it shows.")
    rows = known.corrected[-MOST_KEYS:]
    truth = known.truth[rows]
    needed = enough(len(classifier.asked.classes))
    if len(rows) < needed or len(np.unique(truth)) < 2:
        raise UserError(
            f"There are {len(rows)} corrections of {len(np.unique(truth))} classes; "
            f"learning needs {needed}, of two classes at least. Review some more images."
        )
    vectors = np.asarray(collection.vectors[rows], np.float32)
    among = collection.vectors[_some(np.arange(len(collection)), AMONG)]
    return learn(classifier.scores(vectors), vectors, truth, among)


def template_effects(
    classifier: Classifier, vectors: ClassVectors, rows: NDArray, truth: NDArray[np.int64] | None = None
) -> list[dict[str, Any]]:
    """What each template does for images [N, dim]: one entry a template.

    agrees: share of images that it alone gives the label that all give together. first and probability,
    of the first image: the class that it alone puts first, and what it alone gives to the class that all put
    first; without: what the others give to that class. right: how many it alone gets right of those with a
    truth [N], of known; without_right: how many the others get right.
    """
    asked = classifier.asked
    means = vectors.by_template(asked.classes, asked.templates)  # [T, K, dim]
    total = means.sum(axis=0)
    together = classifier.probabilities(rows)
    top = together.argmax(axis=1)
    known = truth >= 0 if truth is not None else np.zeros(len(rows), bool)
    effects = []
    for template, mean in zip(asked.templates, means, strict=True):
        alone = replace(classifier, words=_unit(mean)).probabilities(rows)
        others = replace(classifier, words=_unit(total - mean)).probabilities(rows) if len(means) > 1 else None
        best = alone.argmax(axis=1)
        effects.append(
            {
                "template": template,
                "agrees": float((best == top).mean()),
                "first": int(best[0]),
                "probability": float(alone[0, top[0]]),
                "without": None if others is None else float(others[0, top[0]]),
                "right": int((best == truth)[known].sum()) if truth is not None else 0,
                "without_right": (
                    int((others.argmax(axis=1) == truth)[known].sum())
                    if truth is not None and others is not None
                    else None
                ),
                "known": int(known.sum()),
            }
        )
    return effects


def _unit(rows: NDArray) -> Vectors:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)


def _some(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    return rows if len(rows) <= most else np.sort(np.random.default_rng(0).permutation(rows)[:most])


def _reliability(probabilities: NDArray, truth: NDArray[np.int64]) -> Reliability:
    return reliability(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)


def _calibrated_yes(plain: Calibration, scores: NDArray, truth: NDArray[np.int64]) -> Calibration:
    """One logistic curve for all classes; each image's answers stay in one fold."""
    yes = truth[:, None] == np.arange(scores.shape[1])
    part = folds(len(truth))
    after = np.zeros(scores.shape)
    for fold in np.unique(part):
        away = part == fold
        slope, offset = fit_yes(scores[~away].ravel(), yes[~away].ravel())
        after[away] = 1 / (1 + np.exp(-np.clip(slope * scores[away] + offset, -60, 60)))
    before = 1 / (1 + np.exp(-np.clip(plain.slope * scores + plain.offset, -60, 60)))
    slope, offset = fit_yes(scores.ravel(), yes.ravel())
    return replace(
        plain,
        slope=slope,
        offset=offset,
        before=reliability(before.ravel(), yes.ravel()),
        after=reliability(after.ravel(), yes.ravel()),
    )
