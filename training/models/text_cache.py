"""Text embeddings cached on disk: a thousand classes by eighty templates take minutes to embed.

One small SQLite database for each encoder (fingerprint, runtime and precision); it can be deleted at any time.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Protocol

import numpy as np

from training.models.cache import cache_dir
from training.models.encoder import Encoder, Vectors

TIMEOUT = 2.0  # seconds that another process may hold the file
KEYS_AT_ONCE = 500  # in a query: SQLite takes no more than 999


class EncoderIdentity(Protocol):
    """What tells apart the vectors of encoders; the manifest of a collection has it as well."""

    @property
    def fingerprint(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def runtime(self) -> str: ...
    @property
    def precision(self) -> str: ...


def cached_embeddings(encoder: Encoder, keys: Sequence[str], embed: Callable[[list[int]], Vectors]) -> Vectors:
    """[len(keys), dim]: from the cache, or made by embed from the positions of the keys that are not there."""
    found = _read(encoder, keys) if encoder.cache_texts else {}
    missing = [i for i, key in enumerate(keys) if key not in found]
    if missing:
        made = embed(missing)
        found |= {keys[i]: vector for i, vector in zip(missing, made, strict=True)}
        if encoder.cache_texts:
            _write(encoder, {keys[i]: found[keys[i]] for i in missing})
    return np.stack([found[key] for key in keys])


def embed_texts_cached(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """`encoder.embed_texts(texts)`, each text embedded once on this machine."""
    return cached_embeddings(encoder, texts, lambda missing: encoder.embed_texts([texts[i] for i in missing]))


def cached_texts(encoder: EncoderIdentity, texts: Sequence[str]) -> Vectors | None:
    """The same if all of it is in the cache, else None; the encoder itself is not needed."""
    found = _read(encoder, texts)
    return np.stack([found[text] for text in texts]) if all(text in found for text in texts) else None


def _read(encoder: EncoderIdentity, keys: Sequence[str]) -> dict[str, Vectors]:
    names = {_name(key): key for key in keys}
    wanted = list(names)
    found: dict[str, Vectors] = {}
    with suppress(sqlite3.Error, OSError):  # whatever is wrong with it, the texts can be embedded again
        with closing(_open(encoder)) as store:
            for start in range(0, len(wanted), KEYS_AT_ONCE):
                some = wanted[start : start + KEYS_AT_ONCE]
                marks = ",".join("?" * len(some))
                for name, vector in store.execute(f"SELECT name, vector FROM texts WHERE name IN ({marks})", some):
                    if len(vector) == 4 * encoder.dim:
                        found[names[name]] = np.frombuffer(vector, np.float32)
    return found


def _write(encoder: EncoderIdentity, vectors: dict[str, Vectors]) -> None:
    rows = [(_name(key), np.asarray(vector, np.float32).tobytes()) for key, vector in vectors.items()]
    with suppress(sqlite3.Error, OSError):
        with closing(_open(encoder)) as store, store:
            store.executemany("INSERT OR REPLACE INTO texts VALUES (?, ?)", rows)


def _open(encoder: EncoderIdentity) -> sqlite3.Connection:
    path = cache_dir("texts") / f"{encoder.fingerprint}-{encoder.runtime}-{encoder.precision}.sqlite"
    store = sqlite3.connect(path, timeout=TIMEOUT)
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
