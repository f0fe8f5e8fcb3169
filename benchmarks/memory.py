"""Does the memory of a build grow with the collection?

    python benchmarks/memory.py --work FOLDER [--rows 10000 --rows 50000 --rows 100000] [--minutes 9]

Generated images, every one different, as JPEGs of 64 pixels in parquet shards, go through `python -m index build`
with `starter`. Memory is the most that all processes of the build had at once. A build that takes longer than the
minutes is stopped, and the same command goes on with it: what is kept is the most of all its parts. The result is
printed and kept beside this script as memory.json.
"""

import io
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.rivals import ROOT, watch_memory
from index.collection import Collection
from index.ingest.throughput import machine
from training.models.starter import load_starter

RESULT = Path(__file__).parent / "results/memory.json"
SHARD = 5000  # rows


def shard(path: Path, number: int) -> None:
    """Images of a parquet file as Hugging Face datasets store them: a few colours, drawn large."""
    rng = np.random.default_rng(number)
    rows = []
    for i in range(SHARD):
        out = io.BytesIO()
        colours = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8))
        colours.resize((64, 64), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
        rows.append({"image": {"bytes": out.getvalue(), "path": f"{number:03d}-{i:05d}.jpg"}, "caption": f"image {i}"})
    beside = path.with_suffix(".part")
    pq.write_table(pa.Table.from_pylist(rows), beside)
    beside.rename(path)


def built(source: Path, into: Path, seconds: float) -> tuple[int, bool]:
    """The most memory in megabytes that a build had, and whether it came to its end within seconds."""
    command = [sys.executable, "-m", "index", "build", str(source), "--into", str(into)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = [0.0]
    watch = threading.Thread(target=watch_memory, args=(process, peak), daemon=True)
    watch.start()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        process.wait()
        return round(peak[0]), False
    watch.join()
    if process.returncode:
        raise click.ClickException(f"{' '.join(command)} failed; run it by hand to see why.")
    return round(peak[0]), True


@click.command()
@click.option("--work", required=True, type=click.Path(file_okay=False, path_type=Path), help="Kept between runs.")
@click.option("--rows", multiple=True, default=(10_000, 50_000, 100_000), show_default=True)
@click.option("--minutes", default=9.0, show_default=True, help="Stop after these; the next run goes on.")
def main(work: Path, rows: tuple[int, ...], minutes: float) -> None:
    """Build collections of ROWS images."""
    load_starter().embed_images([Image.new("RGB", (64, 64))])  # exported before it is measured
    until = time.monotonic() + 60 * minutes
    work.mkdir(parents=True, exist_ok=True)
    stored = json.loads(RESULT.read_text()) if RESULT.exists() else {"rows": []}
    kept: dict[int, dict[str, Any]] = {row["rows"]: row for row in stored["rows"]}
    for count in rows:
        source, into, part = work / f"images-{count}", work / f"{count}.gelato", work / f"{count}.json"
        source.mkdir(exist_ok=True)
        for number in range(-(-count // SHARD)):
            path = source / f"{number:05d}.parquet"
            if not path.exists():
                shard(path, number)
        before = json.loads(part.read_text()) if part.exists() else {"peak_mb": 0, "runs": 0}
        peak, done = built(source, into, max(1.0, until - time.monotonic()))
        now = {"peak_mb": max(before["peak_mb"], peak), "runs": before["runs"] + 1}
        part.write_text(json.dumps(now))
        images = len(Collection.open(into)) if (into / "manifest.json").exists() else 0
        click.echo(f"{images:,} of {count:,} images, {now['peak_mb']:,} MB, {now['runs']} runs")
        if not done:
            click.echo("Run the same command again to go on.")
            break
        kept[count] = {"rows": images, **now}
    stored = {"rows": [kept[count] for count in sorted(kept)], "machine": machine()}
    if kept:
        RESULT.write_text(json.dumps(stored, indent=1) + "\n")
    click.echo(json.dumps(stored, indent=1))


if __name__ == "__main__":
    main()
