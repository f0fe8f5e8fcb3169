"""Which colour an encoder gives a thing: by the words alone, and of images whose hues have been changed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.models.encoder import Encoder, Vectors


def colour_probabilities(
    encoder: Encoder, objects: Sequence[str], colours: Sequence[str], images: Vectors | None = None
) -> NDArray[np.float64]:
    """[objects, colours], rows that sum to 1: which colour an encoder gives each object.

    By words alone, "a yellow lemon" beside "a lemon"; with images [objects, dim], beside the image.
    """
    coloured = encoder.embed_texts([f"a {colour} {thing}" for thing in objects for colour in colours])
    coloured = coloured.reshape(len(objects), len(colours), -1).astype(np.float64)
    asked = encoder.embed_texts([f"a {thing}" for thing in objects]) if images is None else images
    logits = encoder.logit_scale * np.einsum("ocd,od->oc", coloured, np.asarray(asked, np.float64))
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def greyed(image: Image.Image) -> Image.Image:
    """The image without its colours."""
    return image.convert("L").convert("RGB")


def turned(image: Image.Image, degrees: float) -> Image.Image:
    """The image with every hue turned round the circle; light and dark stay."""
    hue, saturation, value = image.convert("HSV").split()
    shifted = (np.asarray(hue, np.int32) + round(degrees / 360 * 256)) % 256
    return Image.merge("HSV", (Image.fromarray(shifted.astype(np.uint8)), saturation, value)).convert("RGB")
