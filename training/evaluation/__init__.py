"""PROBES: name to function, the only registry of probes. One probe, one file.

A file has the measure itself (arrays in, a number out) and, where it is one, the probe: a function of a Subject
(what is looked at, and on which images) that gives a Finding. A probe is imported when it is asked for, so that
listing the names loads nothing.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from training.models.registry import Lazy

if TYPE_CHECKING:
    from training.evaluation.subject import Finding, Subject

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
PROBES: Lazy["Callable[[Subject], Finding]"] = Lazy(
    __name__, {file.replace("_", "-"): f"{file}:probe" for file in FILES}
)
