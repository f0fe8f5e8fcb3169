"""Two images by two captions, as page, REST and gradio_client score them; generated ones to browse."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.state.images import ImageReference, embedding_of
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.probe_request import SIDE
from training.data.scenes.contrasts import ContrastPair, winoground_pair
from training.evaluation.similarity import cosines
from training.evaluation.winoground import pair_matrix, wins_of_pair
from training.models.encoder import Encoder

GENERATED = 10_000  # how many pairs of a kind can be browsed


@lru_cache(maxsize=128)
def generated_pair(kind: str, i: int) -> ContrastPair:
    """Pair i of a kind, to browse."""
    return winoground_pair(0, i % GENERATED, kind, SIDE)


def example_images(kind: str, i: int) -> list[Image.Image]:
    """The two images of a generated pair."""
    pair = generated_pair(kind, i)
    return [Image.fromarray(pixels) for pixels in (pair.image_0, pair.image_1)]


def judged_example(encoder: Encoder, kind: str, i: int) -> dict[str, Any]:
    """See judged_pair, of generated images and captions."""
    pair = generated_pair(kind, i)
    captions = [pair.caption_0, pair.caption_1]
    return _judged(cosines(encoder, example_images(kind, i), captions), captions)


def judged_pair(
    library: Library,
    opened: OpenCollection,
    encoder: Encoder,
    images: Sequence[ImageReference],
    captions: list[str],
) -> dict[str, Any]:
    """scores [2][2], cosines of images by captions; wins: which of text, image and group are won; the captions."""
    rows = [*(embedding_of(library, image, opened, encoder) for image in images), *encoder.embed_texts(captions)]
    return _judged(pair_matrix(*(row[None] for row in rows))[0], captions)


def _judged(scores: NDArray[np.float64], captions: list[str]) -> dict[str, Any]:
    return {"scores": scores.tolist(), "wins": wins_of_pair(scores), "captions": captions}
