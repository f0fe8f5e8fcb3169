"""Shuffling within windows reads a row group, or a piece of a shard, about once an epoch, and resumes exactly."""

import io
import shutil
import tarfile

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.samples import SMALL_TOWERS, noise_image
from training.data import blocks, shard_index, tar_items
from training.data.config import DataConfig
from training.data.dataset import ImageDataset
from training.data.remote import RemotePath
from training.data.tables.parquet_rows import ParquetRows
from training.engine.checkpoint import checkpoints
from training.models.errors import UserError
from training.models.tower_configs import TINY
from training.pretrain import begin, resume
from training.resuming import Changes

COUNT, GROUP = 60, 5
RUN = {"batch_size": 6, "steps": 10, "workers": 0, "log_every": 5, "checkpoint_every": 5, "device": "cpu"}


def png(number: int) -> bytes:
    held = io.BytesIO()
    noise_image(number).save(held, "PNG")
    return held.getvalue()


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    """Images in twelve row groups of two files."""
    folder = tmp_path_factory.mktemp("rows")
    for part in range(2):
        images = [png(number) for number in range(part * COUNT // 2, (part + 1) * COUNT // 2)]
        pq.write_table(pa.table({"image": images}), folder / f"{part}.parquet", row_group_size=GROUP)
    return folder


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)
    yield
    blocks.HELD.clear()
    blocks.HELD.capacity = blocks.IN_ORDER


def config(place, **more) -> DataConfig:
    return DataConfig(data=(str(place),), tower="tiny", cache=0, **more)


def test_an_epoch_reads_each_row_group_once(parquet, monkeypatch):
    read, reads = ParquetRows._read_group, []

    def counted(self, image, group):
        reads.append((self.file, group))
        return read(self, image, group)

    monkeypatch.setattr(ParquetRows, "_read_group", counted)
    begin(None, "simclr", config(parquet, shuffle_window=15, canvas=32), RUN, {}, quiet=True)
    assert len(reads) == len(set(reads)) == COUNT // GROUP


def test_a_run_with_windows_resumes_to_the_same_bits_with_other_workers(parquet, tmp_path):
    whole = begin(tmp_path / "run", "simclr", config(parquet, shuffle_window=15), RUN, {}, quiet=True)
    shutil.rmtree(checkpoints(tmp_path / "run")[-1])
    again = resume(tmp_path / "run", quiet=True, changes=Changes(workers=2))
    pairs = zip(whole.method.parameters(), again.method.parameters(), strict=True)
    assert again.step == 10 and all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(
    "asked, most, window", [(None, 0, 40), (None, 1 << 30, 0), (0, 0, 0), (20, 1 << 30, 20), (60, 0, 0), (100, 0, 0)]
)
def test_windows_are_the_default_for_parquet_files_that_the_cache_does_not_hold(
    parquet, monkeypatch, asked, most, window
):
    monkeypatch.setattr("training.data.dataset.WINDOW", 40)
    assert ImageDataset([str(parquet)], 32).window(asked, most) == window


def test_folders_are_shuffled_as_a_whole_by_default(captioned):
    assert ImageDataset([str(captioned)], 32).window(None, 0) == 0
    with pytest.raises(UserError, match="shuffle_window is -1"):
        config(captioned, shuffle_window=-1)


@pytest.mark.parametrize("indexed", [False, True])
def test_shards_at_an_address_are_read_in_pieces_within_windows(monkeypatch, indexed):
    store = fsspec.filesystem("memory")
    for shard in range(3):
        held = io.BytesIO()
        with tarfile.open(fileobj=held, mode="w") as tar:
            for number in range(20):
                data = png(shard * 20 + number)
                info = tarfile.TarInfo(f"{number:03}.png")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        store.pipe(f"/windows-{indexed}/{shard}.tar", held.getvalue())
    monkeypatch.setattr(shard_index, "MANY", 2 if indexed else 100)
    for module in (blocks, shard_index, tar_items):
        monkeypatch.setattr(module, "PIECE", 1 << 14)
    monkeypatch.setattr(blocks, "OVERLAP", 1 << 14)
    images = ImageDataset([f"memory://windows-{indexed}/{{0..2}}.tar"], 32)
    expected = [images.whole(number).pixels for number in range(len(images))]
    ends = images.parts[0].block_ends()
    assert 3 < len(ends) < 40 and ends[-1] == 60
    fetch, fetches = RemotePath._fetch, []

    def counted(self, offset, size):
        fetches.append((self.url, offset))
        return fetch(self, offset, size)

    monkeypatch.setattr(RemotePath, "_fetch", counted)
    images.parts_held = 100
    images.read_ahead(np.arange(60))
    assert len(fetches) == len(set(fetches)) == len(ends), indexed
    assert all(np.array_equal(images.whole(number).pixels, expected[number]) for number in range(60))
    assert len(fetches) == len(ends)  # nothing is read one by one afterwards
