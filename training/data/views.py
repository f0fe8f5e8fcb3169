"""Views of images, for whole batches at once and keyed by sample: crop, colours, blur, and the recipes of papers.

A view is a function of the image and of the sample's own random numbers, so it is the same in any batch,
worker or rank. Crops are resized by two small matrix products an image, which are exact with antialiasing
and which a processor is good at; torchvision's operations, one image at a time, are the oracle of the tests.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from training.data.batch import Batch
from training.data.keyed import Keyed
from training.models.errors import UserError
from training.models.knobs import knob

SMALL = 64  # pixels; below it papers leave out the blur, which would leave nothing to see
GREY = (0.299, 0.587, 0.114)  # of red, green and blue in what the eye takes for brightness (ITU-R BT.601)
BLUR = (0.1, 2.0)  # standard deviations of the blur, in pixels


@dataclass(frozen=True)
class View:
    """How one view is made of an image.

    size: its side in pixels. crop: least and most share of the image's area. flip, grey, blur, solarise:
    probabilities, as is jitter, of changing brightness, contrast, saturation and hue by up to `colours`.
    """

    size: int
    crop: tuple[float, float] = (0.08, 1.0)
    flip: float = 0.5
    jitter: float = 0.8
    colours: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.1)
    grey: float = 0.2
    blur: float = 0.0
    solarise: float = 0.0

    def __call__(self, images: Tensor, random: Keyed) -> Tensor:
        """images float [B, 3, H, W] in 0..1 to views [B, 3, size, size] in 0..1."""
        draws = random.uniform(18)  # the same number whatever is done with them: what follows does not shift
        order = draws[:, 14:18].argsort(dim=1)
        top, left, height, width = crop_boxes(draws[:, 0:4], images.shape[-2], images.shape[-1], self.crop)
        views = crop_and_resize(images, top, left, height, width, self.size, flip=draws[:, 4] < self.flip)
        self._colour(views, draws[:, 5:10], order)
        chosen = (draws[:, 10] < self.grey).nonzero()[:, 0]
        if len(chosen):
            views[chosen] = luma(views[chosen]).expand(-1, 3, -1, -1)
        chosen = (draws[:, 11] < self.blur).nonzero()[:, 0]
        if len(chosen):
            low, high = BLUR
            views[chosen] = gaussian_blur(views[chosen], low + (high - low) * draws[chosen, 12])
        chosen = (draws[:, 13] < self.solarise).nonzero()[:, 0]
        if len(chosen):
            views[chosen] = torch.where(views[chosen] >= 0.5, 1 - views[chosen], views[chosen])
        return views

    def _colour(self, views: Tensor, draws: Tensor, order: Tensor) -> None:
        """Change colours in place, in an order [B, 4] of its own for each image."""
        if not self.jitter or not any(self.colours):
            return
        chosen = draws[:, 0] < self.jitter
        strength = torch.tensor(self.colours)
        amount = (2 * draws[:, 1:5] - 1) * strength  # hue in turns; the others are factors around one
        amount[:, :3] += 1
        for place in range(4):
            for number, change in enumerate((brightness, contrast, saturation, hue)):
                of_these = (chosen & (order[:, place] == number)).nonzero()[:, 0]
                if len(of_these) and self.colours[number]:
                    views[of_these] = change(views[of_these], amount[of_these, number].clamp_min(-0.5))


def crop_boxes(
    draws: Tensor, height: int, width: int, area: tuple[float, float]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Boxes for draws [B, 4] in 0..1: top, left, height, width, each int64 [B].

    A share of the image within area, and sides of 3:4 to 4:3 evenly in logarithm, as in the papers; where
    such a box does not fit, the longer side is cut to the image's.
    """
    share = area[0] + (area[1] - area[0]) * draws[:, 0]
    ratio = torch.exp((2 * draws[:, 1] - 1) * math.log(4 / 3))
    if area[0] >= 1:
        ratio = torch.ones_like(ratio)
    tall = (share * height * width / ratio).sqrt().round().long().clamp(1, height)
    wide = (share * height * width * ratio).sqrt().round().long().clamp(1, width)
    top = (draws[:, 2] * (height - tall + 1)).long()
    left = (draws[:, 3] * (width - wide + 1)).long()
    return top, left, tall, wide


