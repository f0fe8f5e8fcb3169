"""Word order of one caption: how an image scores it beside the same words in other orders."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from training.evaluation.order import moved
from training.evaluation.rows import TIE
from training.evaluation.wording import Variant, variants, words_of
from training.models.encoder import Encoder
from training.models.errors import UserError


@dataclass(frozen=True)
class OrderScore:
    """One order of a caption's words. score: cosine to the image; moved: 1 - cosine to the caption itself."""

    kind: str
    text: str
    score: float
    moved: float


def order_scores(encoder: Encoder, image: Image.Image | None, caption: str, shuffles: int = 16) -> list[OrderScore]:
    """The caption first, then the same words in other orders, each with its cosine to the image (0 without one)."""
    plain = " ".join(words_of(caption))
    if not plain:
        raise UserError("There are no words; write a caption such as 'a dog chases a cat'.")
    orders = [Variant("original", plain), *variants(caption, shuffles)]
    rows = encoder.embed_texts([variant.text for variant in orders]).astype(np.float64)
    vector = encoder.embed_images([image])[0].astype(np.float64) if image is not None else np.zeros(rows.shape[1])
    scores, gaps = rows @ vector, moved(np.broadcast_to(rows[0], rows.shape), rows)
    return [
        OrderScore(variant.kind, variant.text, float(score), float(gap))
        for variant, score, gap in zip(orders, scores, gaps, strict=True)
    ]


def rank_as_written(found: Sequence[OrderScore]) -> int:
    """The place of the caption itself among its other orders, from 1; what cannot be told apart counts against it."""
    own = next(one.score for one in found if one.kind == "original")
    return 1 + sum(one.score >= own - TIE for one in found if one.kind != "original")
