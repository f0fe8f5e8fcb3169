"""RandomResizedCrop's boxes, for images of any shape that are resized to one square, the canvas.

A box is drawn on the original image, so its area and its aspect ratio are those of what is cut out of it, and it can
reach every border. What is cut out of the canvas in its place has the same content at another resolution.
"""

import math

import torch
from torch import Tensor

from training.data.keyed import Keyed

ATTEMPTS = 10  # to draw a box that fits, as in torchvision
RATIOS = (3 / 4, 4 / 3)

Boxes = tuple[Tensor, Tensor, Tensor, Tensor]  # top, left, height, width, each int64 [B], in pixels of the canvas


def random_boxes(random: Keyed, aspects: Tensor, canvas: int, area: tuple[float, float]) -> Boxes:
    """A crop of each image, as torchvision's RandomResizedCrop draws it.

    aspects: [B], width over height of the originals. canvas: side of the square that they were resized to. area: the
    fraction of the original is uniform between these; from 1 on, crops are off, and the box is the centre square. The
    ratio of the box is log-uniform in RATIOS. If none of ATTEMPTS boxes fits, it is the largest in the centre whose
    ratio is allowed. Always takes the same number of draws.
    """
    draws = random.uniform(2 * ATTEMPTS + 2)
    if area[0] >= 1:
        return centre_squares(aspects, canvas)
    shares = area[0] + (area[1] - area[0]) * draws[:, :ATTEMPTS]
    low, high = (math.log(ratio) for ratio in RATIOS)
    ratios = torch.exp(low + (high - low) * draws[:, ATTEMPTS : 2 * ATTEMPTS])
    wide = (shares * ratios / aspects[:, None]).sqrt()  # [B, ATTEMPTS], as fractions of the sides
    tall = (shares / ratios * aspects[:, None]).sqrt()
    fits = (wide <= 1) & (tall <= 1)
    first, any_fits = fits.to(torch.uint8).argmax(dim=1, keepdim=True), fits.any(dim=1)
    widest, tallest = _largest(aspects, *RATIOS)
    width = torch.where(any_fits, wide.gather(1, first)[:, 0], widest)
    height = torch.where(any_fits, tall.gather(1, first)[:, 0], tallest)
    down, right = torch.where(any_fits[:, None], draws[:, -2:], 0.5).unbind(1)
    return _pixels(width, height, right, down, canvas)


def centre_squares(aspects: Tensor, canvas: int) -> Boxes:
    """The largest square in the centre of each image. aspects: [B], width over height of the originals."""
    half = torch.full_like(aspects, 0.5)
    return _pixels(*_largest(aspects, 1, 1), half, half, canvas)


def _largest(aspects: Tensor, least: float, most: float) -> tuple[Tensor, Tensor]:
    """Width and height of the largest box with a ratio between these, as fractions of the sides."""
    ratios = aspects.clamp(least, most)
    return (ratios / aspects).clamp_max(1), (aspects / ratios).clamp_max(1)


def _pixels(width: Tensor, height: Tensor, right: Tensor, down: Tensor, canvas: int) -> Boxes:
    """Boxes in pixels from fractions of the sides; right, down: in 0..1, where in the room that is left."""
    wide, tall = ((fraction * canvas).round().long().clamp(1, canvas) for fraction in (width, height))
    return (down * (canvas - tall + 1)).long(), (right * (canvas - wide + 1)).long(), tall, wide
