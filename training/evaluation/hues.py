"""Which colour an encoder gives a thing: by the words alone, and of pictures whose hues have been changed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.models.encoder import Encoder, Vectors


def colour_odds(
    encoder: Encoder, objects: Sequence[str], colours: Sequence[str], pictures: Vectors | None = None
) -> NDArray[np.float64]:
    """[objects, colours], rows that sum to 1: which colour an encoder gives each object.

    By words alone, "a yellow lemon" beside "a lemon"; with pictures [objects, dim], beside the picture.
    """
    coloured = encoder.embed_texts([f"a {colour} {thing}" for thing in objects for colour in colours])
    coloured = coloured.reshape(len(objects), len(colours), -1).astype(np.float64)
    asked = encoder.embed_texts([f"a {thing}" for thing in objects]) if pictures is None else pictures
    logits = encoder.logit_scale * np.einsum("ocd,od->oc", coloured, np.asarray(asked, np.float64))
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def greyed(picture: Image.Image) -> Image.Image:
    """The picture without its colours."""
    return picture.convert("L").convert("RGB")


def turned(picture: Image.Image, degrees: float) -> Image.Image:
    """The picture with every hue turned round the circle; light and dark stay."""
    hue, saturation, value = picture.convert("HSV").split()
    shifted = (np.asarray(hue, np.int32) + round(degrees / 360 * 256)) % 256
    return Image.merge("HSV", (Image.fromarray(shifted.astype(np.uint8)), saturation, value)).convert("RGB")
