"""docs/encoders.md says what is stored, and names every method."""

import subprocess
import sys
from pathlib import Path

from training.methods import METHODS

ROOT = Path(__file__).parent.parent


def test_the_page_is_made_of_what_is_stored():
    done = subprocess.run(
        [sys.executable, "benchmarks/encoders.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_method_has_its_line():
    page = (ROOT / "docs/encoders.md").read_text()
    elsewhere = ("clip", "siglip", "devise", "distillation")  # of image-text pairs, which another page is about
    assert not [name for name in METHODS if f"`{name}`" not in page and name not in elsewhere]