def resize_weights(start: Tensor, length: Tensor, within: int, size: int, flip: Tensor | None = None) -> Tensor:
    """[B, size, within]: what each of within pixels gives to each pixel of a side resized to size.

    start, length: [B], the part that is kept. A triangle over the pixels that a new one covers (bilinear
    with antialiasing, as Pillow and torchvision do it); flip: bool [B], from right to left.
    """
    scale = length.double() / size  # [B]
    support = scale.clamp_min(1)
    place = torch.arange(size).double() + 0.5
    centre = place[None] * scale[:, None]  # [B, size], within the part
    if flip is not None:
        centre = torch.where(flip[:, None], centre.flip(1), centre)
    pixel = torch.arange(within).double()[None] - start[:, None] + 0.5  # [B, within]
    apart = (pixel[:, None, :] - centre[:, :, None]) / support[:, None, None]
    weights = (1 - apart.abs()).clamp_min(0)
    weights *= ((pixel > 0) & (pixel < length[:, None]))[:, None, :]
    return (weights / weights.sum(dim=2, keepdim=True)).float()


def crop_and_resize(
    images: Tensor, top: Tensor, left: Tensor, height: Tensor, width: Tensor, size: int, flip: Tensor | None = None
) -> Tensor:
    """Boxes of images [B, C, H, W], one each, resized to [B, C, size, size]; flip: bool [B], left to right."""
    batch, channels, rows, columns = images.shape
    down = resize_weights(top, height, rows, size)
    across = resize_weights(left, width, columns, size, flip)
    narrow = torch.bmm(images.reshape(batch, channels * rows, columns), across.transpose(1, 2))
    narrow = narrow.view(batch, channels, rows, size)
    return torch.matmul(down[:, None], narrow)


def luma(images: Tensor) -> Tensor:
    """[B, 3, H, W] to the brightness that the eye sees, [B, 1, H, W]."""
    red, green, blue = GREY
    return (images[:, 0:1] * red).add_(images[:, 1:2], alpha=green).add_(images[:, 2:3], alpha=blue)


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Towards black (0) or away from it; factor [B]."""
    return (images * factor[:, None, None, None]).clamp_(0, 1)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Towards the image's mean grey (0) or away from it."""
    grey = luma(images).mean(dim=(1, 2, 3), keepdim=True)
    return torch.lerp(grey, images, factor[:, None, None, None]).clamp_(0, 1)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Towards each pixel's own grey (0) or away from it."""
    return torch.lerp(luma(images), images, factor[:, None, None, None]).clamp_(0, 1)


def hue(images: Tensor, turn: Tensor) -> Tensor:
    """Around the circle of colours, by turn [B] in -0.5..0.5 of it.

    As in HSV, without going there: a colour is its brightest channel less a share of the spread between
    the brightest and the darkest, and the share depends on the place on the circle alone.
    """
    red, green, blue = images.unbind(1)  # each [B, H, W]
    most, least = images.amax(dim=1), images.amin(dim=1)
    spread = most - least
    unit = spread.clamp_min(1e-12)
    sixth = torch.where(
        most == red,
        (green - blue) / unit,
        torch.where(most == green, (blue - red) / unit + 2, (red - green) / unit + 4),
    )
    sixth += 6 * turn[:, None, None]
    out = torch.empty_like(images)
    for channel, offset in enumerate((5.0, 3.0, 1.0)):
        place = torch.remainder(sixth + offset, 6)
        out[:, channel] = most - spread * torch.minimum(place, 4 - place).clamp_(0, 1)
    return out


def gaussian_blur(images: Tensor, deviation: Tensor) -> Tensor:
    """Blur [B, C, S, S] by a normal density of deviation [B] pixels, over a window of a tenth of the side."""
    size = images.shape[-1]
    reach = max(1, round(size / 20))
    apart = torch.arange(-reach, reach + 1, device=images.device)
    weight = torch.exp(-0.5 * (apart[None] / deviation[:, None].clamp_min(1e-3)) ** 2)
    weight = weight / weight.sum(dim=1, keepdim=True)  # [B, 2 reach + 1]
    where = torch.arange(size, device=images.device)[:, None] + apart[None]  # of each pixel, its neighbours
    where = where.abs()
    where = torch.where(where >= size, 2 * (size - 1) - where, where)  # mirrored at the borders
    matrix = images.new_zeros(len(images), size, size)
    matrix.scatter_add_(2, where.expand(len(images), -1, -1), weight[:, None].expand(-1, size, -1).contiguous())
    return matrix[:, None] @ images @ matrix[:, None].transpose(2, 3)


