"""The different contents of a collection: files that are one by their hashes are one content, shown by its best row."""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from index.collection import Collection
from index.ingest.perceptual import LEAST_CONTRAST, LENGTH, perceptual_hash, unpacked
from index.storage.annotations import reading
from index.storage.layout import thumbnail_path


@dataclass(frozen=True)
class Contents:
    """M contents. of: the content of each row, [N]. best: the row that shows each, [M]; contents are in the order of
    quality, the best first."""

    of: NDArray[np.int32]
    best: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.best)


@dataclass(frozen=True)
class Looks:
    """How contents look by their perceptual hashes. frequencies: [M, 63], unit rows. colours: [M, 48] of 4 x 4 cells.

    known: which contents have a hash, and details enough to tell them from others, [M]; rows of others are zero.
    """

    frequencies: NDArray[np.float32]
    colours: NDArray[np.uint8]
    known: NDArray[np.bool_]


def contents_of(collection: Collection, places: NDArray[np.int32]) -> Contents:
    """The contents of a collection. places: of each row in the order of quality. One image id is one content too."""
    hashes = _hashes(collection)
    labels = pd.factorize(hashes["hash"])[0].astype(np.int64)
    labels = _joined(labels, hashes["coded"])
    order = np.argsort(places, kind="stable")
    codes, first = pd.factorize(labels[order])
    of = np.empty(len(labels), np.int32)
    of[order] = codes
    best = np.full(len(first), -1, np.int32)
    best[codes[::-1]] = order[::-1]  # the first of each content is written last
    return Contents(of, best)


def looks_of(collection: Collection, contents: Contents) -> Looks:
    """How the best row of each content looks: as its build stored it, else by its thumbnail."""
    count = len(contents)
    frequencies, colours = np.zeros((count, 63), np.float32), np.zeros((count, 48), np.uint8)
    known = np.zeros(count, bool)
    stored = _stored(collection)
    coded, ids = _hashes(collection)["coded"].tolist(), collection.column("id")
    for content, row in enumerate(contents.best.tolist()):
        code = stored.get(coded[row]) or _of_thumbnail(collection, str(ids.iat[row]))
        if code is None or len(code) != LENGTH:
            continue
        waves, cells = unpacked(code)
        length = float(np.linalg.norm(waves))
        if length >= LEAST_CONTRAST:  # of even surfaces nothing tells one from another
            frequencies[content], colours[content], known[content] = waves / length, cells, True
    return Looks(frequencies, colours, known)


def _hashes(collection: Collection) -> pd.DataFrame:
    table = collection.frame(["hash", "pixel_hash"])
    coded = [text.partition("/")[0] if isinstance(text, str) else "" for text in table["pixel_hash"]]
    return table.assign(coded=coded)


def _joined(labels: NDArray[np.int64], coded: pd.Series) -> NDArray[np.int64]:
    """labels of files, of which those with one pixel hash become one."""
    with_code = (coded != "").to_numpy()
    by_code = pd.Series(labels)
    by_code[with_code] = by_code[with_code].groupby(coded[with_code]).transform("min")
    return by_code.groupby(labels).transform("min").to_numpy(np.int64)  # a copy whose pixels were never hashed follows


def _stored(collection: Collection) -> dict[str, bytes]:
    """Perceptual hashes by pixel hash."""
    with suppress(sqlite3.Error), reading(collection.path) as connection:
        if connection is not None:
            return dict(connection.execute("SELECT hash, perceptual FROM pixels WHERE perceptual IS NOT NULL"))
    return {}


def _of_thumbnail(collection: Collection, id: str) -> bytes | None:
    with suppress(OSError, ValueError), Image.open(thumbnail_path(collection.path, id)) as thumbnail:
        return perceptual_hash(np.asarray(thumbnail.convert("RGB")))
    return None
