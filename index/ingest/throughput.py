"""Throughput benchmark of builds: images a second, and the upper bound that this machine's stages allow."""

import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from index.thumbnails import thumbnail
from training.data.pipeline import decode, load_one, load_pixels, preprocess
from training.data.source import Item
from training.data.tables.options import TableOptions
from training.models.encoder import Encoder, Vectors
from training.models.errors import UserError
from training.models.memory import peak_memory_bytes
from training.models.parallel import cores

STAGES = ("read", "hash", "decode", "preprocess", "thumbnail", "embed", "write")
SAMPLE = 1000  # images that the stages are measured with: one segment
CHUNK = 64  # of them at a time, as in a build: what is kept longer costs page faults that a build never has

Input = TypeVar("Input")
Output = TypeVar("Output")


def bench_build(source: str, encoder: Encoder, tables: TableOptions | None = None) -> dict[str, Any]:
    """A build of source into a temporary folder, and its upper bound: one over the sum of its stages' seconds.

    The stages are measured before and after the build, since a machine that is shared changes its pace.
    tables: how to read a table.
    """
    from index.build import build_collection
    from training.data.sources import open_source

    sample = list(islice(open_source(source, tables=tables), SAMPLE))
    with ThreadPoolExecutor(cores()) as pool:
        loaded = pool.map(lambda item: load_one(item, lambda item: load_pixels(item, encoder)), sample)
        items = [one.input for one in loaded if not one.error]
    if not items:
        raise UserError(f"None of the first {SAMPLE:,} images of {source} can be read.")
    half = max(1, len(items) // 2)
    stage_costs(items[:CHUNK], encoder)  # warm up: files into memory, the image encoder loaded
    before = stage_costs(items[:half], encoder)
    with tempfile.TemporaryDirectory() as folder:
        worked = time.process_time()
        report = build_collection([source], Path(folder, "bench.gelato"), encoder, tables=tables)
        worked = time.process_time() - worked
    after = stage_costs(items[-half:], encoder)
    wall = {stage: (before[stage].wall + after[stage].wall) / 2 for stage in STAGES}
    cpu = sum((before[stage].cpu + after[stage].cpu) / 2 for stage in STAGES)
    upper_bound = 1 / sum(wall.values())
    return {
        "encoder": encoder.name,
        "runtime": encoder.runtime,
        "precision": encoder.precision,
        "images": report.embedded,
        "failed": report.failed,
        "images_per_second": round(report.images_per_second, 1),
        "upper_bound": round(upper_bound, 1),
        "ratio": round(report.images_per_second / upper_bound, 3),
        # The same in seconds of computing, which neighbours on the machine do not change: what is left for the rest.
        "cpu_ratio": round(cpu * report.embedded / worked, 3),
        "milliseconds": {stage: round(1000 * seconds, 3) for stage, seconds in wall.items()},
        "peak_memory_mb": peak_memory_mb(),
        "machine": machine(),
    }


@dataclass(frozen=True)
class Cost:
    """Seconds an image. wall: on the clock, with all cores at work. cpu: of all cores together."""

    wall: float
    cpu: float


class StageClock:
    """Adds up what each stage costs while it is alone on all cores."""

    def __init__(self) -> None:
        self.wall: defaultdict[str, float] = defaultdict(float)
        self.cpu: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count what happens inside for stage."""
        begun, worked = time.perf_counter(), time.process_time()
        yield
        self.wall[stage] += time.perf_counter() - begun
        self.cpu[stage] += time.process_time() - worked

    def map(
        self, stage: str, executor: Executor, function: Callable[[Input], Output], inputs: Iterable[Input]
    ) -> list[Output]:
        """function of all inputs, counted for stage."""
        with self.timed(stage):
            return list(executor.map(function, inputs))


def stage_costs(items: list[Item], encoder: Encoder) -> dict[str, Cost]:
    """What each stage costs when it is alone."""
    from index.storage.writer import Writer

    clock, batching = StageClock(), encoder.batching
    rows: list[dict[str, Any]] = []
    vectors: list[Vectors] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(cores()) as pool,
        ThreadPoolExecutor(batching.streams) as embedders,
        Writer(Path(folder, "bench.gelato"), encoder) as writer,
    ):
        for start in range(0, len(items), CHUNK):
            data = clock.map("read", pool, lambda item: item.read(), items[start : start + CHUNK])
            hashes = clock.map("hash", pool, lambda d: sha256(d).hexdigest(), data)
            images = clock.map("decode", pool, lambda d: decode(d, encoder), data)
            pixels = clock.map("preprocess", pool, lambda image: preprocess(image, encoder), images)
            webps = clock.map("thumbnail", pool, lambda image: thumbnail(image.pixels), images)
            size = batching.batch_size
            batches = [np.stack(pixels[i : i + size]) for i in range(0, len(pixels), size)]
            vectors += clock.map("embed", embedders, encoder.embed_pixels, batches)
            with clock.timed("write"):
                for content, webp in zip(hashes, webps, strict=True):
                    writer.thumbnail(content[:16], webp)
                    rows.append(_row(content, len(rows)))
        with clock.timed("write"):
            writer.publish(rows, np.concatenate(vectors))
    return {stage: Cost(clock.wall[stage] / len(items), clock.cpu[stage] / len(items)) for stage in STAGES}


def _row(content: str, number: int) -> dict[str, Any]:
    """A row like those of a build."""
    facts = {"width": 500, "height": 375, "bytes": 100_000, "modified": pd.Timestamp(0), "hash": content}
    text = {"caption": "", "stamp": f"{number}:0", "folder": "some/folder"}
    return {"id": f"{content[:16]}-{number + 2}", "source": "/some/source", "path": f"{number:06d}.jpg"} | facts | text


def peak_memory_mb() -> int:
    """The most memory that this process has had, in megabytes."""
    return round(peak_memory_bytes() / 1e6)


def machine() -> dict[str, Any]:
    """What figures were measured on."""
    cpu = platform.processor() or platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        named = (
            line.partition(":")[2].strip()
            for line in facts.read_text(encoding="utf-8", errors="replace").splitlines()
            if "model name" in line
        )
        cpu = next(named, cpu)
    return {"cpu": cpu, "cores": cores(), "python": platform.python_version()}
