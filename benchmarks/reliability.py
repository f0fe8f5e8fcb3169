"""How many kills, full disks and random histories has a collection survived, and what was lost?

    python benchmarks/reliability.py [--part PART ...]

Each part is a program of the tests that runs trials in processes of its own and counts what is lost: builds, removals
and search structures that are killed (tests/killing.py), tags given by one and two processes that are killed or whose
disk runs full (killing_tags.py), `duplicates --move` and its undoing (killing_moves.py), and histories of edits, moves,
copies, deletions, remounts and builds beside a model (random_histories.py). A fault ends its program, and so this one.
Counts are stored beside this script as reliability.json; what is there already is not tried again.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from index.ingest.throughput import machine

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results/reliability.json"
# Program, trials of a run, and runs; each run has a seed of its own.
PARTS = {
    "builds": ("killing", 100, 4),
    "tags": ("killing_tags", 150, 2),
    "moves": ("killing_moves", 100, 2),
    "histories": ("random_histories", 250, 8),
}


def tried(part: str, seed: int) -> dict[str, Any]:
    """The counts of one run of a part."""
    program, trials, _ = PARTS[part]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        words = [] if part == "histories" else [folder]
        command = [sys.executable, "-m", f"tests.{program}", *words, str(trials), str(seed)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"{' '.join(command)} failed:\n{done.stderr}")
    counted: dict[str, Any] = json.loads(done.stdout)
    return counted | {"seconds": round(time.monotonic() - begun)}


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(list(PARTS)), default=list(PARTS), show_default=True)
def main(parts: tuple[str, ...]) -> None:
    """Run trials and store what was counted."""
    for part in parts:
        for seed in map(str, range(PARTS[part][2])):
            if seed not in stored().get(part, {}):
                counted = tried(part, int(seed))
                click.echo(f"{part}, seed {seed}: {counted}", err=True)
                now = stored()
                now.setdefault(part, {})[seed] = counted
                RESULT.write_text(json.dumps(now | {"machine": machine()}, indent=1) + "\n")


def stored() -> dict[str, Any]:
    """What was counted so far, read anew each time: parts may run side by side."""
    found: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    return found


if __name__ == "__main__":
    main()
