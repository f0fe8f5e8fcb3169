"""PROBES: the registry of probes, one file each.

A file has the measure itself (arrays in, a number out) and, if it is a probe, the function `probe`, which takes a
Subject (an encoder and a data set) and returns a ProbeResult. A probe is imported on first access, so that listing the
names loads nothing.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from training.models.registry import Lazy

if TYPE_CHECKING:
    from training.evaluation.subject import ProbeResult, Subject

FILES = (
    "knn",
    "linear",
    "zero_shot",
    "retrieval",
    "geometry",
    "winoground",
    "hard_negatives",
    "association",
    "order",
    "detail",
    "few_shot",
    "collapse",
    "robustness",
    "speed",
)
PROBES: Lazy["Callable[[Subject], ProbeResult]"] = Lazy(
    __name__, {file.replace("_", "-"): f"{file}:probe" for file in FILES}
)
