"""METHODS: name to class, the only registry of methods. The command line and the contract tests read it.

A class is imported when it is asked for, so that listing the names (`--help`) loads no torch.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.methods.base import Method


class _Methods(Mapping[str, "type[Method]"]):
    def __init__(self, places: dict[str, str]):
        self.places = places

    def __getitem__(self, name: str) -> "type[Method]":
        file, _, of = self.places[name].partition(":")
        return getattr(import_module(f"{__name__}.{file}"), of)

    def __contains__(self, name: object) -> bool:
        return name in self.places  # Mapping's own would import it

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


METHODS = _Methods(
    {  # name on the command line: "file:Class" in this folder
        "clip": "clip:CLIP",
        "siglip": "siglip:SigLIP",
        "devise": "devise:DeViSE",
        "slip": "slip:SLIP",
        "simclr": "simclr:SimCLR",
        "moco": "moco:MoCo",
        "moco-v3": "moco_v3:MoCoV3",
        "byol": "byol:BYOL",
        "swav": "swav:SwAV",
        "dino": "dino:DINO",
        "mae": "mae:MAE",
        "colorisation": "colorisation:Colorisation",
        "jigsaw": "jigsaw:Jigsaw",
        "relative-position": "relative_position:RelativePosition",
        "autoencoder": "autoencoder:Autoencoder",
        "supervised": "supervised:Supervised",
        "untrained": "untrained:Untrained",
    }
)
