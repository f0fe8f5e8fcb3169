"""build --watch keeps a collection in step with its folders."""

import shutil
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from index.build import build_collection
from index.collection import Collection
from index.watch import Pace, watch_sources
from tests.samples import noise_image, paint

QUICK = Pace(quiet=0.3, longest=2.0)


@contextmanager
def watching(source, into, encoder):
    """Watches a folder in a thread; gives the reports of its builds and what went wrong."""
    reports, faults, ended = [], [], threading.Event()

    def rebuild() -> None:
        reports.append(build_collection([source], into, encoder))

    work = threading.Thread(target=watch_sources, args=([source], into, rebuild, ended.is_set, faults.append, QUICK))
    work.start()
    time.sleep(0.3)
    try:
        yield reports, faults
    finally:
        ended.set()
        work.join(10)
        assert not work.is_alive()


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def paths(into: Path) -> list[str]:
    return sorted(Collection.open(into).column("path"))


def test_changes_in_a_folder_are_built_once_they_have_settled_and_renames_cost_nothing(squares, encoder):
    into = squares / "inside.gelato"  # what a build writes there does not count as a change
    build_collection([squares], into, encoder)
    with watching(squares, into, encoder) as (reports, faults):
        for number in range(5):
            noise_image(number).save(squares / f"{number}.png")
        assert until(lambda: len(paths(into)) == 10)
        assert len(reports) <= 2, "several files at once are one build, or two"
        before = encoder.embedded
        (squares / "warm/red.png").rename(squares / "cold/crimson.png")
        assert until(lambda: "cold/crimson.png" in paths(into))
        assert encoder.embedded == before
        time.sleep(0.5)  # the report comes a moment after the rows
        builds = len(reports)
        time.sleep(1.0)
        assert len(reports) == builds and not faults


def test_watching_survives_errors_and_a_drive_that_goes_and_comes(squares, tmp_path, encoder):
    into = tmp_path / "c.gelato"
    build_collection([squares], into, encoder)
    with watching(squares, into, encoder) as (reports, faults):
        shutil.move(squares, tmp_path / "away")
        assert until(lambda: any("marked as offline" in fault for fault in faults))
        assert all(Collection.open(into).offline)
        shutil.move(tmp_path / "away", squares)
        assert until(lambda: not any(Collection.open(into).offline))
        paint(squares / "new.png", "blue")
        assert until(lambda: "new.png" in paths(into)) and reports