class Views:
    """A batch to several views of its images, normalised as the tower wants them: the arguments of a loss."""

    def __init__(self, views: Sequence[View], mean: Sequence[float], std: Sequence[float]):
        self.views = list(views)
        self.mean, self.std = (torch.tensor(list(v)).view(1, 3, 1, 1) for v in (mean, std))

    def __call__(self, batch: Batch) -> tuple[Any, ...]:
        images = batch.images.float().div_(255)
        return tuple(view(images, batch.random).sub_(self.mean).div_(self.std) for view in self.views)


@dataclass(frozen=True, kw_only=True)
class ViewKnobs:
    """What a method's user can turn about its views; a paper's own numbers are the defaults."""

    crop: float = knob(0.2, "smallest crop, as a fraction of the image's area; 1 disables cropping")
    jitter: float = knob(0.5, "how strongly colours change: 1 is SimCLR's on ImageNet, 0 leaves colours alone")
    grey: float = knob(0.2, "probability of converting a view to greyscale")
    blur: float | None = knob(None, "how often a view is blurred; left out, the paper's, and never below 64 pixels")

    def __post_init__(self) -> None:
        if not 0 < self.crop <= 1:
            raise UserError(f"crop is {self.crop:g}; it is the least share that a view shows, above 0 and up to 1.")
        for name in ("grey", "blur"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise UserError(f"{name} is {value:g}; it is a probability, from 0 to 1.")
        if not 0 <= self.jitter <= 1.25:
            raise UserError(f"jitter is {self.jitter:g}; it is a strength from 0 to 1.25, where hue meets its end.")

    def view(self, size: int, colours: tuple[float, float, float, float], blur: float, **more: Any) -> View:
        """A view of these settings. colours, blur: the paper's, before jitter scales them and small sizes drop it."""
        blur = self.blur if self.blur is not None else (0.0 if size <= SMALL else blur)
        b, c, s, h = (self.jitter * value for value in colours)
        settings: dict[str, Any] = {"crop": (self.crop, 1.0), "grey": self.grey, "colours": (b, c, s, min(h, 0.5))}
        return View(size, blur=blur, **(settings | more))


SIMCLR_COLOURS = (0.8, 0.8, 0.8, 0.2)
MOCO_COLOURS = (0.4, 0.4, 0.4, 0.1)
BYOL_COLOURS = (0.4, 0.4, 0.2, 0.1)


def two_alike(knobs: ViewKnobs, size: int, colours: tuple[float, float, float, float], blur: float = 0.5) -> list[View]:
    """SimCLR's and MoCo's: two views of one kind."""
    return [knobs.view(size, colours, blur)] * 2


def asymmetric(knobs: ViewKnobs, size: int) -> list[View]:
    """BYOL's, and after it MoCo v3's: one view is always blurred, the other seldom, and that one may be solarised."""
    return [knobs.view(size, BYOL_COLOURS, 1.0), knobs.view(size, BYOL_COLOURS, 0.1, solarise=0.2)]


@dataclass(frozen=True, kw_only=True)
class CropKnobs(ViewKnobs):
    """The same with small crops beside two large ones."""

    crop: float = knob(0.25, "least share of an image's area that a large crop shows, and most that a small one does")
    small_crops: int = knob(4, "small crops beside the two large ones")
    small_size: int | None = knob(None, "side of a small crop in pixels; left out, 3/7 of a large one's")
    small_least: float = knob(0.08, "least share of an image's area that a small crop shows")

    def small(self, size: int, any_size: bool) -> int:
        """Their side in pixels. any_size: whether the tower takes other sizes than its own."""
        if self.small_size is not None and self.small_size != size and not any_size:
            raise UserError(f"small_size is {self.small_size}, and the tower sees {size} pixels and no other size.")
        return self.small_size or (max(8, round(size * 3 / 7 / 2) * 2) if any_size else size)


def multi_crop(
    knobs: CropKnobs, size: int, any_size: bool, colours: tuple[float, float, float, float], dino: bool = False
) -> list[View]:
    """SwAV's and DINO's: two large crops, then small ones. DINO blurs and solarises the large ones as BYOL does."""
    first = knobs.view(size, colours, 1.0 if dino else 0.5)
    second = knobs.view(size, colours, 0.1, solarise=0.2) if dino else first
    least = min(knobs.small_least, knobs.crop)
    of_small = knobs.view(knobs.small(size, any_size), colours, 0.5, crop=(least, knobs.crop))
    return [first, second, *[of_small] * knobs.small_crops]
