"""The embeddings of a collection and its rows: as plain arrays, or in clip-retrieval's layout."""

import io
import shutil
from pathlib import Path

import numpy as np

from index.collection import Collection
from index.storage.items import with_storable_types
from training.models.atomic import flush_folder, write_file

PART = 1_000_000  # rows of one file in clip-retrieval's layout, which it also writes by default
CHUNK = 10_000


def export_embeddings(collection: Collection, out: Path, layout: str) -> list[str]:
    """Write embeddings and rows to the new folder out. layout: npy or clip-retrieval. The files, relative to out.

    Appears whole or not at all. OSError if it cannot be written.
    """
    beside = out.with_name(f".{out.name}.exporting")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        (_plain if layout == "npy" else _clip_retrieval)(collection, beside)
        beside.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    flush_folder(out.parent)
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def _plain(collection: Collection, folder: Path) -> None:
    _vectors(collection, folder / "vectors.npy", 0, len(collection))
    _items(collection, folder / "items.parquet", 0, len(collection), {})


def _clip_retrieval(collection: Collection, folder: Path) -> None:
    parts = max(1, -(-len(collection) // PART))
    digits = len(str(parts - 1))
    for place in ("img_emb", "metadata"):
        (folder / place).mkdir()
    for part in range(parts):
        rows = part * PART, min((part + 1) * PART, len(collection))
        _vectors(collection, folder / f"img_emb/img_emb_{part:0{digits}d}.npy", *rows)
        _items(collection, folder / f"metadata/metadata_{part:0{digits}d}.parquet", *rows, {"path": "image_path"})


def _vectors(collection: Collection, path: Path, first: int, last: int) -> None:
    """Rows first to last as float16, a chunk in memory at a time."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f2", "fortran_order": False, "shape": (last - first, collection.dim)}
    )

    def write(out: io.BufferedIOBase) -> None:
        out.write(head.getvalue())
        for start in range(first, last, CHUNK):
            rows = collection.vectors[start : min(start + CHUNK, last)]
            out.write(np.ascontiguousarray(rows, "<f2").tobytes())

    write_file(path, write)  # type: ignore[arg-type]


def _items(collection: Collection, path: Path, first: int, last: int, names: dict[str, str]) -> None:
    rows = with_storable_types(collection.items.iloc[first:last]).rename(columns=names)
    write_file(path, lambda out: rows.to_parquet(out, index=False))
