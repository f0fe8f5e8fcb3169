"""What training sees of a model: images in, features out."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

HALF = (0.5, 0.5, 0.5)


class Backbone(torch.nn.Module):
    """A network from images [B, 3, H, W], normalised as it wants them, to features [B, width].

    An Encoder is made around one: it adds preprocessing, texts, and unit length. image_size: the
    side of what it sees. mean, std: what pixels in 0..1 are normalised with. made_of: what `build_backbone`
    needs to make it again without weights, kept in the run directory.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        width: int,
        image_size: int = 32,
        mean: Sequence[float] = HALF,
        std: Sequence[float] = HALF,
        made_of: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        self.network, self.width, self.image_size = network, width, image_size
        self.mean, self.std = tuple(mean), tuple(std)
        self.made_of = dict(made_of or {})

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images)
