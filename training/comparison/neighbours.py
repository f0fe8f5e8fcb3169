"""A figure of the nearest neighbours of the same images for every encoder, with a row for each encoder."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from training.comparison.measure import Measured
from training.evaluation.rows import nearest, unit_rows

QUERIES, NEIGHBOURS = 4, 5
SIDE, GAP, APART, TOP = 48, 4, 20, 64  # pixels
WRONG, INK, PAPER = "#d7191c", "#222222", "white"


def neighbours(measured: Sequence[Measured]) -> bytes | None:
    """A WebP with the query image above each group; a red frame marks another class than that of the query.

    None if the encoders have too few images in common.
    """
    shared = sorted(set.intersection(*({item.path for item in one.test.items} for one in measured)))
    if len(shared) <= NEIGHBOURS:
        return None
    queries = [shared[i] for i in np.linspace(0, len(shared) - 1, QUERIES).astype(int)]
    step, group = SIDE + GAP, NEIGHBOURS * (SIDE + GAP) + APART
    font = ImageFont.load_default(13)
    start = round(max(font.getlength(one.entry.method) for one in measured)) + APART
    sheet = Image.new("RGB", (start + QUERIES * group - APART, TOP + len(measured) * step), PAPER)
    pen = ImageDraw.Draw(sheet)
    for line, one in enumerate(measured):
        place = {item.path: i for i, item in enumerate(one.test.items)}
        rows = unit_rows(one.test.images)
        top = TOP + line * step
        pen.text((0, top + SIDE // 2), one.entry.method, INK, font, anchor="lm")
        for number, path in enumerate(queries):
            here, left = place[path], start + number * group
            if line == 0:
                sheet.paste(_small(one.test.image(here)), (left, 4))
            for column, other in enumerate(nearest(rows, here, NEIGHBOURS)):
                corner = left + column * step
                sheet.paste(_small(one.test.image(other)), (corner, top))
                if one.test.labels[here] >= 0 and one.test.labels[other] != one.test.labels[here]:
                    pen.rectangle((corner - 1, top - 1, corner + SIDE, top + SIDE), outline=WRONG, width=2)
    buffer = io.BytesIO()
    sheet.save(buffer, "WEBP", quality=88)
    return buffer.getvalue()


def _small(image: Image.Image) -> Image.Image:
    return ImageOps.fit(image.convert("RGB"), (SIDE, SIDE))
