"""Time what "Embed with all" does in Models: embed the demo collection with every encoder of the zoo.

    python benchmarks/zoo_demo.py --before DIR --after DIR [--runs 3]

--before and --after are checkouts, each with its environment in .venv. Each run is a process of its own that embeds a
fresh copy of the same demo collection by the job of the page, loading of the encoders included. The revisions take
turns, and the order alternates.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import numpy as np

RESULT = Path(__file__).parent / "results/zoo_demo.json"
BUILD = """
from pathlib import Path
from index.ingest.demo import build_demo
from training.models.encoders import load_encoder
build_demo(Path("{folder}/images"), Path("{folder}/demo.gelato"), load_encoder("starter"))
"""
EMBED = """
import json, time
from pathlib import Path
from app.state.generations import generations, reencode_zoo
from app.state.library import Library
library = Library(local=True)
opened = library.add(Path("{path}"))
wall, cpu = time.monotonic(), time.process_time()
job = reencode_zoo(library, opened)
while job.state == "running":
    time.sleep(0.05)
times = {{"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}}
states = [one.state for one in generations(opened)]
print(json.dumps(times | {{"ready": states.count("ready"), "images": generations(opened)[0].images}}))
"""


def python(checkout: Path, code: str) -> str:
    """What a script prints that runs in a checkout."""
    command = [checkout / ".venv/bin/python", "-c", code]
    return subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True).stdout


def embed(checkout: Path, demo: Path) -> dict[str, float]:
    """Wall and CPU seconds of the job; how many generations are ready then."""
    copy = demo.with_name("copy.gelato")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(demo, copy)
    found: dict[str, float] = json.loads(python(checkout, EMBED.format(path=copy)).splitlines()[-1])
    return found


def spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 1),
        "min": round(min(values), 1),
        "max": round(max(values), 1),
    }


@click.command()
@click.option("--before", required=True, type=click.Path(path_type=Path, exists=True), help="A checkout.")
@click.option("--after", required=True, type=click.Path(path_type=Path, exists=True), help="Another checkout.")
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1))
def main(before: Path, after: Path, runs: int) -> None:
    """Measure both revisions in turns and store the times."""
    sides = {"before": before.resolve(), "after": after.resolve()}
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    loads = []
    with tempfile.TemporaryDirectory() as folder:
        python(sides["after"], BUILD.format(folder=folder))
        for number in range(runs):
            for side in sorted(sides, reverse=number % 2 == 0):  # before, after, after, before, ...
                loads.append(os.getloadavg()[0])
                found[side].append(embed(sides[side], Path(folder) / "demo.gelato"))
                print(side, found[side][-1], file=sys.stderr)
    ratios = [new["cpu"] / old["cpu"] for old, new in zip(found["before"], found["after"], strict=True)]
    result = {
        "images": int(found["after"][0]["images"]),
        "encoders": int(found["after"][0]["ready"]),
        "runs": runs,
        "cores": os.cpu_count(),
        "busy": round(float(np.mean(loads)), 1),
        **{
            side: {clock: spread([run[clock] for run in of]) for clock in ("wall", "cpu")} for side, of in found.items()
        },
        "cpu ratio": {**spread([100 * ratio for ratio in ratios]), "unit": "percent of before"},
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
