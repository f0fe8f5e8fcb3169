"""Encoders by name: the registry of families."""

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from training.models import encoders
from training.models.encoder import Encoder, unit
from training.models.encoders import ENCODERS, load_encoder
from training.models.errors import UserError


@pytest.mark.parametrize("family", ENCODERS, ids=lambda family: family.place)
def test_each_family_is_loaded_by_name_runtime_and_precision(family):
    file, _, function = family.place.partition(":")
    load = getattr(import_module(f"training.models.{file}"), function)
    assert list(inspect.signature(load).parameters) == ["name", "runtime", "precision"]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("starter", "starter:load_starter"),
        ("resnet18.a1_in1k", "timm_encoder:load_timm"),
        ("timm/resnet18.a1_in1k", "timm_encoder:load_timm"),
        ("ViT-B-32/laion2b_s34b_b79k", "open_clip_encoder:load_open_clip"),
        ("hf-hub:laion/CLIP-ViT-B-32", "open_clip_encoder:load_open_clip"),
        ("zoo/simclr", "zoo:load_zoo"),
        ("startr", None),
    ],
)
def test_a_name_belongs_to_the_first_family_that_matches(name, place):
    assert next((family.place for family in ENCODERS if family.matches(name)), None) == place


def test_a_run_directory_is_known_by_its_files_and_says_when_it_has_no_weights(tmp_path):
    (tmp_path / "config.json").touch()
    (tmp_path / "metrics.jsonl").touch()
    with pytest.raises(UserError, match="has no weights yet"):
        load_encoder(str(tmp_path))


def test_the_worked_example_is_a_family_by_its_file_and_its_line(monkeypatch):
    text = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text()
    file, line = re.search(
        r"colour_encoder\.py`:\n\n```python\n(.+?)```.+?\n    (EncoderFamily.+?),\n", text, re.S
    ).groups()
    module = ModuleType("training.models.colour_encoder")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(file, vars(module))
    monkeypatch.setattr(encoders, "ENCODERS", (eval(line, vars(encoders)), *ENCODERS))
    encoder = load_encoder("colours-2")
    half = np.zeros((10, 10, 3), np.uint8)
    half[:5] = 255, 0, 0
    assert np.allclose(
        encoder.embed_images([Image.fromarray(half)]), [[0.5**0.5, 0, 0, 0, 0.5**0.5, 0, 0, 0]], atol=0.05
    )
    with pytest.raises(UserError, match="sees images only"):
        encoder.embed_texts(["red"])
    with pytest.raises(UserError, match="2 to 16"):
        load_encoder("colours-many")
    with pytest.raises(UserError, match=r"no encoder called 'colurs'.*colours-BINS"):
        load_encoder("colurs")


def test_an_encoder_that_reads_text_says_so_if_it_cannot():
    class Forgetful(Encoder):
        name, dim, image_size, fingerprint = "forgetful", 2, 8, "0"

        def embed_pixels(self, pixels):
            return unit(np.ones((len(pixels), 2)))

    with pytest.raises(ValueError, match="Forgetful has no embed_text_batch"):
        Forgetful().embed_texts(["red"])
