"""Heads that are discarded after pretraining: projectors, predictors, prototypes."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def mlp(*widths: int, norm: bool = True, last_norm: bool = False, last_bias: bool = True) -> nn.Sequential:
    """Linear layers from widths[0] to widths[-1] with ReLU between them, and batch norm before ReLU if norm is set.

    last_norm: batch norm without affine parameters on the output. A linear layer before a batch norm has no bias,
    which the norm would cancel.
    """
    layers: list[nn.Module] = []
    for place, (before, after) in enumerate(pairwise(widths)):
        last = place == len(widths) - 2
        normed = last_norm if last else norm
        layers.append(nn.Linear(before, after, bias=not normed and (last_bias or not last)))
        if normed:
            layers.append(nn.BatchNorm1d(after, affine=not last))
        if not last:
            layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class Prototypes(nn.Module):
    """Cosines of rows [B, D] with K learned prototypes, [B, K] (SwAV)."""

    def __init__(self, dim: int, count: int):
        super().__init__()
        self.weight = nn.Parameter(F.normalize(torch.randn(count, dim), dim=1))

    def forward(self, rows: Tensor) -> Tensor:
        return F.linear(rows, self.weight)

    @torch.no_grad()
    def to_unit_length(self) -> None:
        """Normalise the prototypes, whose length an optimiser step changes."""
        self.weight.copy_(F.normalize(self.weight, dim=1))


class DINOHead(nn.Module):
    """Three linear layers with GELU, an L2-normalised bottleneck, and a linear layer with K unit rows (DINO).

    The paper's last layer uses weight norm with a fixed gain of 1, which equals normalising its rows in each use.
    """

    def __init__(self, width: int, hidden: int, narrow: int, count: int):
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, narrow)
        )
        for layer in self.mlp:
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        self.last = nn.Parameter(torch.empty(count, narrow))
        nn.init.kaiming_uniform_(self.last, a=5**0.5)  # the default of nn.Linear

    def forward(self, features: Tensor) -> Tensor:
        rows = F.normalize(self.mlp(features), dim=-1)
        return F.linear(rows, F.normalize(self.last, dim=1))
