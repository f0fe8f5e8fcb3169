"""Convolutional networks for images of 32 to 64 pixels, by name."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

SMALL_NETWORKS: Mapping[str, dict[str, Any]] = {  # `layers` makes it a ResNet of timm, else it is plain
    "plain-cnn": {"channels": (16, 32, 64, 128)},  # a run in a minute
    "micro-resnet": {"layers": (1, 1, 1, 1), "channels": (16, 32, 64, 128), "stride": 2},  # a run in minutes
    "tiny-resnet": {"layers": (1, 1, 1, 1), "channels": (32, 64, 128, 256)},
    "resnet18-32": {"layers": (2, 2, 2, 2), "channels": (64, 128, 256, 512)},
}


def small_network(name: str) -> nn.Module:
    """The network called name, from images [B, 3, H, W] to features [B, channels[-1]]."""
    settings = SMALL_NETWORKS[name]
    return _small_resnet(**settings) if "layers" in settings else PlainCNN(settings["channels"])


def _small_resnet(layers: tuple[int, ...], channels: tuple[int, ...], stride: int = 1) -> nn.Module:
    """timm's ResNet for small images: a 3 x 3 stem that keeps the resolution (or halves it), no pooling."""
    from timm.models.resnet import BasicBlock, ResNet

    block: Any = BasicBlock  # timm's annotation says an instance
    network: Any = ResNet(block, num_classes=0, stem_width=channels[0], layers=layers, channels=channels)
    network.conv1 = nn.Conv2d(3, network.conv1.out_channels, 3, stride, padding=1, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    network.maxpool = nn.Identity()
    return network


class PlainCNN(nn.Sequential):
    """A 3 x 3 convolution for each number of channels, each halving the resolution, then global average pooling."""

    def __init__(self, channels: Sequence[int]):
        layers: list[nn.Module] = []
        for before, after in pairwise((3, *channels)):
            layers += [nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward_features(self, images: Tensor) -> Tensor:
        """The feature map [B, C, h, w]."""
        for layer in list(self)[:-2]:
            images = layer(images)
        return images
