"""The segments that a publication writes: new rows, and those that stay of segments that lose some."""

import io
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from index.storage.items import with_storable_types
from index.storage.layout import Place
from index.storage.manifest import Manifest
from index.storage.segments import ITEMS, ROW_GROUP, VECTORS
from training.models.atomic import flush_folder, write_file


class NewSegments:
    """The segments of one publication, beside those that a manifest names. Nothing refers to them yet.

    folder: of all segments. checksums: as the next manifest has them. last: the highest number given so far.
    """

    def __init__(self, folder: Path, manifest: Manifest):
        self.folder, self.checksums, self.last = folder, dict(manifest.checksums), manifest.last_segment

    def write(self, items: pd.DataFrame, vectors: NDArray[np.floating]) -> tuple[str, int]:
        """A new segment, under a name that nothing refers to yet nor ever did."""
        self.last += 1
        name = f"{self.last:06d}"
        folder = self.folder / name
        if folder.exists():  # of a publication that failed
            shutil.rmtree(folder)
        folder.mkdir()
        sums = {}
        for file, write in (
            (VECTORS, lambda out: np.save(out, np.asarray(vectors, np.float16))),
            (ITEMS, lambda out: with_storable_types(items).to_parquet(out, index=False, row_group_size=ROW_GROUP)),
        ):
            held = io.BytesIO()
            write(held)
            sums[file] = sha256(held.getbuffer()).hexdigest()
            write_file(folder / file, lambda out, held=held: out.write(held.getbuffer()))  # type: ignore[misc]
        flush_folder(self.folder)
        self.checksums[name] = sums
        return name, len(items)


def rows_that_stay(folder: Path, gone: set[Place]) -> tuple[pd.DataFrame, NDArray[np.floating]] | None:
    """The rows and vectors of the segment in folder that are not gone, or None if all stay. ValueError if damaged."""
    paths = pq.read_table(folder / ITEMS, columns=["path"])["path"]
    if not pc.any(pc.is_in(paths, pa.array({path for _, path in gone}, paths.type))).as_py():
        return None
    items = pd.read_parquet(folder / ITEMS)
    keep = np.array([place not in gone for place in zip(items["source"], items["path"], strict=True)], bool)
    if keep.all():
        return None
    return items[keep], np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)[keep]
