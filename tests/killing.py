"""Kills builds, removals and rebuilds of the search structure at random instants, and looks at what is left.

    python -m tests.killing FOLDER TRIALS SEED

Prints a JSON object with what was counted, or dies with the assertion that failed. A process that has no
threads forks each victim and each witness, so that a trial costs no imports.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

import training.models.decoding  # noqa: F401  # loaded once, for all victims
from index.build import build_collection
from index.collection import Collection
from index.maintenance.remove import remove_images
from index.maintenance.verify import find_faults
from index.nearest import load_nearest
from index.retrieval.faiss_index import save_nearest
from index.storage.layout import MANIFEST
from tests.samples import ColourEncoder, paint

IMAGES = 40


class SlowEncoder(ColourEncoder):
    """Writes down what it embeds, in the moment that it does, and takes its time."""

    def __init__(self, log: Path):
        super().__init__()
        self.log = log

    def embed_pixels(self, pixels):
        with self.log.open("ab") as file:
            file.write(b"".join(b"%d\n" % image[0, 0, 0] for image in pixels))
        time.sleep(0.002 * len(pixels))
        return super().embed_pixels(pixels)


def build(folder: Path) -> None:
    build_collection([folder / "images"], folder / "c.gelato", SlowEncoder(folder / "log"), segment_size=4)


def remove(folder: Path) -> None:
    if (folder / "c.gelato" / MANIFEST).exists():
        remove_images(folder / "c.gelato", where="path < '010.png'")


def rebuild_search(folder: Path) -> None:
    if (folder / "c.gelato" / MANIFEST).exists():
        for _ in range(5):
            save_nearest(Collection.open(folder / "c.gelato"))


def fork(work, *words) -> int:
    """The process that does work; it ends without running this one's exit handlers."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work(*words)
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def check(child: int) -> None:
    """Wait for a process that must succeed."""
    _, status = os.waitpid(child, 0)
    assert status == 0, f"a witness ended with {status}"


def look(folder: Path) -> None:
    """What the collection holds now, into a file; every fault is an assertion."""
    path = folder / "c.gelato"
    numbers: list[int] = []
    revision = 0
    if (path / MANIFEST).exists():
        assert find_faults(path) == []
        collection = Collection.open(path)
        assert_of_one_piece(collection)
        numbers = [int(name[:3]) for name in collection.items["path"]]
        revision = collection.revision
        if len(collection):
            vector = collection.vectors[:1].astype(np.float32)[0]
            found, _ = load_nearest(collection)(vector, 5)
            exact = np.sort(collection.vectors.astype(np.float32) @ vector)[::-1][:5]
            assert np.allclose(found, exact, atol=1e-3)
    (folder / "seen.json").write_text(json.dumps({"numbers": numbers, "revision": revision}))


def assert_of_one_piece(collection: Collection) -> None:
    """Each row's vector is that of the image its path names, so rows and vectors are of one version."""
    numbers = np.array([int(name[:3]) for name in collection.items["path"]])
    assert len(set(numbers)) == len(numbers) == len(collection.vectors)
    if len(numbers):
        reds = np.array([[n, 255 - n, 7] for n in numbers], np.float32) - 100
        expected = reds / np.linalg.norm(reds, axis=1, keepdims=True)
        assert np.allclose(collection.vectors.astype(np.float32), expected, atol=2e-3)


def read_on(folder: Path) -> None:
    """A reader that looks again and again, until it is killed."""
    while True:
        if (folder / "c.gelato" / MANIFEST).exists():
            assert_of_one_piece(Collection.open(folder / "c.gelato"))


def main(folder: Path, trials: int, seed: int) -> dict[str, int]:
    """Kill trials times; what was counted."""
    rng = random.Random(seed)
    for number in range(IMAGES):
        paint(folder / f"images/{number:03d}.png", (number, 255 - number, 7))
    check(fork(build, folder))
    started = time.monotonic()
    check(fork(remove, folder))
    check(fork(build, folder))
    whole = time.monotonic() - started
    counted = {"killed": 0, "finished": 0, "partial": 0, "read": 0}
    for _ in range(trials):
        work = rng.choice([build, build, remove, rebuild_search])
        if work is build:  # from nothing, from a part of it, or from all of it
            if rng.random() < 0.3:
                check(fork(wipe, folder))
            else:
                check(fork(remove, folder))
        check(fork(look, folder))
        before = json.loads((folder / "seen.json").read_text())
        (folder / "log").unlink(missing_ok=True)
        reader, victim = fork(read_on, folder), fork(work, folder)
        time.sleep(rng.random() * whole)
        os.kill(victim, signal.SIGKILL)
        _, status = os.waitpid(victim, 0)
        assert status in (0, signal.SIGKILL), "the victim failed before it was killed"
        counted["killed" if status else "finished"] += 1
        ended, status = os.waitpid(reader, os.WNOHANG)
        assert not ended, f"the reader ended with {status}"
        os.kill(reader, signal.SIGKILL)
        os.waitpid(reader, 0)
        counted["read"] += 1
        check(fork(look, folder))
        after = json.loads((folder / "seen.json").read_text())
        held, left = set(before["numbers"]), set(after["numbers"])
        if work is build:
            assert held <= left, "a build lost images that were there"
            assert not held & embedded(folder), "an image that was there was embedded again"
        elif work is remove:
            gone = {number for number in held if number < 10}
            assert left in (held, held - gone), "half of a removal was seen"
        else:
            assert left == held
        counted["partial"] += 0 < len(left) < IMAGES
        if work is build:
            (folder / "log").unlink(missing_ok=True)
            check(fork(build, folder))
            check(fork(look, folder))
            now = json.loads((folder / "seen.json").read_text())
            assert sorted(now["numbers"]) == list(range(IMAGES)), "the next build did not complete it"
            assert embedded(folder) == set(range(IMAGES)) - left, "the next build embedded more than what was missing"
            named = {entry["name"] for entry in json.loads((folder / "c.gelato" / MANIFEST).read_text())["segments"]}
            assert {entry.name for entry in (folder / "c.gelato/segments").iterdir()} == named
            assert not list((folder / "c.gelato").glob(".*.tmp"))
    return counted


def wipe(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder / "c.gelato")


def embedded(folder: Path) -> set[int]:
    """The images embedded since the log was begun; each at most once."""
    try:
        numbers = [int(line) for line in (folder / "log").read_text().split()]
    except FileNotFoundError:
        return set()
    assert len(numbers) == len(set(numbers)), "one build embedded an image twice"
    return set(numbers)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
