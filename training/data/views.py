"""Augmentation of whole batches, with random numbers keyed by sample: views, their crops, and papers' recipes.

A view is a function of the image and of the sample's random numbers, so it is the same in any batch, worker or rank.
Crops are resized by two small matrix products per image, which include antialiasing and are fast on a CPU. Tests
compare with torchvision's operations on single images.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from training.data.batch import Augment, Batch, moved
from training.data.crop_boxes import centre_squares, random_boxes
from training.data.keyed import Keyed
from training.data.pixel_changes import brightness, contrast, gaussian_blur, hue, luma, saturation
from training.models.errors import UserError
from training.models.knobs import COUNT, NONE_OR_MORE, SHARE, Knobs, Range, knob

SMALL = 64  # pixels; papers do not blur smaller images
BLUR = (0.1, 2.0)  # standard deviations of the blur, in pixels
CROP = Range(above=0, most=1)
JITTER = Range(least=0, most=1.25)  # the hue turns by at most a half
RESIZED_AT_ONCE = 256  # images; the weights of a resize take more memory than its result


@dataclass(frozen=True)
class View:
    """The augmentation that makes one view of an image.

    size: its side in pixels. crop: minimum and maximum fraction of the image's area. flip, grey, blur, solarise:
    probabilities; jitter: the probability of changing brightness, contrast, saturation and hue by up to `colours`.
    """

    size: int
    crop: tuple[float, float] = (0.08, 1.0)
    flip: float = 0.5
    jitter: float = 0.8
    colours: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.1)
    grey: float = 0.2
    blur: float = 0.0
    solarise: float = 0.0

    def __call__(self, images: Tensor, random: Keyed, aspects: Tensor) -> Tensor:
        """images float [B, 3, S, S] in 0..1 on any device, whole images of these aspects [B], to views of them.

        The views are [B, 3, size, size] in 0..1.
        """
        boxes = random_boxes(random, aspects, images.shape[-1], self.crop)
        draws = random.uniform(14)  # always the same number, so that later draws do not shift
        order = draws[:, 10:14].argsort(dim=1)
        views = crop_and_resize(images, *boxes, self.size, flip=draws[:, 0] < self.flip)
        self._colour(views, draws[:, 1:6], order)
        change_some(views, draws[:, 6] < self.grey, lambda some: luma(some).expand(-1, 3, -1, -1))
        low, high = BLUR
        change_some(views, draws[:, 7] < self.blur, gaussian_blur, low + (high - low) * draws[:, 8])
        change_some(views, draws[:, 9] < self.solarise, lambda some: torch.where(some >= 0.5, 1 - some, some))
        return views

    def _colour(self, views: Tensor, draws: Tensor, order: Tensor) -> None:
        """Jitter colours in place, in an order [B, 4] that differs between images."""
        if not self.jitter or not any(self.colours):
            return
        chosen = draws[:, 0] < self.jitter
        amount = (2 * draws[:, 1:5] - 1) * torch.tensor(self.colours)  # hue in turns; the others are factors around one
        amount[:, :3] += 1
        for place in range(4):
            for number, change in enumerate((brightness, contrast, saturation, hue)):
                if self.colours[number]:
                    these = chosen & (order[:, place] == number)
                    change_some(views, these, change, amount[:, number].clamp_min(-0.5))


def change_some(views: Tensor, chosen: Tensor, change: Callable[..., Tensor], *amounts: Tensor) -> None:
    """Change those views [B, ...], on any device, that are chosen [B], on the CPU. amounts: [B] each, of the change."""
    numbers = chosen.nonzero()[:, 0]
    if len(numbers):
        these = moved(numbers, views.device)
        views[these] = change(views[these], *(moved(amount[numbers], views.device) for amount in amounts))


def resize_weights(start: Tensor, length: Tensor, within: int, size: int, flip: Tensor | None = None) -> Tensor:
    """[B, size, within]: weights of `within` input pixels for each output pixel of a side resized to `size`.

    start, length: [B], the cropped part, on the device of the result. Bilinear with antialiasing, as in Pillow and
    torchvision. flip: bool [B], reverses the side.
    """
    scale = length.double() / size  # [B]
    support = scale.clamp_min(1)
    place = torch.arange(size, device=start.device).double() + 0.5
    centre = place[None] * scale[:, None]  # [B, size], within the part
    if flip is not None:
        centre = torch.where(flip[:, None], centre.flip(1), centre)
    pixel = torch.arange(within, device=start.device).double()[None] - start[:, None] + 0.5  # [B, within]
    apart = (pixel[:, None, :] - centre[:, :, None]) / support[:, None, None]
    weights = (1 - apart.abs()).clamp_min(0)
    weights *= ((pixel > 0) & (pixel < length[:, None]))[:, None, :]
    return (weights / weights.sum(dim=2, keepdim=True)).float()


def crop_and_resize(
    images: Tensor, top: Tensor, left: Tensor, height: Tensor, width: Tensor, size: int, flip: Tensor | None = None
) -> Tensor:
    """Crop images [B, C, H, W] to one box each and resize them to [B, C, size, size]. flip: bool [B], horizontal.

    The images may be on another device than the boxes.
    """
    flip = torch.zeros(len(images), dtype=torch.bool) if flip is None else flip
    if images.device.type == "cpu" and images.shape[-1] > SMALL:
        return _one_by_one(images, torch.stack([top, left, height, width], dim=1), size, flip)
    sides, flips = moved(torch.stack([top, left, height, width]), images.device), moved(flip, images.device)
    parts = (images.split(RESIZED_AT_ONCE), sides.split(RESIZED_AT_ONCE, dim=1), flips.split(RESIZED_AT_ONCE))
    return torch.cat([_crop_and_resize(*part, size) for part in zip(*parts, strict=True)])


def _one_by_one(images: Tensor, boxes: Tensor, size: int, flip: Tensor) -> Tensor:
    """The same for large images on a CPU, where the matrices of a resize, mostly zeros, take five times as long."""
    views = images.new_empty(len(images), images.shape[1], size, size)
    for number, (top, left, height, width) in enumerate(boxes.tolist()):
        part = images[number : number + 1, :, top : top + height, left : left + width]
        views[number] = F.interpolate(part, (size, size), mode="bilinear", antialias=True)[0]
    chosen = flip.nonzero()[:, 0]
    views[chosen] = views[chosen].flip(3)
    return views


def _crop_and_resize(images: Tensor, sides: Tensor, flip: Tensor, size: int) -> Tensor:
    top, left, height, width = sides.unbind()
    batch, channels, rows, columns = images.shape
    down = resize_weights(top, height, rows, size)
    across = resize_weights(left, width, columns, size, flip)
    narrow = torch.bmm(images.reshape(batch, channels * rows, columns), across.transpose(1, 2))
    narrow = narrow.view(batch, channels, rows, size)
    return torch.matmul(down[:, None], narrow)


def undistorted(batch: Batch) -> Tensor:
    """The centre squares of a batch's images, float [B, 3, S, S] in 0..1, for tiles, whose shapes have to be right."""
    images = batch.images.float() / 255
    if (batch.aspects == 1).all():
        return images
    return crop_and_resize(images, *centre_squares(batch.aspects, images.shape[-1]), images.shape[-1])


