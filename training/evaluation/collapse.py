"""Collapse: has an encoder given up telling images apart? (What a loss says of it: engine/doctor.py.)"""

import math
from typing import Any

import numpy as np

from training.evaluation.geometry import effective_rank, entropy_rank
from training.evaluation.rows import exact_unit_rows
from training.evaluation.subject import Finding, Subject, Unable
from training.models.intervals import figure_of_statistic

FEW = 0.1  # of the deviation of evenly spread rows: below, everything looks nearly the same
NARROW = 2.0  # directions: an effective rank below it is a line


def spread(features: Any) -> float:
    """The mean deviation of unit rows [N, D] per direction, times sqrt(D): 0 collapsed, about 1 spread out evenly."""
    rows = exact_unit_rows(features)
    return float(rows.std(axis=0).mean() * math.sqrt(rows.shape[1]))


def collapsed(features: Any) -> str:
    """What is wrong with embeddings [N, D], in a sentence; "" if they tell rows apart."""
    now, rank = spread(features), effective_rank(np.asarray(exact_unit_rows(features)))
    if now < FEW:
        return f"All embeddings are nearly one: they vary {now:.1%} as much as rows spread out evenly."
    if rank < NARROW:
        return f"Embeddings vary along a line: their effective rank is {rank:.2f}."
    return ""


def probe(subject: Subject) -> Finding:
    """Spread and effective rank of the images' embeddings, and a verdict."""
    test = subject.test.sample(subject.many(1000), subject.seed)
    if len(test) < 10:
        raise Unable("it needs at least ten images")
    rows = exact_unit_rows(test.images)

    def of_spread(weights: np.ndarray) -> float:
        share = weights / weights.sum()
        mean = share @ rows
        return float(np.sqrt(np.maximum(share @ (rows - mean) ** 2, 0)).mean() * math.sqrt(rows.shape[1]))

    def of_rank(weights: np.ndarray) -> float:
        return entropy_rank(np.sqrt(np.maximum(np.linalg.eigvalsh((rows * weights[:, None]).T @ rows), 0)))

    figures = {
        "spread": figure_of_statistic(of_spread, len(rows)),
        "effective rank": figure_of_statistic(of_rank, len(rows), replicates=50),
    }
    verdict = collapsed(rows) or "The embeddings tell images apart."
    beside = {"collapsed": {"spread": 0.0, "effective rank": 1.0}}
    return Finding(figures, beside, (verdict, "A spread of 1 is that of rows laid out evenly over the sphere."))
