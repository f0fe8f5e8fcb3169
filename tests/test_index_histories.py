"""Random histories of a library: whatever happens to files, each has one row, and what was said stays with images."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from index.maintenance.verify import find_faults
from tests.library_model import ACTIONS, Library

HISTORIES = st.lists(
    st.tuples(st.sampled_from(range(len(ACTIONS))), st.integers(0, 11), st.integers(0, 11)), min_size=4, max_size=10
)
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


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


@settings(max_examples=6, derandomize=True, phases=[Phase.generate], **QUIET)
@given(HISTORIES)
def test_a_few_histories_of_a_library_lose_nothing(history):
    live_through(history)


@pytest.mark.slow
@settings(max_examples=2000, print_blob=True, **QUIET)
@given(HISTORIES)
def test_two_thousand_histories_of_a_library_lose_nothing(history):
    live_through(history)
