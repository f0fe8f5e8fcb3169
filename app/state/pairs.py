"""Two images by two captions, as page, REST and gradio_client score them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.state.images import ImageReference, embedding_of
from app.state.library import Library
from app.state.open_collection import OpenCollection
from training.evaluation.winoground import pair_matrix
from training.models.encoder import Encoder


def pair_scores(
    library: Library,
    opened: OpenCollection,
    encoder: Encoder,
    images: Sequence[ImageReference],
    captions: Sequence[str],
) -> NDArray[np.float64]:
    """Cosines of two images and two captions: [2, 2], a row an image, a column a caption."""
    rows = [*(embedding_of(library, image, opened, encoder) for image in images), *encoder.embed_texts(captions)]
    scores: NDArray[np.float64] = pair_matrix(*(row[None] for row in rows))[0]
    return scores
