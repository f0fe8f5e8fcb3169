"""Jigsaw: predict the permutation of nine shuffled tiles.

Noroozi and Favaro 2016, "Unsupervised Learning of Visual Representations by Solving Jigsaw Puzzles". Tiles
have gaps between them and are normalised separately, so that edges and colour casts do not reveal the order.
"""

import math
from dataclasses import dataclass
from functools import cache
from itertools import chain, permutations
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.batch import Augment, Batch, moved
from training.data.pixel_changes import luma
from training.data.views import change_some, crop_and_resize, undistorted
from training.methods.base import Method
from training.methods.rows import full, health
from training.models.backbone import Backbone
from training.models.errors import UserError
from training.models.knobs import COUNT, SHARE, Knobs, Range, knob

TILES = 9
MIN_SIDE = 48  # pixels of an image: below it, tiles show too little


class Jigsaw(Method):
    """Classification of the permutation, from features of one tower that encodes each tile."""

    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.999}
    orders: Tensor

    @dataclass(frozen=True, kw_only=True)
    class Config(Knobs):
        permutations: int = knob(
            100,
            "number of permutations, chosen for maximal Hamming distance (ImageNet: 2000)",
            range=Range(least=2, most=2000),
        )
        grey: float = knob(0.66, "probability of converting an image to greyscale", range=SHARE)
        gap: float = knob(
            0.25,
            "gap between tiles, as a fraction of a cell's side, at a random position",
            range=Range(least=0, below=1),
        )
        hidden: int = knob(256, "width of each tile's features before they are concatenated", range=COUNT)

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.config = backbone, config
        self.register_buffer("orders", distant_permutations(config.permutations))
        self.tile = nn.Sequential(nn.Linear(backbone.width, config.hidden), nn.ReLU())
        self.answer = nn.Sequential(
            nn.Linear(TILES * config.hidden, config.hidden), nn.ReLU(), nn.Linear(config.hidden, config.permutations)
        )
        self.augment = Tiles(backbone.image_size, config, self.orders)

    def loss(self, tiles: Tensor, which: Tensor) -> Tensor:
        """tiles: [B, 9, 3, S, S] in permuted order. which: int64 [B], the index of the permutation."""
        features = self.backbone(tiles.flatten(0, 1))
        self.features = features.detach()
        logits = full(self.answer(self.tile(features).reshape(len(tiles), -1)))
        with torch.no_grad():
            self.accuracy = (logits.argmax(dim=1) == which).float().mean()
        return F.cross_entropy(logits, which)

    def report(self) -> dict[str, float]:
        chance = math.log(self.config.permutations)
        return {"chance": chance, "accuracy": float(self.accuracy), **health(self.features)}


class Tiles(Augment):
    """Turns a batch into nine shuffled tiles of each image, and the indices of the permutations."""

    def __init__(self, size: int, config: Jigsaw.Config, orders: Tensor):
        self.size, self.grey, self.gap, self.orders = size, config.grey, config.gap, orders

    def __call__(self, batch: Batch) -> tuple[Any, ...]:
        images, random = undistorted(batch), batch.random
        side = images.shape[-1]
        if side < MIN_SIDE:
            raise UserError(f"jigsaw needs images of at least {MIN_SIDE} pixels, not {side}; try --canvas 96.")
        cell = side // 3
        tile = max(1, round(cell * (1 - self.gap)))
        places = random.integers(cell - tile + 1, TILES, 2)  # [B, 9, 2]
        grey = random.chance(self.grey)
        which = random.integers(len(self.orders), 1)[:, 0]
        change_some(images, grey, lambda some: luma(some).expand(-1, 3, -1, -1))
        number = torch.arange(TILES)
        top, left = number // 3 * cell + places[:, :, 0], number % 3 * cell + places[:, :, 1]
        length = torch.full((len(images) * TILES,), tile)
        repeated = images.repeat_interleave(TILES, dim=0)
        tiles = crop_and_resize(repeated, top.flatten(), left.flatten(), length, length, self.size)
        tiles = standardised(tiles).view(len(images), TILES, 3, self.size, self.size)
        order = moved(self.orders[which], tiles.device)  # [B, 9]
        return tiles.gather(1, order[:, :, None, None, None].expand_as(tiles)), which


def standardised(tiles: Tensor) -> Tensor:
    """Each tile [N, 3, S, S] standardised per channel, which removes its brightness and colour cast."""
    deviation, average = torch.std_mean(tiles, dim=(2, 3), keepdim=True)
    return (tiles - average) / (deviation + 0.05)


@cache
def _chosen(count: int) -> npt.NDArray[np.int8]:
    every = np.fromiter(chain.from_iterable(permutations(range(TILES))), np.int8).reshape(-1, TILES)  # 362,880
    distance = np.full(len(every), TILES, np.int16)
    chosen = [0]
    while len(chosen) < count:  # farthest first: maximise the distance to the nearest chosen permutation
        distance = np.minimum(distance, (every != every[chosen[-1]]).sum(1))
        distance[chosen[-1]] = -1
        chosen.append(int(distance.argmax()))
    return every[chosen]


def distant_permutations(count: int) -> Tensor:
    """Permutations of nine tiles with large Hamming distances, int64 [count, 9]; deterministic."""
    return torch.from_numpy(_chosen(count).astype(np.int64))
