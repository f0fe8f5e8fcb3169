"""ResNets for images of 32 pixels, by name."""

from collections.abc import Mapping
from typing import Any

from torch import nn

RESNETS: Mapping[str, dict[str, Any]] = {  # timm's ResNet with the stem that 32-pixel images need
    "micro-resnet": {"layers": (1, 1, 1, 1), "channels": (16, 32, 64, 128), "stride": 2},  # a run in minutes
    "tiny-resnet": {"layers": (1, 1, 1, 1), "channels": (32, 64, 128, 256)},
    "resnet18-32": {"layers": (2, 2, 2, 2), "channels": (64, 128, 256, 512)},
}


def small_resnet(name: str) -> nn.Module:
    """timm's ResNet for small images: a 3 x 3 stem that keeps the resolution (or halves it), no pooling."""
    from timm.models.resnet import BasicBlock, ResNet

    settings = dict(RESNETS[name])
    stride = settings.pop("stride", 1)
    block: Any = BasicBlock  # timm's annotation says an instance
    network: Any = ResNet(block, num_classes=0, stem_width=settings["channels"][0], **settings)
    network.conv1 = nn.Conv2d(3, network.conv1.out_channels, 3, stride, padding=1, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    network.maxpool = nn.Identity()
    return network
