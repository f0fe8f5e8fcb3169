"""A process that exports for another one ends with it, and what it ends with is said."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXPORT = "import os, sys, time; from training.models.processes import end_with_parent; end_with_parent()\n"
WANT = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, "."]
from training.models.errors import UserError
from training.models.openvino_runtime import export_apart
try:
    export_apart("exporting", "it")
except UserError as error:
    print(error)
"""


def wanting(folder: Path, code: str) -> subprocess.Popen[str]:
    """A process that lets another export, which runs code."""
    (folder / "exporting.py").write_text(EXPORT + code)
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", WANT], cwd=folder, text=True, stdout=pipe, stderr=pipe)


def test_an_export_ends_when_the_process_that_wants_it_is_killed(tmp_path: Path):
    parent = wanting(tmp_path, "open('begun', 'w').close(); time.sleep(60)")
    while not (tmp_path / "begun").exists():
        assert parent.poll() is None
    parent.kill()
    parent.communicate(timeout=20)  # stderr ends when both have ended: they share it


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", ""),
        ("print('a warning'); print('There is no such model.'); sys.exit(1)", "There is no such model.\n"),
        ("os.kill(os.getpid(), 9)", "The process that exports it was killed by signal 9; is memory short?\n"),
    ],
)
def test_what_an_export_ends_with_is_said(code: str, said: str, tmp_path: Path):
    assert wanting(tmp_path, code).communicate(timeout=60) == (said, "")
