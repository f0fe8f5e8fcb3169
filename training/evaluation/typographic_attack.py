"""The typographic attack (Goh and others, 2021): a word written on an image turns its label into that word."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from training.evaluation.prompt_sensitivity import prompt_sensitivity
from training.models.encoder import Encoder
from training.models.errors import UserError

TEMPLATE = "a photo of a {}."
LEAST_SIDE = 224  # pixels; smaller images are enlarged so that the text can be read


@dataclass(frozen=True)
class TypographicAttack:
    """An image before and after a word was written on it. before, after: probabilities of the classes, [K]."""

    image: Image.Image
    before: NDArray[np.floating]
    after: NDArray[np.floating]
    fooled: bool


def typographic_attack(encoder: Encoder, image: Image.Image, classes: Sequence[str], word: str) -> TypographicAttack:
    """Whether writing word, one of classes, on an image turns its label into it when it was another before."""
    if word not in classes:
        raise UserError(f"{word!r} is none of the classes, so it cannot be the label; add it to them.")
    attacked = with_note(image, word)
    before, after = (
        prompt_sensitivity(encoder, one, classes, [TEMPLATE]).probabilities[0] for one in (image, attacked)
    )
    target = list(classes).index(word)
    fooled = int(before.argmax()) != target and int(after.argmax()) == target
    return TypographicAttack(attacked, before, after, fooled)


def with_note(image: Image.Image, text: str) -> Image.Image:
    """A copy with a paper note across its lower part that says text."""
    copy = image.convert("RGB").copy()
    if max(copy.size) < LEAST_SIDE:
        scale = -(-LEAST_SIDE // max(copy.size))
        copy = copy.resize((copy.width * scale, copy.height * scale), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(copy)
    size = copy.height / 5
    while size > 8 and pen.textlength(text, font=ImageFont.load_default(size)) > 0.8 * copy.width:
        size *= 0.9
    font = ImageFont.load_default(size)
    width, height = pen.textlength(text, font=font) + size, size * 1.6
    left, top = (copy.width - width) / 2, copy.height * 0.94 - height
    pen.rectangle((left, top, left + width, top + height), fill=(250, 249, 244), outline=(180, 178, 170))
    pen.text((copy.width / 2, top + height / 2), text, fill=(20, 20, 20), font=font, anchor="mm")
    return copy
