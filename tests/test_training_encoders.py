"""Encoders by name: the registry of families."""

import inspect
import sys
from importlib import import_module
from types import ModuleType

import pytest

from tests.samples import ColourEncoder
from training.models import encoders
from training.models.encoders import ENCODERS, EncoderFamily, load_encoder
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


def test_a_family_is_added_by_one_file_and_one_line(monkeypatch):
    module = ModuleType("training.models.colour_encoder")
    module.load_colours = lambda name, runtime, precision: ColourEncoder()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    line = EncoderFamily("colours", lambda name: name == "colours", "colour_encoder:load_colours")
    monkeypatch.setattr(encoders, "ENCODERS", (*ENCODERS, line))
    assert isinstance(load_encoder("colours"), ColourEncoder)
    with pytest.raises(UserError, match=r"no encoder called 'colurs'.*colours"):
        load_encoder("colurs")
