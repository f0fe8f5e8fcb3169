"""Whether one thumbnail shows what another shows, framed otherwise: a window of one is looked for in the other.

Normalised cross-correlation (Lewis 1995, "Fast Normalized Cross-Correlation") of small grey images whose smooth
parts are taken off, since the light of two landscapes is alike and their details are not. The middle of one image is
looked for in the other at several scales, and the other way round, so that a crop finds the photo that it was cut out
of, and a shot of a series the one before.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

SIDE = 48  # pixels of an image's sides, whatever its shape
WINDOW = 32  # of them, what is looked for
FIELD = 64  # of the field in which it is looked for; the largest scale fits
SCALES = (48, 51, 54, 57, 60)  # sides of the image in which it is looked for: what a crop by 0 to 20 % came from
SMOOTH = 3.0  # pixels at SIDE: details of this size and less are compared
LEAST = 2.0  # grey levels: a standard deviation of the details below which there is nothing to compare


@dataclass(frozen=True)
class Details:
    """An image's details. window: spectrum of its middle, of unit length. fields: of each scale.

    norms: the length of the details under the window at each place; infinite where the window leaves the image.
    """

    window: NDArray[np.complex64]
    fields: NDArray[np.complex64]
    norms: NDArray[np.float32]


def details(image: Image.Image) -> Details | None:
    """What `alignment` compares; None if the image has too few details."""
    grey = image.convert("L")
    planes = [_details_at(grey, side) for side in SCALES]
    first = (SIDE - WINDOW) // 2
    middle = planes[0][first : first + WINDOW, first : first + WINDOW]
    middle = middle - middle.mean()
    if middle.std() < LEAST:
        return None
    window = np.zeros((FIELD, FIELD), np.float32)
    window[:WINDOW, :WINDOW] = middle / np.linalg.norm(middle)
    fields = np.zeros((len(SCALES), FIELD, FIELD), np.float32)
    norms = np.full((len(SCALES), FIELD, FIELD), np.inf, np.float32)
    for at, (side, plane) in enumerate(zip(SCALES, planes, strict=True)):
        fields[at, :side, :side] = plane
        places = side - WINDOW + 1
        spread = _sums(plane**2) - _sums(plane) ** 2 / WINDOW**2
        norms[at, :places, :places] = np.sqrt(np.maximum(spread, (LEAST * WINDOW) ** 2))
    return Details(np.fft.rfft2(window).astype(np.complex64), np.fft.rfft2(fields).astype(np.complex64), norms)


def alignment(one: Details, other: Details) -> float:
    """The highest correlation of the middle of one with any place of the other, or the other way round; at most 1."""
    windows = np.stack([one.window, other.window])[:, None].conj()
    fields = np.stack([other.fields, one.fields])
    found = np.fft.irfft2(windows * fields, s=(FIELD, FIELD)) / np.stack([other.norms, one.norms])
    return float(min(1.0, found.max()))


def _details_at(grey: Image.Image, side: int) -> NDArray[np.float32]:
    small = grey.resize((side, side), Image.Resampling.BOX)
    plane = np.asarray(small, np.float32)
    smooth = np.asarray(small.filter(ImageFilter.GaussianBlur(SMOOTH * side / SIDE)), np.float32)
    return plane - smooth


def _sums(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """The sum under the window at each place where it fits."""
    total = np.pad(plane.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    return total[WINDOW:, WINDOW:] - total[:-WINDOW, WINDOW:] - total[WINDOW:, :-WINDOW] + total[:-WINDOW, :-WINDOW]
