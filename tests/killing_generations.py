"""Cuts a re-embedding, a switch, a way back and a deletion off at each STRIDE-th step that changes the disk.

    python -m tests.killing_generations FOLDER STRIDE

Prints a JSON object with what was counted, or dies with the assertion that failed. A process that has no threads forks
each victim, which ends without cleaning up, as kill -9 would end it.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import training.models.decoding  # noqa: F401  # loaded once, for all victims
from index.build import build_collection
from index.collection import Collection
from index.ingest.reencode import reencode_collection
from index.maintenance.generations import back, delete, generations, switch
from index.maintenance.verify import find_faults
from index.storage.layout import MANIFEST
from index.storage.manifest import Manifest
from index.storage.tags import read_tags, tag
from tests.killing import check, fork
from tests.samples import PALETTE, ColourEncoder, WarmthEncoder, paint

CHANGES = [(os, "replace"), (os, "mkdir"), (os, "unlink"), (os, "rmdir"), (shutil, "rmtree")]


def work(path: Path) -> None:
    """All of it, from wherever an earlier victim was cut off."""
    serving = Manifest.read(path)
    if serving.fingerprint == ColourEncoder.fingerprint and not serving.came_from:
        reencode_collection(path, WarmthEncoder(), segment_size=2)
        switch(path, WarmthEncoder.fingerprint)
    if Manifest.read(path).fingerprint == WarmthEncoder.fingerprint:
        back(path)
    if len(generations(path)) > 1:
        delete(path, WarmthEncoder.fingerprint)


def counted(act: Callable[[Path], None], path: Path, until: int, steps: Path) -> None:
    """act, cut off before step number until; the number of steps taken is written down."""
    taken = 0

    def before(change: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **kwargs: object) -> object:
            nonlocal taken
            taken += 1
            if taken == until:
                os._exit(0)
            return change(*args, **kwargs)

        return wrapped

    for module, name in CHANGES:
        setattr(module, name, before(getattr(module, name)))
    act(path)
    steps.write_text(str(taken))


def sound(path: Path) -> None:
    """What every reader finds, whatever was cut off: a whole collection, its tags, and generations to choose from."""
    opened = Collection.open(path)
    assert len(opened) == len(PALETTE) and opened.dim in (3, 4), (len(opened), opened.dim)
    assert list(read_tags(path).values()) == [["kept"]]
    faults = find_faults(path)
    assert not faults, faults
    assert generations(path)[0].state == "serving"


def finished(path: Path) -> None:
    work(path)
    build_collection([path.parent / "images"], path, ColourEncoder())  # as the writer, it sweeps
    assert [one.encoder for one in generations(path)] == ["colour"]
    left = sorted(file.name for file in (path / "generations").glob("*/*"))
    assert not left, left
    named = {name for name, _ in Manifest.read(path).segments}
    assert {folder.name for folder in (path / "segments").iterdir()} == named
    assert not list(path.rglob("*.tmp"))


def main(folder: Path, stride: int) -> None:
    for colour in PALETTE:
        paint(folder / "images" / f"{colour}.png", colour)
    path, kept = folder / "c.gelato", folder / "kept"

    def begin(path: Path) -> None:
        build_collection([folder / "images"], path, ColourEncoder())
        opened = Collection.open(path)
        tag(opened, [opened.column("id")[0]], "kept")

    check(fork(begin, path))
    path.rename(kept)
    steps, kills, until = 0, 0, 1
    while not steps or until <= steps:
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(kept, path)
        note = folder / "steps"
        note.unlink(missing_ok=True)
        limit = until if steps else 10**9  # the first run only counts
        check(fork(counted, work, path, limit, note))
        if not steps:
            steps = int(note.read_text())
            continue
        kills += 1
        assert not note.exists() and (path / MANIFEST).exists()
        check(fork(sound, path))
        check(fork(finished, path))
        until += stride
    print(json.dumps({"steps": steps, "kills": kills}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
