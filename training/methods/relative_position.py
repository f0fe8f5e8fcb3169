"""Relative position: predict in which of eight directions the second patch lies.

Doersch, Gupta and Efros 2015, "Unsupervised Visual Representation Learning by Context Prediction". A gap between the
patches and position jitter hide continuing edges. Two of three colour channels are dropped, since chromatic
aberration reveals the position.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.batch import Augment, Batch, moved
from training.data.keyed import Keyed
from training.data.views import crop_and_resize, undistorted
from training.methods.base import Method
from training.methods.rows import full, health
from training.models.backbone import Backbone
from training.models.errors import UserError
from training.models.knobs import COUNT, Knobs, Range, knob

DIRECTIONS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]  # down and right of the first patch
MIN_SIDE = 48  # pixels of an image: below it, patches show too little


class RelativePosition(Method):
    """Classification into eight directions, from features of one tower that encodes both patches."""

    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.999}

    @dataclass(frozen=True, kw_only=True)
    class Config(Knobs):
        gap: float = knob(0.5, "gap between patches, in patch widths", range=Range(least=0, most=2))
        jitter: float = knob(0.07, "position jitter of a patch, in patch widths", range=Range(least=0, most=0.5))
        drop_colours: bool = knob(True, "replace two of the three colour channels with noise")
        hidden: int = knob(256, "hidden width of the classifier", range=COUNT)

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.config = backbone, config
        self.answer = nn.Sequential(
            nn.Linear(2 * backbone.width, config.hidden), nn.ReLU(), nn.Linear(config.hidden, len(DIRECTIONS))
        )
        self.augment = TwoPatches(backbone.image_size, config)

    def loss(self, first: Tensor, second: Tensor, direction: Tensor) -> Tensor:
        """first, second: patches [B, 3, S, S]; direction: int64 [B], an index of DIRECTIONS."""
        features = self.backbone(torch.cat([first, second]))
        self.features = features.detach()
        logits = full(self.answer(torch.cat(features.chunk(2), dim=1)))
        with torch.no_grad():
            self.accuracy = (logits.argmax(dim=1) == direction).float().mean()
        return F.cross_entropy(logits, direction)

    def report(self) -> dict[str, float]:
        return {"chance": math.log(len(DIRECTIONS)), "accuracy": float(self.accuracy), **health(self.features)}


class TwoPatches(Augment):
    """Turns a batch into a patch of each image, one of its eight neighbours, and the direction of the neighbour."""

    def __init__(self, size: int, config: RelativePosition.Config):
        self.size, self.gap, self.jitter, self.drop = size, config.gap, config.jitter, config.drop_colours

    def __call__(self, batch: Batch) -> tuple[Any, ...]:
        images, random = undistorted(batch), batch.random
        side = images.shape[-1]
        if side < MIN_SIDE:
            raise UserError(
                f"relative-position needs images of at least {MIN_SIDE} pixels, not {side}; try --canvas 96."
            )
        patch = int(side / (3 + 2 * self.gap + 2 * self.jitter))  # so that a central patch has all its neighbours
        step, off = patch * (1 + self.gap), patch * self.jitter
        room = side - patch - 2 * step - 2 * off
        direction = random.integers(len(DIRECTIONS), 1)[:, 0]
        corner = off + step + random.uniform(2) * room  # [B, 2] of the middle one, row and column
        neighbour = corner + torch.tensor(DIRECTIONS)[direction] * step
        jitter = (2 * random.uniform(2, 2) - 1) * off
        patches = []
        for place, corners in enumerate((corner, neighbour)):
            at = (corners + jitter[:, place]).round().long().clamp(0, side - patch)
            length = torch.full((len(images),), patch)
            cut = crop_and_resize(images, at[:, 0], at[:, 1], length, length, self.size)
            cut = cut - cut.mean(dim=(2, 3), keepdim=True)
            if self.drop:
                cut = self._one_colour(cut, random)
            patches.append(cut / (cut.std(dim=(1, 2, 3), keepdim=True) + 0.02))
        return (*patches, direction)

    def _one_colour(self, patches: Tensor, random: Keyed) -> Tensor:
        """Keep one colour channel at random; replace the others with noise of a hundredth of its deviation."""
        kept = moved(F.one_hot(random.integers(3, 1)[:, 0], 3)[:, :, None, None].bool(), patches.device)
        deviation = torch.where(kept, patches, 0).std(dim=(1, 2, 3), keepdim=True)
        noise = moved(random.normal(3, self.size, self.size), patches.device) * deviation / 100
        return torch.where(kept, patches, noise)
