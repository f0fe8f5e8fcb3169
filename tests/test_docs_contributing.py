"""The worked examples of CONTRIBUTING.md run as printed. Methods and encoders have theirs in their own test files."""

import json
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

from app.state.library import Library
from app.ui.assets import ASSETS
from index.build import build_collection
from tests.samples import ColourEncoder, paint
from training.evaluation.subject import Subject

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text()


def example(path: str, monkeypatch) -> ModuleType:
    """The module that TEXT prints as the file path."""
    found = re.search(rf"`{re.escape(path)}`:\n\n```python\n(.+?)```", TEXT, re.S)
    assert found, path
    module = ModuleType(path.removesuffix(".py").replace("/", "."))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(found[1], vars(module))
    return module


@pytest.fixture
def images(tmp_path) -> Path:
    for name in ("red", "blue", "green"):
        paint(tmp_path / "images" / f"{name}.png", name)
    return tmp_path / "images"


def test_the_probe_measures_the_norm_of_the_mean(images, monkeypatch):
    subject = Subject(ColourEncoder(), str(images))
    result = example("training/evaluation/norm_of_mean.py", monkeypatch).probe(subject)
    expected = np.linalg.norm(subject.test.images.mean(axis=0))
    assert result.named["norm of the mean"]["value"] == pytest.approx(expected, abs=1e-5)


def test_the_command_lists_images(images, tmp_path, monkeypatch):
    build_collection([images], tmp_path / "my.gelato", ColourEncoder())
    command = example("index/cli/oldest.py", monkeypatch).oldest
    result = CliRunner().invoke(command, [str(tmp_path / "my.gelato"), "-k", "2", "--json"])
    assert len(json.loads(result.output)) == 2


def test_the_tab_counts_images_and_is_laid_out(images, tmp_path, monkeypatch):
    build_collection([images], tmp_path / "my.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder())
    library.add(tmp_path / "my.gelato")
    monkeypatch.setitem(ASSETS, "tabs/hello/hello.js", None)
    tab = example("app/tabs/hello/tab.py", monkeypatch)
    tab.hello_tab(library)
    assert tab.count(library, {}) == {"images": 3}
