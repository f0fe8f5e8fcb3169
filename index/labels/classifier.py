"""How images are classified: by text embeddings of classes, and what ground truth has taught about them.

Mode "one": a softmax over the classes' logits, divided by a temperature. Mode "any": a yes or no of each class by
itself, from its normalised score against the collection's null distribution (relevance.py), or from the encoder's
own logistic if it was trained with one, as SigLIP is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.labels.calibration import ClassCalibration, Reliability, logistic
from index.labels.request import CalibrationKind, LabelRequest
from index.labels.tip_adapter import Adapter
from index.retrieval.relevance import NullDistribution
from training.models.encoder import Encoder, Vectors
from training.models.errors import UserError
from training.models.softmax import softmax
from training.models.zero_shot import ClassEmbeddings

STEEP = 4.0  # logits a unit of normalised score before calibration: a score of 0 gives a probability of 2 %


@dataclass(frozen=True)
class Calibration:
    """What probabilities rest on. temperature: of mode "one". slope, offset: of mode "any".

    labels: labelled images it was fitted on, 0 if it was not. known: labelled images there are. covered: how many of
    the classes these show. before and after: reliability on images it was not fitted on; None below LEAST_LABELS.
    by_class: of the probabilities in use, also on such images, for the classes with so many.
    """

    kind: CalibrationKind = "calibrated"
    temperature: float = 1.0
    slope: float = STEEP
    offset: float = -STEEP
    labels: int = 0
    known: int = 0
    covered: int = 0
    before: Reliability | None = None
    after: Reliability | None = None
    by_class: Sequence[ClassCalibration] = ()

    def as_dict(self) -> dict[str, Any]:
        """What probabilities rest on, in a few figures; before and after are calibration errors."""
        return {
            "kind": self.kind,
            "labels": self.labels,
            "known": self.known,
            "covered": self.covered,
            "temperature": round(self.temperature, 4),
            "before": None if self.before is None else round(self.before.error, 4),
            "after": None if self.after is None else round(self.after.error, 4),
        }


@dataclass(frozen=True)
class ClassScore:
    """One answer for one image. cosine: of the image and the class, or the nearest of what "none" stands for."""

    name: str
    probability: float
    cosine: float


@dataclass(frozen=True)
class Classifier:
    """Class embeddings [K, dim] of an encoder. none_embeddings: [M, dim], what stands for "none of these", if that
    is a possible answer of mode "one". null: the null distribution of the collection, for mode "any"."""

    request: LabelRequest
    encoder: Encoder
    embeddings: Vectors
    none_embeddings: Vectors | None = None
    null: NullDistribution | None = None
    calibration: Calibration = Calibration()
    adapter: Adapter | None = None

    @property
    def columns(self) -> int:
        """How many columns logits and probabilities have: the classes, and in mode "one" none of them."""
        return len(self.embeddings) + (self.none_embeddings is not None)

    @property
    def nbytes(self) -> int:
        """Memory of the arrays that this classifier alone holds."""
        none = 0 if self.none_embeddings is None else self.none_embeddings.nbytes
        return self.embeddings.nbytes + none

    def text_logits(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """By text alone: logits [N, columns] of images [N, dim], or in mode "any" normalised scores [N, K]."""
        vectors = np.asarray(vectors, np.float32)
        if self.request.mode == "any" and self.encoder.logit_bias is None:
            if self.null is None:
                raise UserError("Any of these needs the scores of a collection, and nothing is indexed here yet.")
            return self.null.normalised_score_matrix(self.embeddings, vectors)
        scale = np.float32(self.encoder.logit_scale)  # scaling the few class embeddings saves a pass over the logits
        logits: NDArray[np.float32] = vectors @ (scale * self.embeddings.T)
        if self.request.mode == "any":
            return logits + np.float32(self.encoder.logit_bias or 0.0)
        if self.none_embeddings is not None:
            nearest = (vectors @ self.none_embeddings.T).max(axis=1) - np.float32(self.encoder.none_margin)
            logits = np.column_stack([logits, scale * nearest + np.float32(self.request.none_level)])
        return logits

    def logits(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """The text logits with what the adapter adds to them, before the temperature."""
        logits = self.text_logits(vectors)
        return logits if self.adapter is None else logits + self.adapter.logits(vectors)

    def probabilities(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Probabilities: [N, columns] with rows that sum to 1, or in mode "any" [N, K], each by itself."""
        if self.request.mode == "any":
            yes = logistic(self.text_logits(vectors), self.calibration.slope, self.calibration.offset)
            return np.asarray(yes, np.float32)
        return softmax(self.logits(vectors), self.calibration.temperature)

    def classify(self, vector: NDArray[np.floating]) -> list[ClassScore]:
        """Every answer for one image [dim], the likeliest first."""
        probabilities = self.probabilities(vector[None])[0]
        cosines = self.embeddings @ np.asarray(vector, np.float32)
        if self.none_embeddings is not None:
            cosines = np.append(cosines, (self.none_embeddings @ vector).max())
        order = np.argsort(-probabilities, kind="stable")
        names = self.request.answers
        return [ClassScore(names[i], float(probabilities[i]), float(cosines[i])) for i in order]


def make_classifier(
    request: LabelRequest, embeddings: ClassEmbeddings, null: NullDistribution | None = None
) -> Classifier:
    """Classes as the encoder embeds them, not fitted to any ground truth. null: for mode "any" unless the encoder
    has a logistic of its own."""
    encoder = embeddings.encoder
    classes = embeddings.classifier(request.classes, request.templates)
    none = embeddings.none_embeddings(classes, request.templates) if request.none and request.mode == "one" else None
    calibration = Calibration(request.calibration)
    if encoder.logit_bias is not None:
        calibration = replace(calibration, slope=1.0, offset=0.0)
    if request.calibration == "unscaled":
        calibration = replace(calibration, temperature=encoder.logit_scale)
    return Classifier(request, encoder, classes, none, null, calibration)
