"""What does a build cost where nothing has changed?

    python benchmarks/unchanged.py --work FOLDER [--images 100000]

Generated images, every one different, in folders of 100, are indexed once. Then the same build runs again, and is
compared with a bare walk through the folders that takes one `stat` a file. Nothing is embedded, so that any encoder
serves. Calls of `stat` are counted in this process. The result is printed and kept beside this script as
unchanged.json.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from index.build import build_collection
from index.ingest.throughput import machine
from tests.samples import ColourEncoder
from training.data.walk import WalkedFile

RESULT = Path(__file__).parent / "results/unchanged.json"
FOLDER = 100  # images a folder
RUNS = 3


def generate(folder: Path, images: int) -> None:
    """Small bitmaps; those that are there already stay."""
    for number in range(images):
        path = folder / f"{number // FOLDER:05}" / f"{number:07}.bmp"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)


def bare_walk(folder: Path) -> int:
    """The least that a build has to do: list every folder and stat every file."""
    files = 0
    for entry in os.scandir(folder):
        if entry.is_dir():
            files += bare_walk(Path(entry.path))
        else:
            files += entry.stat().st_size > 0
    return files


def counted(work: Callable[[], Any]) -> int:
    """How many times work asks the system about a file or folder."""
    calls = 0
    stat_file, stat_path = WalkedFile.stat, os.stat

    def of_file(file: WalkedFile) -> os.stat_result:
        nonlocal calls
        calls += 1
        return stat_file(file)

    def of_path(*args: Any, **options: Any) -> os.stat_result:
        nonlocal calls
        calls += 1
        return stat_path(*args, **options)

    WalkedFile.stat, os.stat = of_file, of_path  # type: ignore[method-assign,assignment]
    try:
        work()
    finally:
        WalkedFile.stat, os.stat = stat_file, stat_path  # type: ignore[method-assign]
    return calls


def seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU seconds of the fastest of several runs."""
    found = []
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(found)


@click.command()
@click.option("--work", required=True, type=click.Path(file_okay=False, path_type=Path), help="Kept between runs.")
@click.option("--images", default=100_000, show_default=True)
def main(work: Path, images: int) -> None:
    """Build a collection of IMAGES images again and again."""
    folder, into, encoder = work / f"images-{images}", work / f"unchanged-{images}.gelato", ColourEncoder()
    generate(folder, images)
    build_collection([folder], into, encoder)

    def again() -> None:
        report = build_collection([folder], into, encoder)
        if (report.unchanged, report.embedded) != (images, 0):
            raise click.ClickException(f"the build was not of unchanged images: {report}")

    wall, cpu = seconds(again)
    walk, walk_cpu = seconds(lambda: bare_walk(folder))
    folders = -(-images // FOLDER) + 1
    result = {
        "images": images,
        "folders": folders,
        "seconds": round(wall, 2),
        "cpu_seconds": round(cpu, 2),
        "bare_walk_seconds": round(walk, 2),
        "bare_walk_cpu_seconds": round(walk_cpu, 2),
        "stat_calls": counted(again),
        "machine": machine(),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
