"""How embeddings lie on the sphere: close for what belongs together, spread out over everything, in many directions.

Alignment and uniformity: Wang and Isola 2020, "Understanding Contrastive Representation Learning through Alignment and
Uniformity on the Hypersphere". Effective rank: Roy and Vetterli 2007; as a measure of encoders, RankMe (Garrido et al.
2023).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from training.evaluation.rows import exact_unit_rows, rows_of
from training.evaluation.subject import Finding, Subject, Unable
from training.models.intervals import figure_of, figure_of_statistic


def alignment(x: Any, y: Any, alpha: float = 2.0) -> float:
    """Mean of |x_i - y_i|^alpha over pairs [N, D] of unit rows (normalised here): 0 when every pair coincides."""
    return float(distances(x, y, alpha).mean())


def distances(x: Any, y: Any, alpha: float = 2.0) -> NDArray[np.float64]:
    """|x_i - y_i|^alpha, [N]."""
    one, other = exact_unit_rows(x, "x"), exact_unit_rows(y, "y")
    if one.shape != other.shape:
        raise ValueError(f"x {one.shape} and y {other.shape} are no pairs")
    return np.linalg.norm(one - other, axis=1) ** alpha


def uniformity(x: Any, t: float = 2.0) -> float:
    """log of the mean of exp(-t |x_i - x_j|^2) over all pairs of different rows [N, D] (normalised here).

    0 when collapsed; about -2t at most negative, for rows spread evenly in many dimensions.
    """
    potential = pair_potential(x, t)
    n = len(potential)
    return float(np.log((potential.sum() - np.trace(potential)) / (n * (n - 1))))


def pair_potential(x: Any, t: float = 2.0) -> NDArray[np.float64]:
    """exp(-t |x_i - x_j|^2), [N, N]; the diagonal is 1."""
    rows = exact_unit_rows(x, "x")
    if len(rows) < 2:
        raise ValueError("uniformity is about pairs of rows; there is only one row")
    potential = np.exp(-t * np.maximum(2 - 2 * rows @ rows.T, 0))
    np.fill_diagonal(potential, 1.0)
    return potential


def effective_rank(x: Any) -> float:
    """exp of the entropy of the singular values of [N, D], each divided by their sum: 1 when collapsed, D at most."""
    return entropy_rank(np.linalg.svd(rows_of(x, "x").astype(np.float64), compute_uv=False))


def entropy_rank(singular: NDArray[np.float64]) -> float:
    """The effective rank that singular values [M] make; 0 if all of them are 0."""
    total = singular.sum()
    if total <= 0:
        return 0.0
    share = singular[singular > 0] / total
    return float(np.exp(-(share * np.log(share)).sum()))


def probe(subject: Subject) -> Finding:
    """Alignment of two views of an image, uniformity over images, and effective rank."""
    test = subject.test.sample(subject.many(1000), subject.seed)
    if len(test) < 10:
        raise Unable("it needs at least ten images")
    rng = np.random.default_rng(subject.seed)
    views = subject.encoder.embed_images([view(test.image(i), rng) for i in range(len(test))])
    potential = pair_potential(test.images)
    rows = test.images.astype(np.float64)

    def spread(weights: NDArray) -> float:
        pairs = weights.sum() ** 2 - (weights**2).sum()  # of different images
        return float(np.log((weights @ potential @ weights - (weights**2).sum()) / pairs))

    def rank(weights: NDArray) -> float:
        return entropy_rank(np.sqrt(np.maximum(np.linalg.eigvalsh((rows * weights[:, None]).T @ rows), 0)))

    figures = {
        "alignment": figure_of(distances(test.images, views)),
        "uniformity": figure_of_statistic(spread, len(test)),
        "effective_rank": figure_of_statistic(rank, len(test), replicates=50),
    }
    beside = {"collapsed": {"alignment": 0.0, "uniformity": 0.0, "effective_rank": 1.0}}
    note = f"{len(test)} images; a view is a crop of 60 to 100 % of the area, mirrored half the time."
    return Finding(figures, beside, (note, f"The effective rank can be {min(rows.shape)} at most here."))


def view(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A crop of 60 to 100 % of the area, mirrored half the time."""
    share = np.sqrt(rng.uniform(0.6, 1))
    width, height = max(1, round(image.width * share)), max(1, round(image.height * share))
    left, top = rng.integers(image.width - width + 1), rng.integers(image.height - height + 1)
    cut = image.crop((left, top, left + width, top + height))
    return ImageOps.mirror(cut) if rng.random() < 0.5 else cut
