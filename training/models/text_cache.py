"""What an encoder made of words, kept on disk: a thousand classes by eighty templates take minutes to embed.

One small database for each encoder (fingerprint, runtime and precision) in the cache; it can be deleted at any time.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Protocol

import numpy as np

from training.models.cache import cache_dir
from training.models.encoder import Encoder, Vectors

PATIENCE = 2.0  # seconds that another process may hold the file
MANY = 500  # keys a query: SQLite takes no more than 999


class Known(Protocol):
    """What names an encoder's vectors; the manifest of a collection has it as well."""

    @property
    def fingerprint(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def runtime(self) -> str: ...
    @property
    def precision(self) -> str: ...


def remembered(encoder: Encoder, keys: Sequence[str], embed: Callable[[list[int]], Vectors]) -> Vectors:
    """[len(keys), dim]: from the cache, or made by embed from the positions of the keys that are not there."""
    found = _read(encoder, keys) if encoder.remembers else {}
    missing = [i for i, key in enumerate(keys) if key not in found]
    if missing:
        made = embed(missing)
        found |= {keys[i]: vector for i, vector in zip(missing, made, strict=True)}
        if encoder.remembers:
            _write(encoder, {keys[i]: found[keys[i]] for i in missing})
    return np.stack([found[key] for key in keys])


def remembered_texts(encoder: Encoder, phrases: Sequence[str]) -> Vectors:
    """`encoder.embed_texts(phrases)`, each phrase embedded once on this machine."""
    return remembered(encoder, phrases, lambda missing: encoder.embed_texts([phrases[i] for i in missing]))


def known_texts(encoder: Known, phrases: Sequence[str]) -> Vectors | None:
    """The same if all of it is in the cache, else None; the encoder itself is not needed."""
    found = _read(encoder, phrases)
    return np.stack([found[phrase] for phrase in phrases]) if all(phrase in found for phrase in phrases) else None


def _read(encoder: Known, keys: Sequence[str]) -> dict[str, Vectors]:
    names = {_name(key): key for key in keys}
    wanted = list(names)
    found: dict[str, Vectors] = {}
    with suppress(sqlite3.Error, OSError):  # whatever is wrong with it, the words can be embedded again
        with closing(_open(encoder)) as store:
            for start in range(0, len(wanted), MANY):
                some = wanted[start : start + MANY]
                marks = ",".join("?" * len(some))
                for name, vector in store.execute(f"SELECT name, vector FROM texts WHERE name IN ({marks})", some):
                    if len(vector) == 4 * encoder.dim:
                        found[names[name]] = np.frombuffer(vector, np.float32)
    return found


def _write(encoder: Known, vectors: dict[str, Vectors]) -> None:
    rows = [(_name(key), np.asarray(vector, np.float32).tobytes()) for key, vector in vectors.items()]
    with suppress(sqlite3.Error, OSError):
        with closing(_open(encoder)) as store, store:
            store.executemany("INSERT OR REPLACE INTO texts VALUES (?, ?)", rows)


def _open(encoder: Known) -> sqlite3.Connection:
    path = cache_dir("texts") / f"{encoder.fingerprint}-{encoder.runtime}-{encoder.precision}.sqlite"
    store = sqlite3.connect(path, timeout=PATIENCE)
    try:
        store.execute("CREATE TABLE IF NOT EXISTS texts (name BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
    except sqlite3.DatabaseError:
        store.close()
        with suppress(OSError):
            path.unlink()
        raise
    return store


def _name(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:16]
