"""Encoders on the same images with captions: each caption searches among the images, and its own are right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.retrieval.paired import Figures, in_all, paired_figures, vectors_of
from index.storage.layout import REQUIRED_COLUMNS
from training.models.encoder import BATCH, Encoder
from training.models.errors import UserError

CAPTION, SEVERAL = "caption", "captions"  # columns: the first caption of an image, and all of them, a line each
CUTOFFS = (1, 5, 10)
METRICS = tuple(f"recall@{k}" for k in CUTOFFS)
WORDS = 3  # of a text, on average, of a column that describes images: what is shorter are names
TIE = 1e-6  # scores that differ by less are tied


@dataclass(frozen=True)
class CaptionComparison:
    """METRICS of each encoder, and their paired differences from the first."""

    source: str
    images: int
    captions: int
    figures: Figures
    differences: Figures


def caption_sources(collection: Collection) -> list[str]:
    """The columns whose texts describe images one by one; CAPTION stands for SEVERAL too."""
    return [
        name
        for name in collection.columns
        if name == CAPTION or name not in (*REQUIRED_COLUMNS, SEVERAL)
        if describes_images(collection.column(name))
    ]


def describes_images(values: pd.Series) -> bool:
    if values.dtype != object and not pd.api.types.is_string_dtype(values):
        return False
    texts = [text for text in values if isinstance(text, str) and text.strip()]
    different = set(texts)
    words = sum(len(text.split()) for text in texts)
    return len(different) >= 2 and 2 * len(different) >= len(texts) and words >= WORDS * len(texts)


def captions_of(collection: Collection, source: str) -> dict[str, list[str]]:
    """The captions of each image that has any, by its id. source: a column; CAPTION is all that an image has."""
    if source not in collection.columns:
        raise UserError(f"There is no column {source}; captions are in: {', '.join(caption_sources(collection))}.")
    texts = collection.column(source)
    if source == CAPTION and SEVERAL in collection.columns:
        several = collection.column(SEVERAL)
        texts = several.where(several.notna() & (several != ""), texts)
    found: dict[str, list[str]] = {}
    for id, text in zip(collection.column("id"), texts, strict=True):
        lines = [line.strip() for line in text.split("\n")] if isinstance(text, str) else []
        found.setdefault(str(id), []).extend(line for line in lines if line)
    return {id: list(dict.fromkeys(lines)) for id, lines in found.items() if lines}


def compare_by_captions(
    collections: Sequence[Collection],
    encoders: Sequence[Encoder],
    source: str = CAPTION,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> CaptionComparison:
    """Text-to-image retrieval by two or more collections of the same images, each with its encoder, which reads text.

    source: see captions_of, of the first collection. A caption of several images is right with each. The value of an
    image is the mean over its captions, so that captions of one image are not taken for independent. progress is
    called with the captions that are embedded and their total.
    """
    captions = captions_of(collections[0], source)
    ids = in_all(collections, captions)
    texts = sorted({text for id in ids for text in captions[id]})
    if len(texts) < 2:
        raise UserError(f"{source} gives no two captions of images of all these collections; choose another column.")
    number_of = {text: number for number, text in enumerate(texts)}
    own = [[number_of[text] for text in captions[id]] for id in ids]
    right = np.zeros((len(texts), len(ids)), bool)
    for i, numbers in enumerate(own):
        right[numbers, i] = True
    values = []
    for number, (collection, encoder) in enumerate(zip(collections, encoders, strict=True)):
        collection.check_encoder(encoder)
        vectors, parts = vectors_of(collection, ids), []
        for start in range(0, len(texts), BATCH):
            progress(number * len(texts) + start, len(collections) * len(texts))
            queries = encoder.embed_texts(texts[start : start + BATCH])
            parts.append(first_ranks(queries, vectors, right[start : start + BATCH]))
        ranks = np.concatenate(parts)
        values.append({f"recall@{k}": np.array([(ranks[of] <= k).mean() for of in own]) for k in CUTOFFS})
    progress(len(collections) * len(texts), len(collections) * len(texts))
    return CaptionComparison(source, len(ids), len(texts), *paired_figures(values))


def first_ranks(
    queries: NDArray[np.float32], candidates: NDArray[np.float32], right: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The rank of the first right candidate of each query, from 1: [Q]. right: [Q, N], one at least in each row.

    A wrong candidate that ties with it ranks before it, so an encoder that tells nothing apart scores 0.
    """
    scores = queries @ candidates.T
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    return ((scores >= best - TIE) & ~right).sum(axis=1) + 1
