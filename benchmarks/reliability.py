"""How many kills, full disks and random histories has a collection survived, and what was lost?

    python benchmarks/reliability.py [--part PART ...]

Each part is a program of the tests that runs trials in processes of its own and counts what is lost: builds, removals
and search structures that are killed (tests/killing.py), tags given by one and two processes that are killed or whose
disk runs full (killing_tags.py), `duplicates --move` and its undoing (killing_moves.py), and histories of edits, moves,
copies, deletions, remounts and builds beside a model (random_histories.py). A fault ends its program, and so this one.
Counts are stored beside this script as reliability.json.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
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


def tried(part: str) -> dict[str, Any]:
    """The counts of a part, summed over its runs."""
    program, trials, runs = PARTS[part]
    counted, begun = Counter[str](), time.monotonic()
    for seed in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            words = [] if part == "histories" else [folder]
            command = [sys.executable, "-m", f"tests.{program}", *words, str(trials), str(seed)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise click.ClickException(f"{' '.join(command)} failed:\n{done.stderr}")
        counted.update(json.loads(done.stdout))
        click.echo(f"{part}, seed {seed}: {done.stdout.strip()}", err=True)
    return {**counted, "runs": runs, "seconds": round(time.monotonic() - begun)}


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(list(PARTS)), default=list(PARTS), show_default=True)
def main(parts: tuple[str, ...]) -> None:
    """Run trials and store what was counted."""
    for part in parts:
        found = tried(part)
        stored: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        stored[part] = found | {"machine": machine()}
        RESULT.write_text(json.dumps(stored, indent=1) + "\n")
    click.echo(RESULT.read_text())


if __name__ == "__main__":
    main()
