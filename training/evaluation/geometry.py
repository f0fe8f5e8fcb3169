"""Geometry of embeddings on the unit sphere: alignment, uniformity and effective rank.

Alignment and uniformity: Wang and Isola 2020, "Understanding Contrastive Representation Learning through Alignment and
Uniformity on the Hypersphere". Effective rank: Roy and Vetterli 2007; as a measure of encoders, RankMe (Garrido et al.
2023).
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from training.evaluation.rows import Array, exact_unit_rows, rows_of
from training.evaluation.subject import NotApplicable, ProbeResult, Subject
from training.models.intervals import figure_of, figure_of_statistic


def alignment(x: Array, y: Array, alpha: float = 2.0) -> float:
    """Mean of |x_i - y_i|^alpha over pairs of rows [N, D] (normalised here): 0 if all pairs are equal."""
    return float(distances(x, y, alpha).mean())


def distances(x: Array, y: Array, alpha: float = 2.0) -> NDArray[np.float64]:
    """|x_i - y_i|^alpha, [N]."""
    one, other = exact_unit_rows(x, "x"), exact_unit_rows(y, "y")
    if one.shape != other.shape:
        raise ValueError(f"x {one.shape} and y {other.shape} must have the same shape")
    return np.linalg.norm(one - other, axis=1) ** alpha


def uniformity(x: Array, t: float = 2.0) -> float:
    """log of the mean of exp(-t |x_i - x_j|^2) over all pairs of different rows [N, D] (normalised here).

    0 for collapsed rows; about -2t for isotropic rows in many dimensions.
    """
    potential = pair_potential(x, t)
    n = len(potential)
    return float(np.log((potential.sum() - np.trace(potential)) / (n * (n - 1))))


def pair_potential(x: Array, t: float = 2.0) -> NDArray[np.float64]:
    """exp(-t |x_i - x_j|^2), [N, N]; the diagonal is 1."""
    rows = exact_unit_rows(x, "x")
    if len(rows) < 2:
        raise ValueError("uniformity needs at least two rows")
    potential = np.exp(-t * np.maximum(2 - 2 * rows @ rows.T, 0))
    np.fill_diagonal(potential, 1.0)
    return potential


def effective_rank(x: Array) -> float:
    """exp of the entropy of the normalised singular values of [N, D]: 1 for collapsed rows, at most D."""
    return entropy_rank(np.linalg.svd(rows_of(x, "x").astype(np.float64), compute_uv=False))


def entropy_rank(singular: NDArray[np.float64]) -> float:
    """The effective rank from singular values [M]; 0 if all are 0."""
    total = singular.sum()
    if total <= 0:
        return 0.0
    share = singular[singular > 0] / total
    return float(np.exp(-(share * np.log(share)).sum()))


def probe(subject: Subject) -> ProbeResult:
    """Alignment of two views of each image, uniformity, and effective rank."""
    test = subject.test.sample(subject.sample_size(1000), subject.seed)
    if len(test) < 10:
        raise NotApplicable("it needs at least ten images")
    rng = np.random.default_rng(subject.seed)
    views = subject.encoder.embed_images([view(test.image(i), rng) for i in range(len(test))])
    potential = pair_potential(test.images)
    rows = test.images.astype(np.float64)

    def spread(weights: NDArray[np.float64]) -> float:
        pairs = weights.sum() ** 2 - (weights**2).sum()  # of different images
        return float(np.log((weights @ potential @ weights - (weights**2).sum()) / pairs))

    def rank(weights: NDArray[np.float64]) -> float:
        return entropy_rank(np.sqrt(np.maximum(np.linalg.eigvalsh((rows * weights[:, None]).T @ rows), 0)))

    figures = {
        "alignment": figure_of(distances(test.images, views)),
        "uniformity": figure_of_statistic(spread, len(test)),
        "effective_rank": figure_of_statistic(rank, len(test), replicates=50),
    }
    beside = {"collapsed": {"alignment": 0.0, "uniformity": 0.0, "effective_rank": 1.0}}
    note = f"{len(test)} images; a view is a crop of 60 to 100 % of the area, flipped with probability 0.5."
    return ProbeResult(figures, beside, (note, f"The maximum effective rank is {min(rows.shape)} here."))


def view(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A crop of 60 to 100 % of the area, flipped horizontally with probability 0.5."""
    share = np.sqrt(rng.uniform(0.6, 1))
    width, height = max(1, round(image.width * share)), max(1, round(image.height * share))
    left, top = rng.integers(image.width - width + 1), rng.integers(image.height - height + 1)
    cut = image.crop((left, top, left + width, top + height))
    return ImageOps.mirror(cut) if rng.random() < 0.5 else cut
