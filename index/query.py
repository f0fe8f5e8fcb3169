"""What a person asks for: words and images, wanted or unwanted, as one vector."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from index.collection import Collection
from training.models.encoder import Encoder, unit
from training.models.errors import UserError

SIGN = re.compile(r"(?:^|\s)([+\-−–])\s+")  # a sign stands apart, so that "t-shirt" stays one word
WEIGHT = re.compile(r"(\d+(?:\.\d+)?):\s*(?=\S)")


@dataclass(frozen=True)
class Term:
    """One thing wanted (sign 1) or unwanted (sign -1): words, the id of an image that is like it, or an image."""

    sign: int = 1
    weight: float = 1.0
    words: str | None = None
    like: str | None = None
    image: Image.Image | None = None


def parse_query(text: str) -> list[Term]:
    """`2:golden retriever + pool - people` as terms; without signs, one term.

    A sign is a + or - with a space after it, and before it unless it opens the query. A weight is a
    number and a colon before the words.
    """
    parts = SIGN.split(text.strip())
    signed = [("+", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]
    terms = []
    for sign, words in signed:
        words = words.strip()
        match = WEIGHT.match(words)
        weight = float(match.group(1)) if match else 1.0
        words = words[match.end() :] if match else words
        if words:
            terms.append(Term(1 if sign == "+" else -1, weight, words))
    return terms


def format_query(terms: Sequence[Term]) -> str:
    """The words among terms as `parse_query` reads them."""
    text = ""
    for term in terms:
        if term.words:
            weight = "" if term.weight == 1 else f"{term.weight:g}:"
            sign = "+ " if term.sign > 0 and text else "" if term.sign > 0 else "- "
            text += f"{' ' if text else ''}{sign}{weight}{term.words}"
    return text


def embed_query(terms: Sequence[Term], collection: Collection, encoder: Encoder) -> NDArray[np.float32]:
    """[dim], unit length: each term's unit vector by its sign and weight, summed and renormalised.

    UserError if there are no terms, an image asked for is not in the collection, or the terms cancel out.
    """
    if not terms:
        raise UserError("There is nothing to search for; give some words or an image.")
    phrases = [term.words for term in terms if term.words]
    texts = iter(encoder.embed_texts(phrases)) if phrases else iter(())
    total = np.zeros(collection.dim, np.float32)
    for term in terms:
        if term.words:
            vector = next(texts)
        elif term.like is not None:
            try:
                vector = unit(collection.vector(term.like))
            except KeyError as error:
                raise UserError(f"There is no image {term.like} in {collection.name}; it may be gone.") from error
        elif term.image is not None:
            vector = encoder.embed_images([term.image])[0]
        else:
            raise ValueError("a term holds words, an id or an image")
        total += term.sign * term.weight * vector
    if np.linalg.norm(total) < 1e-6:
        raise UserError("What is wanted and what is not wanted cancel out; leave one of them away.")
    return unit(total)
