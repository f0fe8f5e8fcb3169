"""Which colour an encoder gives an object: by its name alone, drawn in another colour, or in another hue."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.scenes.contrasts import coloured_object
from training.data.scenes.graph import COLOUR_NAMES, NATURAL, NATURAL_NAMES
from training.models.encoder import Encoder, Vectors
from training.models.softmax import softmax

HUES = (60, 120, 180, 240, 300)  # degrees that the hues of an image are turned by


@dataclass(frozen=True)
class ColourRow:
    """The colours of one object. probabilities: of COLOUR_NAMES. image: what was shown, None for the text alone.

    usual: the colour that such objects have; painted: the one that it was drawn in; "" where there is none.
    """

    name: str
    probabilities: NDArray[np.floating]
    image: Image.Image | None = None
    usual: str = ""
    painted: str = ""


def natural_objects(encoder: Encoder, paint: str | None, pixels: int) -> list[ColourRow]:
    """Objects that have a usual colour: by their names alone, or drawn in paint, one of PAINTS."""
    if paint is None:
        rows = colour_probabilities(encoder, NATURAL_NAMES, COLOUR_NAMES)
        return [ColourRow(name, row, usual=NATURAL[name]) for name, row in zip(NATURAL_NAMES, rows, strict=True)]
    scenes = [coloured_object(0, i, paint, shape, pixels=pixels) for i, shape in enumerate(NATURAL_NAMES)]
    drawn = [Image.fromarray(scene.image) for scene in scenes]
    rows = colour_probabilities(encoder, NATURAL_NAMES, COLOUR_NAMES, encoder.embed_images(drawn))
    return [
        ColourRow(name, row, image, NATURAL[name], scene.graph.things[0].colour)
        for name, row, image, scene in zip(NATURAL_NAMES, rows, drawn, scenes, strict=True)
    ]


def hues_of_image(encoder: Encoder, image: Image.Image, name: str) -> list[ColourRow]:
    """An object by its name alone, then an image of it as it is, without colour and in other hues."""
    variants = [("as it is", image), ("grey", greyed(image))]
    variants += [(f"hues turned by {degrees}°", turned(image, degrees)) for degrees in HUES]
    vectors = encoder.embed_images([variant for _, variant in variants])
    rows = colour_probabilities(encoder, [name] * len(variants), COLOUR_NAMES, vectors)
    text = ColourRow("the text alone", colour_probabilities(encoder, [name], COLOUR_NAMES)[0])
    return [text, *(ColourRow(title, row, look) for (title, look), row in zip(variants, rows, strict=True))]


def usual_probability(rows: Sequence[ColourRow]) -> float:
    """The mean probability of the objects' usual colours."""
    return float(np.mean([row.probabilities[COLOUR_NAMES.index(row.usual)] for row in rows]))


def colour_probabilities(
    encoder: Encoder, objects: Sequence[str], colours: Sequence[str], images: Vectors | None = None
) -> NDArray[np.floating]:
    """[objects, colours], rows that sum to 1: which colour an encoder gives each object.

    By text alone, "a yellow lemon" beside "a lemon"; with images [objects, dim], beside the image.
    """
    coloured = encoder.embed_texts([f"a {colour} {name}" for name in objects for colour in colours])
    coloured = coloured.reshape(len(objects), len(colours), -1).astype(np.float64)
    references = encoder.embed_texts([f"a {name}" for name in objects]) if images is None else images
    return softmax(encoder.logit_scale * np.einsum("ocd,od->oc", coloured, np.asarray(references, np.float64)))


def greyed(image: Image.Image) -> Image.Image:
    """The image without its colours."""
    return image.convert("L").convert("RGB")


def turned(image: Image.Image, degrees: float) -> Image.Image:
    """The image with every hue turned round the circle; light and dark stay."""
    hue, saturation, value = image.convert("HSV").split()
    shifted = (np.asarray(hue, np.int32) + round(degrees / 360 * 256)) % 256
    return Image.merge("HSV", (Image.fromarray(shifted.astype(np.uint8)), saturation, value)).convert("RGB")
