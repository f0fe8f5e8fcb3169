"""The vectors of a collection stay on disk: what a process has read of them is given back, and reads the same again."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from index.collection import Collection
from index.maintenance.importing import UnknownEncoder
from index.storage.writer import Writer

ROWS, DIM, SEGMENT = 24_000, 2048, 6_000  # 98 MB


def mapped_megabytes():
    """Pages of files that this process holds."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssFile")]
    return int(line.split()[1]) / 1024


def bytes_read():
    """What this process has had read from the disk."""
    [line] = [line for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("read_bytes")]
    return int(line.split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="pages are given back on Linux only")
def test_reading_all_vectors_takes_little_memory_and_gives_them_again(tmp_path, monkeypatch):
    monkeypatch.setattr("index.storage.mapping.RESIDENT", 4e6)
    vectors = (np.arange(ROWS * DIM, dtype=np.uint32) % 997).astype(np.float16).reshape(ROWS, DIM)
    with Writer(tmp_path / "c.gelato", UnknownEncoder(DIM)) as writer:
        for start in range(0, ROWS, SEGMENT):
            facts = {"source": "s", "width": 1, "height": 1, "bytes": 1, "caption": "", "stamp": ""}
            rows = [facts | {"id": f"{i:016x}", "path": str(i), "hash": f"{i:064x}"} for i in range(SEGMENT)]
            for row in rows:
                row["modified"] = np.datetime64(0, "s")
            writer.publish(rows, vectors[start : start + SEGMENT])
    for file in (tmp_path / "c.gelato/segments").glob("*/*"):
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    before = bytes_read()
    collection = Collection.open(tmp_path / "c.gelato")
    assert bytes_read() - before < 4e6, "opening reads no vectors"
    before = mapped_megabytes()
    for start in range(0, ROWS, 1000):
        assert np.array_equal(collection.vectors[start : start + 1000], vectors[start : start + 1000])
    assert mapped_megabytes() - before < 35
    rng = np.random.default_rng(1)
    for _ in range(300):
        some = rng.integers(0, ROWS, 8)
        assert np.array_equal(collection.vectors[some], vectors[some])
    assert mapped_megabytes() - before < 35
    every = rng.permutation(ROWS)
    assert np.array_equal(collection.vectors[every], vectors[every])
    assert mapped_megabytes() - before < 35, "pages are given back within one reading, too"
    held = collection.vectors[10:20]  # a view of what is given back meanwhile
    for _ in range(3):
        assert collection.vectors[:].shape == (ROWS, DIM)
    assert np.array_equal(held, vectors[10:20])
