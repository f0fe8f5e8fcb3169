"""The most images a second that a build could do here, and how near to it a build comes."""

import platform
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from training.data.source import Item
from training.models.encoder import Encoder
from training.models.errors import UserError

STAGES = ("read", "hash", "decode", "resize", "thumbnail", "encode", "write")
SAMPLE = 1000  # images that the stages are measured with: one segment
CHUNK = 64  # of them at a time, as in a build: what is kept longer costs page faults that a build never has


def bench_build(source: str, encoder: Encoder) -> dict[str, Any]:
    """A build of source into a folder that goes again, and the bound: one over the sum of its stages' seconds.

    The stages are measured before and after the build, since a machine that is shared changes its pace.
    """
    from index.build import build_collection
    from index.ingest.reading import load
    from training.data.sources import open_source

    items = [item for item in islice(open_source(source), SAMPLE) if not load(item, encoder, ()).reason]
    if not items:
        raise UserError(f"None of the first {SAMPLE:,} images of {source} can be read.")
    half = max(1, len(items) // 2)
    stage_costs(items[:CHUNK], encoder)  # once for nothing: files into memory, the tower made
    before = stage_costs(items[:half], encoder)
    with tempfile.TemporaryDirectory() as folder:
        worked = time.process_time()
        report = build_collection([source], Path(folder, "bench.gelato"), encoder)
        worked = time.process_time() - worked
    after = stage_costs(items[-half:], encoder)
    wall = {stage: (before[stage].wall + after[stage].wall) / 2 for stage in STAGES}
    cpu = sum((before[stage].cpu + after[stage].cpu) / 2 for stage in STAGES)
    bound = 1 / sum(wall.values())
    return {
        "encoder": encoder.name,
        "runtime": encoder.runtime,
        "precision": encoder.precision,
        "images": report.embedded,
        "failed": report.failed,
        "images_per_second": round(report.images_per_second, 1),
        "bound": round(bound, 1),
        "ratio": round(report.images_per_second / bound, 3),
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


def stage_costs(items: list[Item], encoder: Encoder) -> dict[str, Cost]:
    """What each stage costs when it is alone."""
    from index.ingest.reading import readers
    from index.storage.writer import Writer
    from index.thumbnails import thumbnail
    from training.models.decoding import decode_image
    from training.models.preprocess import preprocess_pixels

    wall: defaultdict[str, float] = defaultdict(float)
    cpu: defaultdict[str, float] = defaultdict(float)
    batching = encoder.batching

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        begun, worked = time.perf_counter(), time.process_time()
        yield
        wall[stage] += time.perf_counter() - begun
        cpu[stage] += time.process_time() - worked

    def each(stage: str, pool: ThreadPoolExecutor, work: Callable, over: Iterable) -> list[Any]:
        with timed(stage):
            return list(pool.map(work, over))

    def fitted(image: Any) -> Any:
        return (
            preprocess_pixels(image.pixels, encoder.preprocessing)
            if encoder.preprocessing
            else encoder.preprocess(image.image)
        )

    rows: list[dict[str, Any]] = []
    vectors: list[Any] = []
    with tempfile.TemporaryDirectory() as folder, readers() as pool, ThreadPoolExecutor(batching.streams) as embedders:
        with Writer(Path(folder, "bench.gelato"), encoder) as writer:
            for start in range(0, len(items), CHUNK):
                data = each("read", pool, lambda item: item.read(), items[start : start + CHUNK])
                hashes = each("hash", pool, lambda d: sha256(d).hexdigest(), data)
                images = each("decode", pool, lambda d: decode_image(d, encoder.image_size), data)
                pixels = each("resize", pool, fitted, images)
                webps = each("thumbnail", pool, lambda p: thumbnail(p.pixels), images)
                batches = [
                    np.stack(pixels[i : i + batching.batch_size]) for i in range(0, len(pixels), batching.batch_size)
                ]
                vectors += each("encode", embedders, encoder.embed_pixels, batches)
                with timed("write"):
                    for content, webp in zip(hashes, webps, strict=True):
                        writer.thumbnail(content[:16], webp)
                        rows.append(_row(content, len(rows)))
            with timed("write"):
                writer.publish(rows, np.concatenate(vectors))
    n = len(items)
    return {stage: Cost(wall[stage] / n, cpu[stage] / n) for stage in STAGES}


def _row(content: str, number: int) -> dict[str, Any]:
    """A row like those of a build."""
    facts = {"width": 500, "height": 375, "bytes": 100_000, "modified": pd.Timestamp(0), "hash": content}
    text = {"caption": "", "stamp": f"{number}:0", "folder": "some/folder"}
    return {"id": f"{content[:16]}-{number + 2}", "source": "/some/source", "path": f"{number:06d}.jpg"} | facts | text


def peak_memory_mb() -> int:
    """The most memory that this process has had, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3))


def machine() -> dict[str, Any]:
    """What figures were measured on."""
    from training.models.parallel import cores

    cpu = platform.processor() or platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        named = (line.partition(":")[2].strip() for line in facts.read_text().splitlines() if "model name" in line)
        cpu = next(named, cpu)
    return {"cpu": cpu, "cores": cores(), "python": platform.python_version()}
