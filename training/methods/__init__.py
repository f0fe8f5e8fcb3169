"""METHODS: name to class, the only registry of methods. The command line and the contract tests read it.

A class is imported on first access, so that listing the names (`--help`) does not load torch.
"""

from typing import TYPE_CHECKING

from training.models.registry import Lazy

if TYPE_CHECKING:
    from training.methods.base import Method

METHODS: Lazy["type[Method]"] = Lazy(
    __name__,
    {  # name on the command line: "file:Class" in this folder
        "clip": "clip:CLIP",
        "siglip": "siglip:SigLIP",
        "devise": "devise:DeViSE",
        "slip": "slip:SLIP",
        "distillation": "distillation:Distillation",
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
    },
)
