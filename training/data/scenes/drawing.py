"""Scenes as pixels: shapes drawn once as soft masks, then laid over each other.

A mask is drawn at eight times its size and averaged down, so that edges are smooth; each shape has a
second mask, its detail (the stalk of a lemon, the seeds of a leaf's veins), in a colour of its own.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.data.scenes.graph import COLOURS, GREY, GROUNDS, SIZES, Draws, SceneGraph, Thing

FINE = 8  # times finer than its pixels a mask is drawn
DARK, LEAFY = (58, 46, 40), (70, 130, 60)
TILE = 192  # side of the noise that scenes take their own piece of

Pixels = NDArray[np.uint8]
Pen = ImageDraw.ImageDraw
Paint = tuple[int, int, int] | None  # of a shape's detail, if it has one


def draw_scene(graph: SceneGraph, draws: Draws, pixels: int, nuisance: float) -> Pixels:
    """uint8 [pixels, pixels, 3] of a graph; draws gives what is not in it: light, noise, small turns of colour."""
    image = np.empty((pixels, pixels, 3), np.int16)
    image[:] = GROUNDS[graph.ground]
    order = graph.things[::-1]  # what covers is drawn last
    for thing in order:
        tint = [1 + 0.1 * nuisance * (2 * draws.one() - 1) for _ in range(3)]
        width = max(5, round(SIZES[thing.size] * pixels * (1 + 0.08 * nuisance * (2 * draws.one() - 1))))
        if graph.relation == "inside" and thing is graph.things[0]:
            width = max(4, round(0.62 * width))
        colour = GREY if thing.colour == "grey" else COLOURS[thing.colour]
        paint = np.array([min(255, round(c * t)) for c, t in zip(colour, tint, strict=True)], np.int16)
        for x, y in thing.places:
            _lay(image, thing, paint, width, x, y)
    if nuisance:
        light = 1 + 0.15 * nuisance * (2 * draws.one() - 1)
        top, left = int(draws.one() * (TILE - pixels % TILE)), int(draws.one() * (TILE - pixels % TILE))
        noise = _noise(pixels)[top : top + pixels, left : left + pixels]
        image *= np.int16(round(64 * light))  # at most 74 * 255: it fits
        image >>= 6
        image += noise * np.int16(round(16 * nuisance)) >> 4
        np.clip(image, 0, 255, out=image)
    return image.astype(np.uint8)


def _lay(image: NDArray[np.int16], thing: Thing, paint: NDArray[np.int16], width: int, x: float, y: float) -> None:
    size = len(image)
    top, left = round(y * size - width / 2), round(x * size - width / 2)
    body, detail, detail_paint = _masks(thing.shape, thing.texture, width)
    rows = slice(max(0, -top), min(width, size - top))  # of the mask, within the image
    columns = slice(max(0, -left), min(width, size - left))
    part = image[top + rows.start : top + rows.stop, left + columns.start : left + columns.stop]
    part += (paint - part) * body[rows, columns] >> 7
    if detail is not None and detail_paint is not None:
        part += (detail_paint - part) * detail[rows, columns] >> 7


@lru_cache(maxsize=4096)
def _masks(shape: str, texture: str, width: int) -> tuple[NDArray[Any], NDArray[Any] | None, NDArray[Any] | None]:
    """int16 [width, width, 1] in 0..128 of the body and of its detail, and the detail's colour."""
    side = width * FINE
    body = Image.new("L", (side, side))
    detail = Image.new("L", (side, side))
    colour = SHAPES[shape](ImageDraw.Draw(body), ImageDraw.Draw(detail), side)
    if texture != "plain":
        cut = Image.new("L", (side, side), 255)
        pen = ImageDraw.Draw(cut)
        if texture == "striped":
            for at in range(0, side, side // 5):
                pen.rectangle((0, at, side, at + side // 12), fill=110)
        else:
            for row in range(5):
                for column in range(5):
                    cx, cy = side * (column + 0.5 + 0.5 * (row % 2)) / 5, side * (row + 0.5) / 5
                    pen.ellipse((cx - side / 22, cy - side / 22, cx + side / 22, cy + side / 22), fill=60)
        body = Image.fromarray((np.asarray(body, np.uint16) * np.asarray(cut) // 255).astype(np.uint8))
    if colour is None:
        return _small(body, width), None, None
    return _small(body, width), _small(detail, width), np.array(colour, np.int16)


def _small(mask: Image.Image, width: int) -> NDArray[np.int16]:
    fine = np.asarray(mask, np.float32).reshape(width, FINE, width, FINE).mean(axis=(1, 3))
    return np.round(fine * 128 / 255).astype(np.int16)[:, :, None]


@lru_cache(maxsize=4)
def _noise(pixels: int) -> NDArray[np.int16]:
    side = TILE + pixels
    return np.round(np.random.default_rng(0).normal(0, 12, (side, side, 3))).astype(np.int16)


def _points(side: int, *points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * side, y * side) for x, y in points]


def _around(inner: float) -> list[tuple[float, float]]:
    """The corners of a star with five points in the unit square; inner: radius of those between, of the outer."""
    angles = np.radians(np.arange(10) * 36 - 90.0)
    radii = np.where(np.arange(10) % 2 == 0, 0.5, 0.5 * inner)
    return [(0.5 + r * np.cos(a), 0.5 + r * np.sin(a)) for a, r in zip(angles, radii, strict=True)]


def _circle(body: Pen, detail: Pen, s: int) -> Paint:
    body.ellipse((0, 0, s, s), fill=255)
    return None


def _square(body: Pen, detail: Pen, s: int) -> Paint:
    body.rectangle((0.06 * s, 0.06 * s, 0.94 * s, 0.94 * s), fill=255)
    return None


def _triangle(body: Pen, detail: Pen, s: int) -> Paint:
    body.polygon(_points(s, (0.5, 0.04), (0.98, 0.92), (0.02, 0.92)), fill=255)
    return None


def _star(body: Pen, detail: Pen, s: int) -> Paint:
    body.polygon(_points(s, *_around(0.42)), fill=255)
    return None


def _cross(body: Pen, detail: Pen, s: int) -> Paint:
    body.rectangle((0.35 * s, 0.03 * s, 0.65 * s, 0.97 * s), fill=255)
    body.rectangle((0.03 * s, 0.35 * s, 0.97 * s, 0.65 * s), fill=255)
    return None


def _ring(body: Pen, detail: Pen, s: int) -> Paint:
    body.ellipse((0, 0, s, s), fill=255)
    body.ellipse((0.24 * s, 0.24 * s, 0.76 * s, 0.76 * s), fill=0)
    return None


def _diamond(body: Pen, detail: Pen, s: int) -> Paint:
    body.polygon(_points(s, (0.5, 0), (0.9, 0.5), (0.5, 1), (0.1, 0.5)), fill=255)
    return None


def _heart(body: Pen, detail: Pen, s: int) -> Paint:
    body.ellipse((0.02 * s, 0.08 * s, 0.54 * s, 0.58 * s), fill=255)
    body.ellipse((0.46 * s, 0.08 * s, 0.98 * s, 0.58 * s), fill=255)
    body.polygon(_points(s, (0.06, 0.44), (0.94, 0.44), (0.5, 0.97)), fill=255)
    return None


def _lemon(body: Pen, detail: Pen, s: int) -> Paint:
    body.ellipse((0.08 * s, 0.18 * s, 0.92 * s, 0.82 * s), fill=255)
    body.polygon(_points(s, (0.0, 0.5), (0.16, 0.4), (0.16, 0.6)), fill=255)
    body.polygon(_points(s, (1.0, 0.5), (0.84, 0.4), (0.84, 0.6)), fill=255)
    detail.polygon(_points(s, (0.5, 0.2), (0.62, 0.02), (0.72, 0.16)), fill=255)
    return LEAFY


def _tomato(body: Pen, detail: Pen, s: int) -> Paint:
    body.ellipse((0.03 * s, 0.16 * s, 0.97 * s, 0.98 * s), fill=255)
    detail.polygon([(x * 0.56 + 0.22 * s, y * 0.42) for x, y in _points(s, *_around(0.35))], fill=255)
    return LEAFY


def _eggplant(body: Pen, detail: Pen, s: int) -> Paint:
    body.ellipse((0.2 * s, 0.38 * s, 0.82 * s, 1.0 * s), fill=255)
    body.polygon(_points(s, (0.38, 0.16), (0.64, 0.16), (0.8, 0.62), (0.22, 0.62)), fill=255)
    detail.polygon(_points(s, (0.28, 0.2), (0.74, 0.2), (0.64, 0.34), (0.5, 0.26), (0.38, 0.34)), fill=255)
    detail.rectangle((0.47 * s, 0, 0.56 * s, 0.22 * s), fill=255)
    return LEAFY


def _leaf(body: Pen, detail: Pen, s: int) -> Paint:
    body.polygon(
        _points(
            s,
            (0.08, 0.92),
            (0.06, 0.5),
            (0.28, 0.18),
            (0.66, 0.04),
            (0.96, 0.04),
            (0.96, 0.34),
            (0.82, 0.7),
            (0.5, 0.92),
        ),
        fill=255,
    )
    detail.line(_points(s, (0.0, 1.0), (0.82, 0.18)), fill=230, width=max(1, s // 16))
    detail.line(_points(s, (0.4, 0.6), (0.34, 0.3)), fill=160, width=max(1, s // 26))
    detail.line(_points(s, (0.5, 0.5), (0.76, 0.54)), fill=160, width=max(1, s // 26))
    return DARK


def _carrot(body: Pen, detail: Pen, s: int) -> Paint:
    body.polygon(_points(s, (0.2, 0.3), (0.5, 0.22), (0.8, 0.3), (0.54, 1.0), (0.46, 1.0)), fill=255)
    for x in (0.3, 0.5, 0.7):
        detail.line(_points(s, (0.5, 0.28), (x, 0.0)), fill=255, width=max(1, s // 10))
    return LEAFY


def _blueberry(body: Pen, detail: Pen, s: int) -> Paint:
    body.ellipse((0.04 * s, 0.04 * s, 0.96 * s, 0.96 * s), fill=255)
    detail.polygon([(x * 0.4 + 0.3 * s, y * 0.4 + 0.3 * s) for x, y in _points(s, *_around(0.5))], fill=220)
    return DARK


def _pig(body: Pen, detail: Pen, s: int) -> Paint:
    body.ellipse((0.04 * s, 0.12 * s, 0.96 * s, 0.98 * s), fill=255)
    body.polygon(_points(s, (0.08, 0.36), (0.1, 0.02), (0.4, 0.2)), fill=255)
    body.polygon(_points(s, (0.92, 0.36), (0.9, 0.02), (0.6, 0.2)), fill=255)
    for box in ((0.26, 0.36, 0.36, 0.46), (0.64, 0.36, 0.74, 0.46), (0.38, 0.64, 0.46, 0.76), (0.54, 0.64, 0.62, 0.76)):
        detail.ellipse([v * s for v in box], fill=255)
    return DARK


def _log(body: Pen, detail: Pen, s: int) -> Paint:
    body.rounded_rectangle((0, 0.28 * s, s, 0.74 * s), radius=0.2 * s, fill=255)
    detail.ellipse((0.76 * s, 0.32 * s, 0.96 * s, 0.7 * s), outline=255, width=max(1, s // 18))
    for y in (0.42, 0.58):
        detail.line(_points(s, (0.1, y), (0.66, y)), fill=150, width=max(1, s // 26))
    return DARK


SHAPES = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "cross": _cross,
    "ring": _ring,
    "diamond": _diamond,
    "heart": _heart,
    "lemon": _lemon,
    "tomato": _tomato,
    "eggplant": _eggplant,
    "leaf": _leaf,
    "carrot": _carrot,
    "blueberry": _blueberry,
    "pig": _pig,
    "log": _log,
}