class Views(Augment):
    """Turns a batch into several normalised views of its images, the arguments of a loss."""

    def __init__(self, views: Sequence[View], mean: Sequence[float], std: Sequence[float]):
        self.views = list(views)
        self.mean, self.std = (torch.tensor(list(v)).view(1, 3, 1, 1) for v in (mean, std))

    def __call__(self, batch: Batch) -> tuple[Any, ...]:
        images = batch.images.float().div_(255)
        mean, std, aspects = moved(self.mean, images.device), moved(self.std, images.device), batch.aspects
        return tuple(view(images, batch.random, aspects).sub_(mean).div_(std) for view in self.views)


@dataclass(frozen=True, kw_only=True)
class ViewKnobs(Knobs):
    """Settings of a method's views; the defaults are those of the paper."""

    crop: float = knob(0.2, "smallest crop, as a fraction of the image's area; 1 disables cropping", range=CROP)
    jitter: float = knob(0.5, "strength of colour jitter: 1 as in SimCLR on ImageNet, 0 disables it", range=JITTER)
    grey: float = knob(0.2, "probability of converting a view to greyscale", range=SHARE)
    blur: float | None = knob(
        None, "probability of Gaussian blur [default: the paper's; 0 up to 64 pixels]", range=SHARE
    )

    def view(
        self,
        size: int,
        colours: tuple[float, float, float, float],
        blur: float,
        crop: tuple[float, float] | None = None,
        flip: float = 0.5,
        solarise: float = 0.0,
    ) -> View:
        """A view with these settings. colours, blur: the paper's, before the jitter strength and the size apply."""
        blur = self.blur if self.blur is not None else (0.0 if size <= SMALL else blur)
        b, c, s, h = (self.jitter * value for value in colours)
        jittered = (b, c, s, min(h, 0.5))
        return View(
            size, crop or (self.crop, 1.0), flip, colours=jittered, grey=self.grey, blur=blur, solarise=solarise
        )


