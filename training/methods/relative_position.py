"""Relative position: predict in which of eight directions the second patch lies.

Doersch, Gupta and Efros 2015, "Unsupervised Visual Representation Learning by Context Prediction". A gap between the
patches and a little jitter hide the edges, and two of three colours are dropped, since lenses give the place away.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.batch import Batch
from training.data.views import crop_and_resize
from training.methods.base import Method
from training.methods.rows import full, health
from training.models.backbone import Backbone
from training.models.errors import UserError
from training.models.knobs import knob

AROUND = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]  # down and right of the first patch
LEAST = 48  # pixels of an image: below it a patch shows nothing


class RelativePosition(Method):
    """Eight-way, from the features of both patches; one tower sees both."""

    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.999}

    @dataclass(frozen=True, kw_only=True)
    class Config:
        gap: float = knob(0.5, "gap between patches, in patch widths")
        jitter: float = knob(0.07, "position jitter of a patch, in patch widths")
        drop_colours: bool = knob(True, "replace two of the three colour channels with noise")
        hidden: int = knob(256, "hidden width of the classifier")

        def __post_init__(self) -> None:
            if not 0 <= self.gap <= 2 or not 0 <= self.jitter <= 0.5:
                raise UserError("relative-position takes a gap of 0 to 2 patches and a jitter of 0 to 0.5.")

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.config = backbone, config
        self.answer = nn.Sequential(
            nn.Linear(2 * backbone.width, config.hidden), nn.ReLU(), nn.Linear(config.hidden, len(AROUND))
        )
        self.augment = TwoPatches(backbone.image_size, config)

    def loss(self, first: Tensor, second: Tensor, where: Tensor) -> Tensor:
        """first, second: patches [B, 3, S, S]; where: int64 [B], 0..7 as AROUND has them."""
        features = self.backbone(torch.cat([first, second]))
        self.seen = features.detach()
        answer = full(self.answer(torch.cat(features.chunk(2), dim=1)))
        with torch.no_grad():
            self.right = (answer.argmax(dim=1) == where).float().mean()
        return F.cross_entropy(answer, where)

    def report(self) -> dict[str, float]:
        return {"chance": math.log(len(AROUND)), "accuracy": float(self.right), **health(self.seen)}


class TwoPatches:
    """A batch to a patch of each image, one of its eight neighbours, and which one it is."""

    def __init__(self, size: int, config: RelativePosition.Config):
        self.size, self.gap, self.jitter, self.drop = size, config.gap, config.jitter, config.drop_colours

    def __call__(self, batch: Batch) -> tuple[Any, ...]:
        images, random = batch.images.float() / 255, batch.random
        side = images.shape[-1]
        if side < LEAST:
            raise UserError(
                f"relative-position cuts small patches out of images of {side} pixels, which show nothing; "
                f"try --canvas 96."
            )
        patch = int(side / (3 + 2 * self.gap + 2 * self.jitter))  # so that a middle one has all its neighbours
        step, off = patch * (1 + self.gap), patch * self.jitter
        room = side - patch - 2 * step - 2 * off
        where = random.integers(len(AROUND), 1)[:, 0]
        corner = off + step + random.uniform(2) * room  # [B, 2] of the middle one, row and column
        neighbour = corner + torch.tensor(AROUND)[where] * step
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
        return (*patches, where)

    def _one_colour(self, patches: Tensor, random: Any) -> Tensor:
        """One of the three colours stays; the others become noise of a hundredth of its deviation."""
        kept = F.one_hot(random.integers(3, 1)[:, 0], 3)[:, :, None, None].bool()
        deviation = torch.where(kept, patches, 0).std(dim=(1, 2, 3), keepdim=True)
        noise = random.normal(3, self.size, self.size) * deviation / 100
        return torch.where(kept, patches, noise)
