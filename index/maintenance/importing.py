"""A collection out of vectors that another program made: clip-retrieval's folders, or an index of autofaiss."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from index.collection import Collection
from index.ingest.identities import Identities, Sighting
from index.ingest.perceptual import perceptual_hash
from index.ingest.pixel_hash import decoded_pixel_hash, pixel_hash
from index.ingest.rows import metadata_columns, utc_timestamp
from index.retrieval.derived import save_derived
from index.storage.errors import write_errors
from index.storage.items import escape_surrogates
from index.storage.layout import FAILURE_COLUMNS, NAME_IN_UTF8
from index.storage.writer import Writer
from index.thumbnails import SIDE, thumbnail
from training.data.folder import read_file
from training.data.metadata.columns import of_source, row_of
from training.data.metadata.embedded import embedded_columns
from training.data.source import CAPTION_COLUMNS, PATH_COLUMNS, first_column, text_of
from training.models.decoding import MOST_MEGAPIXELS, decode_image
from training.models.encoder import Encoder, unit
from training.models.encoders import UNKNOWN
from training.models.errors import UserError
from training.models.file_names import check_utf8
from training.models.formats import IMAGES
from training.models.preprocess import shrink_pixels

CHUNK = 10_000  # rows a segment
INDEXES = ("knn.index", "image.index")
NAMES = ("url", "key")  # what stands for a path where there is none


@dataclass(frozen=True)
class Imported:
    """What an import did, in rows. thumbnails: rows whose image was found on this machine."""

    images: int
    failed: int
    thumbnails: int
    encoder: str


class UnknownEncoder(Encoder):
    """Stands for what made vectors that came without its name: it can embed nothing."""

    name, reads_text, runtime, precision = UNKNOWN, False, "none", "none"
    image_size, logit_scale = 0, 1.0

    def __init__(self, dim: int):
        self.dim = dim
        self.fingerprint = sha256(f"{UNKNOWN} {dim}".encode()).hexdigest()[:16]

    def preprocess(self, image: Image.Image) -> NDArray[np.uint8]:
        raise UserError("What made the vectors of this collection is not known, so nothing more can be embedded.")

    def embed_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise ValueError("an unknown encoder prepares nothing")


def import_vectors(
    folder: Path,
    into: Path,
    encoder: Encoder | None,
    *,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Imported:
    """Make the collection at into, which must not exist, of the vectors in folder.

    folder: img_emb/*.npy and metadata/*.parquet as clip-retrieval writes them, or knn.index or image.index
    with metadata/ beside it. encoder: what made them; without it they can only be searched by vectors. Rows
    whose image lies here by its path get a thumbnail. UserError if the parts do not belong together.
    """
    check_utf8(into, NAME_IN_UTF8)
    if into.exists():
        raise UserError(f"{into} exists; name a new folder with --into.")
    parts = _parts(folder)
    dim, total = parts[0][0].shape[1], sum(len(vectors) for vectors, _ in parts)
    if encoder is not None and encoder.dim != dim:
        raise UserError(f"The vectors of {folder} have {dim} numbers and those of {encoder.name} {encoder.dim}.")
    maker = encoder or UnknownEncoder(dim)
    name = str(folder.resolve())
    failures: list[dict[str, str]] = []
    done = thumbnails = 0
    with Writer(into, maker) as writer, Identities(into) as identities:
        for vectors, metadata in parts:
            for start, rows in _chunks(metadata, len(vectors)):
                facts, kept = [], []
                for row, vector in zip(rows, np.asarray(vectors[start : start + len(rows)], np.float32), strict=True):
                    path = _path(row, done)
                    done += 1
                    if not np.isfinite(vector).all() or not np.linalg.norm(vector):
                        reason = "its embedding is zero or not finite"
                        failures.append({"source": name, "path": path, "kind": "unreadable", "reason": reason})
                        continue
                    fact, thumbnail = _facts(name, path, row, identities)
                    if thumbnail:
                        writer.thumbnail(fact["id"], thumbnail)
                        thumbnails += 1
                    facts.append(fact)
                    kept.append(vector)
                identities.store()
                writer.publish(facts, unit(np.array(kept)) if kept else np.zeros((0, dim), np.float32))
                progress(done, total)
        writer.publish([], np.zeros((0, dim)), failures=pd.DataFrame(failures, columns=list(FAILURE_COLUMNS)))
        now = Collection.open(into)
        with write_errors(into):
            save_derived(now)
    return Imported(len(now), len(failures), thumbnails, maker.name)


def _parts(folder: Path) -> list[tuple[Any, Path | None]]:
    """Vectors [N, dim] of each part, on disk until they are read, with the file of its rows."""
    rows = sorted((folder / "metadata").glob("*.parquet"), key=_number)
    arrays = sorted((folder / "img_emb").glob("*.npy"), key=_number) or sorted(folder.glob("*.npy"), key=_number)
    try:
        found: list[Any] = [np.load(path, mmap_mode="r", allow_pickle=False) for path in arrays]
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} holds a .npy file that cannot be read: {error}.") from error
    index = next((folder / name for name in INDEXES if (folder / name).is_file()), None)
    if not found and index is not None:
        found = [_reconstructed(index)]
    if not found:
        raise UserError(f"{folder} holds no vectors: neither img_emb/*.npy nor {' nor '.join(INDEXES)}.")
    if any(part.ndim != 2 or part.shape[1] != found[0].shape[1] for part in found):
        raise UserError(f"{folder} holds arrays of different widths; they are not of one encoder.")
    if rows and len(rows) != len(found):
        if len(found) > 1:
            raise UserError(f"{folder} has {len(found)} files of vectors and {len(rows)} of metadata.")
        ends = np.cumsum([pq.ParquetFile(path).metadata.num_rows for path in rows])
        found = np.split(found[0], ends[:-1])
    of_rows: list[Path | None] = [*rows] if rows else [None] * len(found)
    return list(zip(found, of_rows, strict=True))


def _number(path: Path) -> tuple[int, str]:
    """Parts by their number, whether or not it is padded."""
    digits = re.findall(r"\d+", path.stem)
    return (int(digits[-1]) if digits else 0, path.name)


def _reconstructed(index: Path) -> NDArray[np.float32]:
    """The vectors inside a FAISS index. UserError for one that keeps only codes of them."""
    import faiss

    try:
        held = faiss.read_index(str(index))
        kind = type(faiss.downcast_index(held)).__name__
        if "PQ" in kind or "LSH" in kind or "RaBitQ" in kind:
            raise UserError(f"{index} keeps only codes of its vectors; import the .npy files that it was made of.")
        inner = faiss.extract_index_ivf(held) if "IVF" in kind else None
        if inner is not None:
            inner.make_direct_map()
        return held.reconstruct_n(0, held.ntotal)
    except RuntimeError as error:
        why = str(error).splitlines()[0][:200]
        raise UserError(f"{index} gives no vectors back ({why}); import the .npy files it was made of.") from error


def _chunks(metadata: Path | None, count: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The rows of a part, a chunk at a time, each chunk with where it begins."""
    if metadata is None:
        for start in range(0, count, CHUNK):
            yield start, [{}] * min(CHUNK, count - start)
        return
    try:
        file = pq.ParquetFile(metadata)
        if file.metadata.num_rows != count:
            raise UserError(f"{metadata} has {file.metadata.num_rows:,} rows for {count:,} vectors.")
        start = 0
        for batch in file.iter_batches(CHUNK):
            rows = batch.to_pylist()
            yield start, rows
            start += len(rows)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{metadata} cannot be read as parquet: {str(error).splitlines()[0]}.") from error


def _path(row: dict[str, Any], number: int) -> str:
    column = first_column((*PATH_COLUMNS, *NAMES), list(row))
    return escape_surrogates(text_of(row[column])) if column and text_of(row[column]) else f"{number:09d}"


def _facts(source: str, path: str, row: dict[str, Any], identities: Identities) -> tuple[dict[str, Any], bytes]:
    """A row of items and its thumbnail, empty where the image is not on this machine."""
    measured: dict[str, Any] = {"width": 0, "height": 0, "bytes": 0, "modified": utc_timestamp(0)}
    content, webp, exif = sha256(f"{source}\n{path}".encode()).hexdigest(), b"", {}
    pixels = ""
    seen = Sighting((source, path), content)
    try:
        if path.lower().endswith(IMAGES) and "\0" not in path:
            data = read_file(Path(path))
            image = decode_image(data, min_side=SIDE)
            small = shrink_pixels(image.pixels, SIDE)
            shown = pixel_hash(data) or decoded_pixel_hash(data, image, MOST_MEGAPIXELS)
            content, webp, exif = sha256(data).hexdigest(), thumbnail(small), embedded_columns(data)
            seen = Sighting((source, path), content, shown.coded, perceptual_hash(small))
            pixels = str(shown)
            size = {"width": image.width, "height": image.height, "bytes": len(data)}
            measured = {**size, "modified": utc_timestamp(Path(path).stat().st_mtime)}
    except (OSError, UserError):
        pass  # it lies elsewhere, or was lost: its vector can be searched all the same
    caption = first_column(CAPTION_COLUMNS, list(row))
    facts = {"id": identities.image_of(seen), "source": source, "path": path, **measured, "hash": content}
    facts |= {
        "caption": escape_surrogates(text_of(row[caption])) if caption else "",
        "stamp": "imported",
        "pixel_hash": pixels,
    }
    others = metadata_columns({name: value for name, value in row.items() if name != caption})
    return facts | row_of(of_source(others), exif), webp
