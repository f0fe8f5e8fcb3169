"""Random histories of a library: whatever happens to files, each has one row, and what was said stays with images.

    python -m tests.random_histories COUNT SEED

Lives through so many histories and prints a JSON object with their number, or dies with the assertion that failed and
the shortest history that shows it.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from index.maintenance.verify import find_faults
from tests.library_model import ACTIONS, Library

HISTORIES = st.lists(
    st.tuples(st.sampled_from(range(len(ACTIONS))), st.integers(0, 11), st.integers(0, 11)), min_size=4, max_size=10
)
QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


def live_through(history) -> None:
    """history: numbers of an action and of what it chooses. What a search needs is made elsewhere and left out."""
    root = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        with pytest.MonkeyPatch.context() as patched:
            for module in ("index.ingest.build_run", "index.maintenance.dropping", "index.maintenance.undo"):
                patched.setattr(f"{module}.save_derived", lambda *_: None)
            library = Library(root)
            for number, a, b in history:
                ACTIONS[number](library, a, b)
            library.build()
        assert find_faults(library.into) == []
    finally:
        shutil.rmtree(root)


def run(count: int, number: int) -> dict[str, int]:
    """Live through count histories that are drawn by a seed; how many there were."""
    counted = {"histories": 0, "actions": 0}

    @seed(number)
    @settings(QUIET, max_examples=count)
    @given(HISTORIES)
    def live(history) -> None:
        live_through(history)
        counted["histories"] += 1
        counted["actions"] += len(history)

    live()
    return counted


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]))))
