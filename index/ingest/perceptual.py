"""The perceptual hash: 111 bytes that stay nearly equal when an image is resaved, resized or lightly edited.

It holds the lowest 8 x 8 frequencies of the grey image, as pHash does (Zauner 2010), but their values, not their signs
alone, so that their correlation says how like two images are; and the mean colours of 4 x 4 cells. Measured on 28
photographs and drawings: the correlation of an image with itself resaved, resized, brighter, darker, of more or less
contrast or colour is at least 0.9, cropped by 5 % on each side 0.92 in the median, and of two different ones at most
0.69 (two views of a stereo camera: 0.93).
"""

from collections.abc import Iterator
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, FREQUENCIES, CELLS = 32, 8, 4
LENGTH = FREQUENCIES**2 - 1 + 3 * CELLS**2  # bytes
SCALE = 11.0  # of the square root of a frequency's amplitude, which is 127 at most
LEAST_CONTRAST = 0.7  # below this length of all frequencies an image is an even surface
SIGNS = np.array([[1], [-1]] * (FREQUENCIES // 2), np.int8)  # of a quarter turn: F[u, v] becomes (-1)^u F[v, u]

NEAR = 0.93  # correlation of frequencies
NEAR_COLOURS = 70.0  # of 255, mean difference of the cells' colours
NEAR_PATTERN = 50.0  # the same without the images' mean brightness
NEAR_SURFACE = 20.0  # of even surfaces, which have nothing but a colour

Pixels: TypeAlias = NDArray[np.uint8]


def perceptual_hash(pixels: Pixels) -> bytes:
    """The hash of an upright RGB image [H, W, 3]."""
    small = np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX), np.float32)
    grey = small @ np.array([0.299, 0.587, 0.114], np.float32)
    cells = small.reshape(CELLS, SIDE // CELLS, CELLS, SIDE // CELLS, 3).mean(axis=(1, 3))
    frequencies = _cosines() @ grey @ _cosines().T / SIDE
    coded = np.sign(frequencies) * np.sqrt(np.abs(frequencies)) * SCALE
    coded, cells = coded.round().clip(-127, 127).astype(np.int8), cells.round().astype(np.uint8)
    return coded.ravel()[1:].tobytes() + cells.tobytes()


def turned(stored: bytes) -> Iterator[bytes]:
    """The hashes of an image as it is and turned by one, two and three quarters, made of that of the first."""
    coded = np.frombuffer(b"\0" + stored[: FREQUENCIES**2 - 1], np.int8).reshape(FREQUENCIES, FREQUENCIES)
    cells = np.frombuffer(stored[FREQUENCIES**2 - 1 :], np.uint8).reshape(CELLS, CELLS, 3)
    for _ in range(4):
        yield coded.ravel()[1:].tobytes() + cells.tobytes()
        coded, cells = SIGNS * coded.T, np.rot90(cells)


def similarity(one: bytes, other: bytes) -> float:
    """Correlation of two images in -1..1; 0 where their colours are too far apart for one image."""
    (frequencies, colours), (others, other_colours) = unpacked(one), unpacked(other)
    difference = np.abs(colours - other_colours).mean()
    pattern = np.abs((colours - colours.mean()) - (other_colours - other_colours.mean())).mean()
    length, other_length = float(np.linalg.norm(frequencies)), float(np.linalg.norm(others))
    if min(length, other_length) < LEAST_CONTRAST:
        return float(max(length, other_length) < 2 * LEAST_CONTRAST and difference <= NEAR_SURFACE)
    if difference > NEAR_COLOURS or pattern > NEAR_PATTERN:
        return 0.0
    return float(frequencies @ others / (length * other_length))


def unpacked(stored: bytes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Frequencies [63] and colours [48]."""
    if len(stored) != LENGTH:
        raise ValueError(f"a perceptual hash has {LENGTH} bytes and this one {len(stored)}")
    coded = np.frombuffer(stored, np.int8, FREQUENCIES**2 - 1).astype(np.float32) / SCALE
    return np.sign(coded) * coded**2, np.frombuffer(stored, np.uint8, offset=len(coded)).astype(np.float32)


@cache
def _cosines() -> NDArray[np.float32]:
    """[FREQUENCIES, SIDE], the rows of the orthonormal cosine transform."""
    at = (np.arange(SIDE) + 0.5) * np.pi / SIDE
    rows = np.array([np.cos(at * frequency) for frequency in range(FREQUENCIES)]) * np.sqrt(2 / SIDE)
    rows[0] /= np.sqrt(2)
    return rows.astype(np.float32)
