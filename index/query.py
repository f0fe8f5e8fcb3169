"""A query: texts and images, wanted or unwanted, combined into one vector."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from index.collection import Collection
from training.models.encoder import Encoder, unit
from training.models.errors import UserError
from training.models.file_names import file_name, folded
from training.models.formats import IMAGES

SIGN = re.compile(r"(?<!\S)([+\-−–])(?=\s+\S)")  # a sign stands apart, so that "t-shirt" and "-5 °C" are text
WEIGHT = re.compile(r"([0-9]+(?:\.[0-9]+)?):(?![0-9])\s*(?=\S)")  # before a digit it is a ratio or a time
LEAST_WEIGHT, MOST_WEIGHT = 0.1, 10.0  # what is no such weight is text: "1984: a novel"


@dataclass(frozen=True)
class Term:
    """One part of a query, wanted (sign 1) or unwanted (sign -1).

    Exactly one of: text; image_id, an image of the collection; image_bytes, an image file, which is embedded as a
    build embeds it; image, of pixels alone; vector [dim], of unit length.
    """

    sign: int = 1
    weight: float = 1.0
    text: str | None = None
    image_id: str | None = None
    image_bytes: bytes | None = None
    image: Image.Image | None = None
    vector: NDArray[np.float32] | None = None

    @property
    def needs_encoder(self) -> bool:
        return self.text is not None or self.image_bytes is not None or self.image is not None


class Embeddings(Protocol):
    """What a query needs of the place where it is asked: a collection, or a database."""

    name: str
    dim: int

    @property
    def max_megapixels(self) -> float: ...

    def vector(self, id: str) -> NDArray[np.float32]: ...


def parse_query(text: str) -> list[Term]:
    """`2:golden retriever + pool - people` as terms; without signs, one term.

    A sign is a + or - before a text, with spaces around it. A weight is a number from LEAST_WEIGHT to
    MOST_WEIGHT and a colon before the text; `16:9 monitor`, `3:00 pm` and `2001: a space odyssey` have none.
    """
    parts = SIGN.split(text)
    signed = [("+", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]
    terms = []
    for sign, part in signed:
        part = part.strip()
        match = WEIGHT.match(part)
        if match and not LEAST_WEIGHT <= float(match.group(1)) <= MOST_WEIGHT:
            match = None
        weight = float(match.group(1)) if match else 1.0
        part = part[match.end() :] if match else part
        if part:
            terms.append(Term(1 if sign == "+" else -1, weight, text=part))
    return terms


def signed_name(text: str) -> tuple[int, str]:
    """The sign and the name of an image: a minus before the name means unwanted."""
    return (-1, text[1:]) if text.startswith("-") else (1, text)


def with_file_names(terms: Sequence[Term], collection: Collection) -> list[Term]:
    """terms, each text that is the name of an image file of the collection replaced by that image."""
    return [_by_file_name(term, collection) for term in terms]


def _by_file_name(term: Term, collection: Collection) -> Term:
    if term.text is None or not term.text.lower().endswith(IMAGES):
        return term
    id = _id_of_file_name(collection, folded(term.text))
    return term if id is None else Term(term.sign, term.weight, image_id=id)


def _id_of_file_name(collection: Collection, wanted: str) -> str | None:
    """The id of the first image of a file name, which is folded; None if there is none."""
    hashes: NDArray[np.int64] = collection.derived("hashes of file names", lambda: _hashes_of_file_names(collection))
    for row in np.flatnonzero(hashes == hash(wanted)).tolist():
        if folded(file_name(str(collection.column("path").iat[row]))) == wanted:
            return str(collection.column("id").iat[row])
    return None


def _hashes_of_file_names(collection: Collection) -> NDArray[np.int64]:
    """Of each image, without regard to case and Unicode form, [N]: the names themselves take ten times the memory."""
    paths = collection.column("path")
    return np.fromiter((hash(folded(file_name(str(path)))) for path in paths), np.int64, len(paths))


def embed_query(terms: Sequence[Term], collection: Embeddings, encoder: Encoder | None) -> NDArray[np.float32]:
    """[dim], unit length: the sum of the terms' unit vectors, each times its sign and weight, normalised.

    encoder may be None if no term needs it. UserError if there are no terms, an image is not in the
    collection, or the terms cancel out.
    """
    if not terms:
        raise UserError("There is nothing to search for; give a text or an image.")
    texts = [term.text for term in terms if term.text is not None]
    embedded = iter(_required(encoder).embed_texts(texts)) if texts else iter(())
    total = np.zeros(collection.dim, np.float32)
    for term in terms:
        vector = next(embedded) if term.text is not None else _image_vector(term, collection, encoder)
        total += term.sign * term.weight * vector
    if np.linalg.norm(total) < 1e-6:
        raise UserError("The wanted and the unwanted terms cancel out; remove one of them.")
    return unit(total)


def _image_vector(term: Term, collection: Embeddings, encoder: Encoder | None) -> NDArray[np.float32]:
    """[dim], unit length, of a term that is not a text."""
    if term.image_id is not None:
        try:
            return unit(collection.vector(term.image_id))
        except KeyError as error:
            raise UserError(f"There is no image {term.image_id} in {collection.name}; it may be gone.") from error
    if term.image_bytes is not None:
        from training.data.pipeline import embed_bytes  # a query of text alone needs no decoder

        return embed_bytes(term.image_bytes, _required(encoder), collection.max_megapixels)
    if term.image is not None:
        return _required(encoder).embed_images([term.image])[0]
    if term.vector is None:
        raise ValueError("a term has a text, an image or a vector")
    if term.vector.shape != (collection.dim,):
        shape = list(term.vector.shape)
        raise UserError(f"The vector has the shape {shape}; those of {collection.name} have {collection.dim} numbers.")
    return term.vector


def _required(encoder: Encoder | None) -> Encoder:
    if encoder is None:
        raise ValueError("texts and images need an encoder")
    return encoder
