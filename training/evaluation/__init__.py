"""PROBES: name to function, the only registry of probes. One probe, one file.

A file has the measure itself (arrays in, a number out) and, where it is one, the probe: a function of a Subject
(what is looked at, and on which pictures) that gives a Finding. A probe is imported when it is asked for, so that
listing the names loads nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.evaluation.subject import Finding, Subject


class _Probes(Mapping[str, "Callable[[Subject], Finding]"]):
    def __init__(self, places: dict[str, str]):
        self.places = places

    def __getitem__(self, name: str) -> "Callable[[Subject], Finding]":
        return import_module(f"{__name__}.{self.places[name]}").probe

    def __contains__(self, name: object) -> bool:
        return name in self.places  # Mapping's own would import it

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


PROBES = _Probes(
    {  # name on the command line: file in this folder
        "knn": "knn",
        "linear": "linear",
        "zero-shot": "zero_shot",
        "retrieval": "retrieval",
        "geometry": "geometry",
        "winoground": "winoground",
        "hard-negatives": "hard_negatives",
        "association": "association",
        "order": "order",
        "detail": "detail",
        "few-shot": "few_shot",
        "collapse": "collapse",
        "robustness": "robustness",
        "speed": "speed",
    }
)
