"""Collapse: do the embeddings of different images differ? (engine/doctor.py detects collapse during training.)"""

import math

import numpy as np
from numpy.typing import NDArray

from training.evaluation.geometry import effective_rank, entropy_rank
from training.evaluation.rows import Array, exact_unit_rows
from training.evaluation.subject import NotApplicable, ProbeResult, Subject
from training.models.intervals import figure_of_statistic

FEW = 0.1  # spread below which all embeddings are nearly equal; 1 is isotropic
NARROW = 2.0  # effective rank below which embeddings lie along a line


def spread(features: Array) -> float:
    """The mean standard deviation of unit rows [N, D] per dimension, times sqrt(D): 0 if collapsed, 1 if isotropic."""
    rows = exact_unit_rows(features)
    return float(rows.std(axis=0).mean() * math.sqrt(rows.shape[1]))


def collapsed(features: Array) -> str:
    """The kind of collapse of embeddings [N, D], in a sentence; "" if there is none."""
    now, rank = spread(features), effective_rank(np.asarray(exact_unit_rows(features)))
    if now < FEW:
        return f"All embeddings are nearly equal: their spread is {now:.1%} of that of isotropic rows."
    if rank < NARROW:
        return f"The embeddings lie along a line: their effective rank is {rank:.2f}."
    return ""


def probe(subject: Subject) -> ProbeResult:
    """Spread and effective rank of image embeddings, and a verdict."""
    test = subject.test.sample(subject.sample_size(1000), subject.seed)
    if len(test) < 10:
        raise NotApplicable("it needs at least ten images")
    rows = exact_unit_rows(test.images)

    def of_spread(weights: NDArray[np.float64]) -> float:
        share = weights / weights.sum()
        mean = share @ rows
        return float(np.sqrt(np.maximum(share @ (rows - mean) ** 2, 0)).mean() * math.sqrt(rows.shape[1]))

    def of_rank(weights: NDArray[np.float64]) -> float:
        return entropy_rank(np.sqrt(np.maximum(np.linalg.eigvalsh((rows * weights[:, None]).T @ rows), 0)))

    figures = {
        "spread": figure_of_statistic(of_spread, len(rows)),
        "effective rank": figure_of_statistic(of_rank, len(rows), replicates=50),
    }
    verdict = collapsed(rows) or "The embeddings distinguish images."
    beside = {"collapsed": {"spread": 0.0, "effective rank": 1.0}}
    return ProbeResult(figures, beside, (verdict, "Isotropic rows have a spread of 1."))
