"""Kills `duplicates --move` and its undoing at random instants, and looks for every file.

    python -m tests.killing_moves FOLDER TRIALS SEED

Prints a JSON object with what was counted. "lost": files that are at neither place; "changed": whose bytes differ.
"""

import json
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import index.copies.journal as journal
from index.build import build_collection
from index.collection import Collection
from index.copies.moving import move_copies
from index.copies.returning import undo_move
from index.duplicates import find_duplicates
from tests.killing import fork
from tests.samples import ColourEncoder, noise_image
from training.models.errors import UserError

COPIES = 12


def content(folder: Path) -> dict[str, bytes]:
    """Every file below folder, by its path, those left out that a killed process was still writing."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".tmp")
    }


def make(folder: Path) -> None:
    (folder / "photos").mkdir()
    image = noise_image(1, (200, 150))
    image.save(folder / "photos/best.png")
    for number in range(COPIES):
        image.save(folder / f"photos/copy {number}.jpg", quality=40 + 4 * number)
        (folder / f"photos/copy {number}.xmp").write_text(f"<x number='{number}'/>")
    build_collection([folder / "photos"], folder / "c.gelato", ColourEncoder())


def move(folder: Path, link: bool) -> None:
    if not link:
        os.link = _no_links
    path = folder / "c.gelato"
    with suppress(UserError):
        move_copies(path, find_duplicates(Collection.open(path)), folder / "out")


def undo(folder: Path, link: bool) -> None:
    if not link:
        os.link = _no_links
    with suppress(UserError):
        undo_move(folder / "c.gelato")


def _no_links(*_: object) -> None:
    raise OSError(18, "another drive")


def run(folder: Path, trials: int, seed: int) -> dict[str, int]:
    """Trials, each one move or undoing that is killed after a random time, over one library."""
    rng = random.Random(seed)
    make(folder)
    before = content(folder / "photos")
    counted = {"trials": trials, "killed": 0, "lost": 0, "changed": 0}
    longest = 0.3
    for trial in range(trials):
        work, link = (move, undo)[trial % 2], rng.random() < 0.5
        started = time.monotonic()
        child = fork(work, folder, link)
        time.sleep(rng.uniform(0, longest))
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        counted["killed"] += os.WIFSIGNALED(status)
        longest = max(0.05, 0.9 * longest + 0.1 * (time.monotonic() - started + 0.1))
        _look(folder, before, counted)
    while journal.journals(folder / "c.gelato"):
        undo_move(folder / "c.gelato")
    assert content(folder / "photos") == before, "undoing does not bring every file back"
    return counted


def _look(folder: Path, before: dict[str, bytes], counted: dict[str, int]) -> None:
    here = content(folder / "photos")
    there = content(folder / "out").values() if (folder / "out").exists() else ()
    for name, data in before.items():
        if name in here:
            counted["changed"] += here[name] != data
        else:
            counted["lost"] += data not in there


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
