"""Kills processes that tag images at random instants, or lets their disk run full, and counts what was lost.

    python -m tests.killing_tags FOLDER TRIALS SEED

Each process writes down every tag that it was told is stored. Prints a JSON object with what was counted; "lost" are
tags that were stored and are not there afterwards, "half" are tags of which some images have it and others not.
"""

import json
import os
import random
import resource
import signal
import sys
import time
from itertools import count
from pathlib import Path

from index.build import build_collection
from index.collection import Collection
from index.maintenance.verify import find_faults
from index.storage.tags import read_tags, tag
from tests.killing import check, fork
from tests.samples import ColourEncoder, paint
from training.models.errors import UserError

IMAGES = 12
TOGETHER = 3  # images that get a tag in one step
ROOM = 40_000  # bytes that a disk has left, at most
ROUND = 6  # trials in one collection


def build(folder: Path) -> None:
    build_collection([folder / "images"], folder / "c.gelato", ColourEncoder())


def give_tags(folder: Path, who: str, first: int, room: int | None) -> None:
    """Tag groups of images with names of its own, one after the other, until it is killed or the disk is full."""
    collection = Collection.open(folder / "c.gelato")
    ids = collection.items["id"].tolist()
    if room is not None:
        size = (folder / "c.gelato/annotations.sqlite").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, resource.RLIM_INFINITY))
    with (folder / f"stored-{who}").open("a", buffering=1) as log:
        for number in count(first):
            group = [ids[(number * TOGETHER + k) % IMAGES] for k in range(TOGETHER)]
            name = f"{who} {number // 4 % 400} {'x' * 40}"
            try:
                tag(collection, group, name)
            except UserError as error:
                assert "cannot be written" in str(error), str(error)
                return
            log.write(json.dumps([group, name]) + "\n")


def look(folder: Path) -> None:
    """Count what is there of what was stored."""
    tags = read_tags(folder / "c.gelato")
    stored = [json.loads(line) for log in folder.glob("stored-*") for line in log.read_text().splitlines()]
    lost = sum(name not in tags.get(id, ()) for group, name in stored for id in group)
    given: dict[str, int] = {}
    for names in tags.values():
        for name in names:
            given[name] = given.get(name, 0) + 1
    half = sum(images % TOGETHER != 0 for images in given.values())
    assert find_faults(folder / "c.gelato") == []
    (folder / "seen.json").write_text(json.dumps({"stored": len(stored), "lost": lost, "half": half}))


def main(folder: Path, trials: int, seed: int) -> dict[str, int]:
    """Run trials with one process that is killed, with two, and with one whose disk runs full; what was counted."""
    rng = random.Random(seed)
    counted = {"killed": 0, "full": 0, "stored": 0, "lost": 0, "half": 0}
    for first in range(0, trials, ROUND):  # each round in a new collection: the names of tags are bounded
        of_round = folder / str(first)
        for number in range(IMAGES):
            paint(of_round / f"images/{number:03d}.png", (number * 9, 255 - number, 7))
        check(fork(build, of_round))
        for trial in range(min(ROUND, trials - first)):
            _try(of_round, ("one", "two", "full")[trial % 3], trial, rng, counted)
            check(fork(look, of_round))
            seen = json.loads((of_round / "seen.json").read_text())
            counted["lost"], counted["half"] = counted["lost"] + seen["lost"], counted["half"] + seen["half"]
        counted["stored"] += seen["stored"]
    return counted


def _try(folder: Path, kind: str, trial: int, rng: random.Random, counted: dict[str, int]) -> None:
    names = ("one", "two") if kind == "two" else ("one",)
    logs = [folder / f"stored-{who}" for who in names]
    starts = [len(log.read_text().splitlines()) + trial if log.exists() else 0 for log in logs]
    room = rng.randrange(ROOM) if kind == "full" else None
    victims = [fork(give_tags, folder, who, start, room) for who, start in zip(names, starts, strict=True)]
    if kind == "full":
        check(victims[0])  # it ends by itself, with the sentence that says so
        counted["full"] += 1
        return
    time.sleep(0.05 + rng.random() * 0.3)
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        counted["killed"] += 1


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
