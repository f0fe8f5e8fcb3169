"""Images a second of shuffled reading from a large parquet file and from shards, beside reading in order.

python -m benchmarks.shuffling [--images 100000] [--latency 0.05] [--seconds 20] [--work FOLDER]

Local files, and the same files behind a store that waits for `latency` seconds at each request, as S3 does. Each kind
of order reads for some seconds in turn, in batches of 256 by one process, those in order reading ahead too. Images
are decoded and resized to 224 pixels. --work keeps the files for the next call; --prepare makes them and measures
nothing.
"""

import argparse
import io
import json
import os
import tarfile
import tempfile
import time
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem
from PIL import Image

from training.data import blocks
from training.data.dataset import ImageDataset
from training.data.sampler import Sampler

RESULTS = Path(__file__).parent / "results/shuffling.json"
BATCH, CANVAS, DISTINCT, TURNS = 256, 224, 200, 3
A_BATCH_SPANS = 8  # row groups of a batch in order, and some
WINDOWS = {"in order": None, "windows of 2,048": 2048, "all": 0}


class SlowStore(LocalFileSystem):
    """Local files, each request of which waits."""

    protocol = "slow"
    latency = 0.0
    requests = 0

    @classmethod
    def wait(cls) -> None:
        cls.requests += 1
        time.sleep(cls.latency)

    def cat_file(self, *arguments, **named):
        self.wait()
        return super().cat_file(*arguments, **named)

    def _open(self, path, mode="rb", **named):
        return SlowFile(path)


class SlowFile(io.FileIO):
    """A file, each read of which waits."""

    def read(self, size=-1):
        SlowStore.wait()
        return super().read(size)


def jpegs() -> list[bytes]:
    """Some photo-like images of 256 pixels."""
    made, random = [], np.random.default_rng(0)
    for _ in range(DISTINCT):
        low = Image.fromarray(random.integers(0, 256, (24, 32, 3), np.uint8)).resize(
            (341, 256), Image.Resampling.BICUBIC
        )
        held = io.BytesIO()
        low.resize((341, 256), Image.Resampling.BICUBIC).save(held, "JPEG", quality=85)
        made.append(held.getvalue())
    return made


def write_parquet(path: Path, images: list[bytes], count: int, group: int) -> None:
    """count rows, in row groups of `group` as Hugging Face writes images."""
    schema = pa.schema({"image": pa.binary(), "caption": pa.string()})
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        for start in range(0, count, group):
            rows = range(start, min(start + group, count))
            columns = [[images[row % DISTINCT] for row in rows], [f"image {row}" for row in rows]]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=group)


def write_shards(folder: Path, images: list[bytes], count: int, size: int) -> None:
    """Shards of `size` images."""
    for number, start in enumerate(range(0, count, size)):
        with tarfile.open(folder / f"{number:05}.tar", "w") as tar:
            for row in range(start, min(start + size, count)):
                info = tarfile.TarInfo(f"{row:09}.jpg")
                info.size = len(images[row % DISTINCT])
                tar.addfile(info, io.BytesIO(images[row % DISTINCT]))


def speed(images: ImageDataset, window: int | None, seconds: float) -> dict[str, float]:
    """What reading from the start of an order took. window: None for reading in order."""
    blocks.HELD.clear()
    ends = [part.block_ends() for part in images.parts] if window else []
    sampler = Sampler(images.sizes, BATCH, 0, None, ends, window or 0)
    images.parts_held = sampler.blocks_held
    if window is None:
        images.parts_held = A_BATCH_SPANS  # so that a store at an address answers several readers here too
    elif not window:
        blocks.HELD.capacity = blocks.IN_ORDER
    SlowStore.requests, done, step = 0, 0, 0
    started, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - started < seconds or (window and done < 2 * window):
        samples = np.arange(step * BATCH, (step + 1) * BATCH) if window is None else sampler.batch(step).samples
        images.read_ahead(samples)
        for sample in samples:
            images.whole(int(sample))
            done += 1
            if not window and time.perf_counter() - started > seconds:
                break
        step += 1
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    figures = {"images_per_second": done / wall, "images_per_cpu_second": done / cpu}
    return {name: round(value, 1) for name, value in figures.items()} | {"read": done, "requests": SlowStore.requests}


def prepare(work: Path, count: int) -> tuple[Path, Path]:
    """The parquet file and the folder of shards, made unless they are there."""
    parquet, shards = work / f"images-{count}.parquet", work / f"shards-{count}"
    if not (work / f"{count}.made").is_file():
        made = jpegs()
        write_parquet(parquet, made, count, 100)
        shards.mkdir(exist_ok=True)
        write_shards(shards, made, min(count, 20000), 2000)
        (work / f"{count}.made").touch()
    return parquet, shards


def measure(parquet: Path, shards: Path, latency: float, seconds: float) -> list[dict[str, Any]]:
    """Every kind of order on every kind of file, in turns; a whole shuffle, which is slow, once."""
    fsspec.register_implementation("slow", SlowStore, clobber=True)
    kinds = (("parquet", str(parquet), 0.0), ("parquet", f"slow://{parquet}", latency))
    found = []
    for what, spec, wait in (*kinds, ("shards", f"slow://{shards}", latency)):
        SlowStore.latency = 0.0  # listing is not what is measured
        images = ImageDataset([spec], CANVAS)
        SlowStore.latency = wait
        for turn, (order, window) in product(range(TURNS), WINDOWS.items()):
            if window != 0 or turn == 0:
                line = {"what": what, "latency": wait, "images": len(images), "order": order, "turn": turn}
                found.append(line | speed(images, window, seconds))
                print(found[-1], flush=True)
    return found


def shares(runs: list[dict[str, Any]], figure: str) -> dict[str, dict[str, float]]:
    """A figure in windows over that in order: median and range over turns, by kind of file and latency."""
    found = {}
    for what, wait in dict.fromkeys((run["what"], run["latency"]) for run in runs):
        of_kind = [run for run in runs if (run["what"], run["latency"]) == (what, wait)]
        rates = [{run["order"]: run[figure] for run in of_kind if run["turn"] == turn} for turn in range(TURNS)]
        ratios = sorted(rate["windows of 2,048"] / rate["in order"] for rate in rates)
        line = {"median": median(ratios), "low": ratios[0], "high": ratios[-1]}
        found[f"{what}, {1000 * wait:g} ms"] = {name: round(value, 3) for name, value in line.items()}
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--prepare", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["GELATO_CACHE"] = str(Path(temporary, "cache"))
        work = given.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        files = prepare(work, given.images)
        if not given.prepare:
            load = os.getloadavg()[0]
            runs = measure(*files, given.latency, given.seconds)
            by_clock, by_cpu = (shares(runs, f"images_per_{unit}") for unit in ("second", "cpu_second"))
            result = {"load": [load, os.getloadavg()[0]], "cores": os.cpu_count(), "images": given.images}
            result |= {"windows_over_in_order": by_clock, "by_cpu_time": by_cpu, "runs": runs}
            RESULTS.write_text(json.dumps(result, indent=1) + "\n")
            print(by_clock, by_cpu)
