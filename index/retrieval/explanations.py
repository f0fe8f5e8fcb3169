"""Why an image answers some words: which of the words carry the score, and which parts of the image.

Both are measured by leaving something out and scoring again, which works for every encoder, whatever
is inside it (occlusion: Zeiler and Fergus, ECCV 2014).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from index.query import Term
from training.models.encoder import Encoder, unit

GRID = 7  # positions of the cover in each direction; 7 x 7 is what a tower's last layer has at 224 pixels
COVER = 0.3  # side of the cover, of the image's
MOST_WORDS = 24


@dataclass(frozen=True)
class WordShare:
    """A word of the query; share is how much the score falls when it is left out, negative if it rises."""

    word: str
    share: float


def word_shares(terms: Sequence[Term], vector: NDArray[np.floating], encoder: Encoder) -> list[list[WordShare]]:
    """For each term with a text, its words in their order, for an image's vector [dim] of unit length.

    A word's share is the cosine of the whole query to the image less that of the query without it.
    The only word of a query carries all of its score.
    """
    with_text = [term for term in terms if term.text]
    texts: list[str] = [term.text or "" for term in with_text]
    left_out: list[str] = []
    for text in texts:
        words = text.split()[:MOST_WORDS]
        left_out += [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))]
    needed = list(dict.fromkeys([*texts, *(text for text in left_out if text)]))
    embedded = dict(zip(needed, encoder.embed_texts(needed), strict=True)) if needed else {}

    def score(words_of: Sequence[str]) -> float:
        parts = [t.sign * t.weight * embedded[text] for t, text in zip(with_text, words_of, strict=True) if text]
        return float(unit(np.sum(parts, axis=0)) @ vector) if parts else 0.0

    whole, shares = score(texts), []
    for at, text in enumerate(texts):
        words = text.split()[:MOST_WORDS]
        without = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))]
        scores = [score([*texts[:at], rest, *texts[at + 1 :]]) for rest in without]
        shares.append([WordShare(word, whole - s) for word, s in zip(words, scores, strict=True)])
    return shares


def heat_map(image: Image.Image, query: NDArray[np.floating], encoder: Encoder) -> NDArray[np.float32]:
    """[GRID, GRID]: how much of the score of query [dim] each part of the image carries, most is 1; of several
    queries [K, dim], [K, GRID, GRID].

    The part is covered with the image's mean colour and the fall of the cosine is spread over what
    was covered; parts without which the score rises are 0. All 0 if no part matters.
    """
    rgb = np.asarray(image.convert("RGB"))
    height, width = rgb.shape[:2]
    grey = rgb.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    boxes = [_box(i, j, height, width) for i in range(GRID) for j in range(GRID)]
    covered = []
    for top, bottom, left, right in boxes:
        copy = rgb.copy()
        copy[top:bottom, left:right] = grey
        covered.append(Image.fromarray(copy))
    vectors = encoder.embed_images([image, *covered])
    falls = np.maximum((vectors[0] - vectors[1:]) @ np.atleast_2d(query).T, 0.0)  # [boxes, K]
    heat, times = np.zeros((GRID, GRID, falls.shape[1])), np.zeros((GRID, GRID, 1))
    rows, columns = (np.arange(GRID) + 0.5) * height / GRID, (np.arange(GRID) + 0.5) * width / GRID
    for fall, (top, bottom, left, right) in zip(falls, boxes, strict=True):
        inside = np.ix_((rows >= top) & (rows < bottom), (columns >= left) & (columns < right))
        heat[inside] += fall
        times[inside] += 1
    heat /= np.maximum(times, 1)
    most = heat.max(axis=(0, 1))
    maps = np.where(most > 1e-6, heat / np.maximum(most, 1e-6), 0).astype(np.float32).transpose(2, 0, 1)
    return maps[0] if query.ndim == 1 else maps


def _box(i: int, j: int, height: int, width: int) -> tuple[int, int, int, int]:
    """top, bottom, left and right of the cover at row i and column j, within the image."""
    sides = []
    for at, size in ((i, height), (j, width)):
        cover = max(1, round(COVER * size))
        start = round((at + 0.5) * size / GRID - cover / 2)
        sides += [max(0, start), min(size, start + cover)]
    return sides[0], sides[1], sides[2], sides[3]