SIMCLR_COLOURS = (0.8, 0.8, 0.8, 0.2)
MOCO_COLOURS = (0.4, 0.4, 0.4, 0.1)
BYOL_COLOURS = (0.4, 0.4, 0.2, 0.1)


def two_alike(knobs: ViewKnobs, size: int, colours: tuple[float, float, float, float]) -> list[View]:
    """The views of SimCLR and MoCo: two with the same distribution."""
    return [knobs.view(size, colours, 0.5)] * 2


def asymmetric(knobs: ViewKnobs, size: int) -> list[View]:
    """The views of BYOL and MoCo v3: one is always blurred, the other rarely blurred and sometimes solarised."""
    return [knobs.view(size, BYOL_COLOURS, 1.0), knobs.view(size, BYOL_COLOURS, 0.1, solarise=0.2)]


@dataclass(frozen=True, kw_only=True)
class CropKnobs(ViewKnobs):
    """Settings of multi-crop: two large views and several small ones."""

    crop: float = knob(
        0.25, "smallest large crop and largest small crop, as a fraction of the image's area", range=CROP
    )
    small_crops: int = knob(4, "number of small crops, in addition to the two large ones", range=NONE_OR_MORE)
    small_size: int | None = knob(
        None,
        "side of small crops in pixels [default: 3/7 of that of large ones, in whole patches of a ViT]",
        range=COUNT,
    )
    small_least: float = knob(0.08, "smallest small crop, as a fraction of the image's area", range=CROP)

    def small(self, size: int, step: int | None) -> int:
        """The side of small crops in pixels. size: that of large ones. step: what divides the sides of images that the
        tower takes; None if it takes none but its own size.
        """
        if step is None and self.small_size != size:
            raise UserError(
                f"The tower takes images of {size} pixels only, so small crops would take as long as large ones. "
                f"Choose a convolutional network or a ViT of open_clip or timm, or --small-size {size} to accept it."
            )
        if step and (self.small_size or 0) % step:
            below = max(step, (self.small_size or 0) // step * step)
            raise UserError(
                f"small_size is {self.small_size}, but the tower has patches of {step} pixels; choose {below} or "
                f"{below + step}."
            )
        unit = max(step or 1, 2)
        return self.small_size or max(8, unit, round(size * 3 / 7 / unit) * unit)


def multi_crop(
    knobs: CropKnobs, size: int, step: int | None, colours: tuple[float, float, float, float], dino: bool = False
) -> list[View]:
    """The views of SwAV and DINO: two large crops, then small ones. DINO treats the large ones like BYOL.

    step: as `CropKnobs.small` takes it.
    """
    first = knobs.view(size, colours, 1.0 if dino else 0.5)
    second = knobs.view(size, colours, 0.1, solarise=0.2) if dino else first
    least = min(knobs.small_least, knobs.crop)
    of_small = knobs.view(knobs.small(size, step), colours, 0.5, crop=(least, knobs.crop))
    return [first, second, *[of_small] * knobs.small_crops]
