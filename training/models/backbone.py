"""What training sees of a model: images in, features out."""

import torch


class Backbone(torch.nn.Module):
    """A network from images [B, 3, H, W], normalised as it wants them, to features [B, width].

    An Encoder is made around one: it adds preprocessing, the words, and unit length.
    """

    def __init__(self, network: torch.nn.Module, width: int):
        super().__init__()
        self.network, self.width = network, width

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images)
