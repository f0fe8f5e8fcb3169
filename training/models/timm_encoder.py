"""Models of timm with their published weights as image encoders."""

import hashlib

from training.models.backbones import timm_backbone
from training.models.encoder import Encoder
from training.models.image_encoder import ImageEncoder
from training.models.runtime import resolve


def load_timm(name: str, runtime: str | None = None, precision: str | None = None) -> Encoder:
    """The encoder that timm publishes as name, such as resnet18.a1_in1k or timm/resnet18.

    UserError if its weights are not on this machine and cannot be fetched.
    """
    runtime, precision = resolve(runtime, precision)
    name = name.removeprefix("timm/")
    backbone = timm_backbone(name, pretrained=True)
    backbone.network.eval().requires_grad_(False)
    whole = hashlib.sha256()
    for tensor in backbone.network.state_dict().values():
        whole.update(tensor.cpu().numpy().tobytes())
    return ImageEncoder(name, backbone, whole.hexdigest(), runtime, precision)
