"""BM25 over what is written about images: file and folder names, captions, titles, keywords, descriptions.

Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond"; several fields as in their
section 3.6: a word counts once for each field that has it, times the field's weight.

    text.arrow   derived from the segments, memory-mapped: for each word, by its hash, its rows and their weights

A search reads the rows of its words and no others: a millisecond at 100,000 images. (SQLite's FTS5 scores each row that
has a word by itself, 100 ms for a word of every caption. bm25s holds its vocabulary in memory, and every file name is
a word.)
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from index.collection import Collection
from index.retrieval.tokenization import document_words, sequence
from index.storage.arrow_files import read_arrow, write_arrow
from index.storage.layout import TEXT_INDEX
from index.storage.mapping import mapped
from training.models.formats import IMAGES

FORMAT = 3  # of the file and of the words: an index of another one is made again
FIELDS = {"caption": 1.0, "title": 1.0, "keywords": 1.0, "people": 1.0, "description": 0.5}  # by column
WHOLES = ("caption", "title")  # of them, those that a whole query may be
NAME, FOLDERS = 1.0, 1.0  # weights of the name of the file and of the folders above it
SATURATION, LENGTH = 1.2, 0.3  # BM25's k1 and b: a long caption is no worse than a short one
CHUNK = 10_000  # rows at a time
ARRAYS = ("hashes", "starts", "rows", "weights")
WHOLE = "="  # before the letters of a whole name, caption or title, which are found by that alone too


@dataclass(frozen=True)
class TextIndex:
    """The words of a collection's images.

    hashes: [V] uint64, sorted, one a word. starts: [V + 1], where the rows of each word begin in rows and weights [P].
    images: how many the collection has.
    """

    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]
    rows: NDArray[np.uint32]
    weights: NDArray[np.float16]
    images: int

    def find(self, word: str) -> tuple[NDArray[np.uint32], NDArray[np.float16]]:
        """The rows of a word in order, and its weight in each."""
        hash = np.uint64(_hash(word))
        at = int(np.searchsorted(self.hashes, hash))
        if at == len(self.hashes) or self.hashes[at] != hash:
            return self.rows[:0], self.weights[:0]
        inside = slice(int(self.starts[at]), int(self.starts[at + 1]))
        return self.rows[inside], self.weights[inside]

    def whole(self, text: str) -> NDArray[np.uint32]:
        """The rows whose file name, caption or title is text, whatever its case, accents and punctuation."""
        return self.find(WHOLE + letters)[0] if (letters := sequence(without_ending(text))) else self.rows[:0]


def save_text_index(collection: Collection) -> None:
    """Make the index of a collection and store it in its folder, unless it is there already."""
    if load_text_index(collection) is not None:
        return
    index = make_text_index(collection)
    arrays = {name: getattr(index, name) for name in ARRAYS}
    columns = {name: pa.LargeListArray.from_arrays([0, array.size], pa.array(array)) for name, array in arrays.items()}
    write_arrow(collection.home / TEXT_INDEX, columns, FORMAT, collection.content)


def load_text_index(collection: Collection) -> TextIndex | None:
    """The index stored beside the collection, memory-mapped; None where it is missing, stale or broken."""
    try:
        return read_text_index(collection.home, collection.content, len(collection))
    except (OSError, ValueError, KeyError, TypeError, IndexError):  # pyarrow's are the first two
        return None


def read_text_index(folder: Path, revision: int, images: int) -> TextIndex | None:
    """The index stored in a folder; None where it is of another revision. OSError or ValueError if it is broken."""
    table = read_arrow(mapped(folder / TEXT_INDEX, replaced=True), FORMAT, revision)
    if table is None:
        return None
    hashes, starts, rows, weights = (table[name].chunk(0).values.to_numpy() for name in ARRAYS)
    if len(starts) != len(hashes) + 1 or not starts[-1] == len(rows) == len(weights):
        raise ValueError("its arrays do not belong together")
    return TextIndex(hashes, starts, rows, weights, images)


def make_text_index(collection: Collection) -> TextIndex:
    """The index of a collection as it is; about 3 s for 100,000 images."""
    fields = {name: weight for name, weight in FIELDS.items() if name in collection.columns}
    texts = collection.frame(["path", *fields])
    parts = [
        _postings(texts.iloc[start : start + CHUNK], fields, start) for start in range(0, max(len(texts), 1), CHUNK)
    ]
    hashes, rows, counts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    lengths = np.bincount(rows, weights=counts, minlength=len(texts))
    relative = lengths / max(float(lengths.mean()), 1e-9) if len(texts) else lengths
    weights = counts * (SATURATION + 1) / (counts + SATURATION * (1 - LENGTH + LENGTH * relative[rows]))
    order = np.lexsort((rows, hashes))
    hashes, first = np.unique(hashes[order], return_index=True)
    starts = np.append(first, len(order)).astype(np.int64)
    return TextIndex(hashes, starts, rows[order], weights[order].astype(np.float16), len(texts))


def _postings(
    texts: pd.DataFrame, fields: Mapping[str, float], start: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.float64]]:
    """Hash, row and weighted count of each word of each row; start: the number of the first row."""
    words: list[str] = []
    lengths: list[int] = []
    factors: list[float] = []

    def add(found: Sequence[str], weight: float) -> int:
        words.extend(found)
        factors.extend([weight] * len(found))
        return len(found)

    for path, *others in texts.itertuples(index=False):
        folders, _, name = str(path).replace("\\", "/").rpartition("/")
        stem = without_ending(name)
        count = add(document_words(stem), NAME) + add(document_words(folders), FOLDERS)
        count += add([WHOLE + sequence(stem)], 0.0)
        for (column, weight), cell in zip(fields.items(), others, strict=True):
            if isinstance(cell, str) and cell:
                count += add(document_words(cell), weight)
                if column in WHOLES:
                    count += add([WHOLE + sequence(line) for line in cell.splitlines()], 0.0)
        lengths.append(count)
    codes, vocabulary = pd.factorize(np.array(words, object))
    keys = np.repeat(np.arange(len(texts), dtype=np.int64), lengths) * max(len(vocabulary), 1) + codes
    unique, inverse = np.unique(keys, return_inverse=True)
    hashes = np.fromiter(map(_hash, vocabulary), np.uint64, len(vocabulary))
    counts = np.bincount(inverse, weights=factors, minlength=len(unique)).astype(np.float64)
    rows, codes = np.divmod(unique, max(len(vocabulary), 1))
    return hashes[codes], (rows + start).astype(np.uint32), counts


def without_ending(name: str) -> str:
    """The name of an image file without its ending."""
    return re.sub(r"\.\w+$", "", name) if name.lower().endswith(IMAGES) else name


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")
