"""How long does a search from the command line take, in a process that has just begun?

    python benchmarks/command.py --collection DIR

DIR is a collection made with `starter`. Each figure is a whole process, from the command to its end. The
result is printed and kept beside this script as command.json.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from index.collection import Collection
from index.ingest.throughput import machine

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results/command.json"
HEAVY = ("torch", "open_clip", "gradio", "transformers", "timm", "torchvision")


def _worked() -> float:
    """Seconds of computing of the processes that have ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@click.command()
@click.option("--collection", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--runs", default=9, show_default=True, type=click.IntRange(1))
def main(collection: Path, runs: int) -> None:
    """Search COLLECTION for "a red bicycle" RUNS times."""
    command = [sys.executable, "-m", "index", "search", str(collection), "a red bicycle", "--json"]
    seconds, before = [], _worked()
    for _ in range(runs + 1):
        begun = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        seconds.append(time.perf_counter() - begun)
    seconds = seconds[1:]  # the first one exports what is not in the cache yet
    after = _worked()
    listed = [sys.executable, "-X", "importtime", *command[1:]]
    done = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    kinds: dict[str, Callable[[list[float]], float]] = {"median": statistics.median, "min": min, "max": max}
    result = {
        "images": len(Collection.open(collection)),
        "runs": runs,
        "seconds": {name: round(of(seconds), 2) for name, of in kinds.items()},
        "cpu_seconds": round((after - before) / (runs + 1), 2),
        "heavy_imports": [name for name in HEAVY if name in imported],
        "machine": machine(),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
