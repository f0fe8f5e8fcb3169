"""CLAIMS: name to file, the only registry of claims. One claim of the lecture on self-supervision, one file.

A file has CLAIM: the statement, where it comes from, and a design that was fixed before anything was run. It is
imported when it is asked for, so that listing the names loads no torch.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.claims.claim import Claim


class _Claims(Mapping[str, "Claim"]):
    def __init__(self, names: tuple[str, ...]):
        self.names = names

    def __getitem__(self, name: str) -> "Claim":
        if name not in self.names:
            raise KeyError(name)
        return import_module(f"{__name__}.{name.replace('-', '_')}").CLAIM

    def __contains__(self, name: object) -> bool:
        return name in self.names  # Mapping's own would import it

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


CLAIMS = _Claims(
    (
        "nt-xent-is-cross-entropy",
        "clip-loss-is-symmetric",
        "softmax-against-sigmoid",
        "temperature",
        "byol-collapse",
        "swav-collapse",
        "dino-collapses",
        "projection-head",
        "moco-momentum",
        "bag-of-words",
        "lemons-purple",
        "hard-negatives",
        "detail",
    )
)

# What the lecture says as well, and what nobody has designed a run for here yet.
OPEN = (
    "aggressive augmentation (crop and colour jitter, 2 x 2)",
    "batch size for SimCLR, queue for MoCo at batch 32",
    "pretext tasks against contrastive learning at equal budget",
    "zero-shot prompt templates",
    "more pairs, better zero-shot; more pairs against a bigger tower",
    "hard negatives on the picture's side, and with incomplete captions",
    "locked towers, from DeViSE to LiT",
    "captions against class labels at equal pairs",
    "the Gelato bet in miniature: self-supervised against supervised",
    "the family table with every cell measured",
)
