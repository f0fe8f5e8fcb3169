"""The stored names of models: those of the installed packages, and known without importing them."""

import json
import subprocess
import sys

import pytest
import timm

from training.models import published_names
from training.models.published_names import FILE, installed


def test_the_stored_names_are_those_of_the_installed_packages():
    assert json.loads(FILE.read_bytes()) == installed(), "python -m training.models.published_names writes them"
    assert all(timm.is_model(name) for name in installed()["timm"]["names"])


@pytest.mark.parametrize(
    "version, heavy",
    [
        pytest.param(None, False, id="stored version"),
        pytest.param("0.0.1", True, id="a version that is not stored", marks=pytest.mark.slow),
    ],
)
def test_a_name_wrong_or_right_imports_no_model_library_unless_the_stored_names_are_of_another_version(version, heavy):
    script = f"""
import sys
from training.models import published_names
if {version!r}:
    for package in published_names._stored().values():
        package["version"] = {version!r}
from training.models.encoders import load_encoder
from training.models.errors import UserError
for name in ("resnet81", "ViT-B-23/openai", "ViT-B-32/opanai"):
    try:
        load_encoder(name, "openvino", "f32")
    except UserError as error:
        print(error)
from training.models.downloads.needs import needs_of
print([need.repository for need in needs_of("ViT-B-32/openai")])
print({{"torch", "timm", "open_clip"}} & set(sys.modules) != set())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 5 and "Did you mean openai" in lines[2]
    assert lines[3:] == ["['timm/vit_base_patch32_clip_224.openai']", str(heavy)]


def test_names_that_are_stored_of_another_version_are_read_from_the_package(monkeypatch):
    monkeypatch.setattr(published_names, "_is_stored", lambda package, module: False)
    monkeypatch.setattr(published_names, "_stored", lambda: pytest.fail("the file is of another version"))
    assert published_names.is_timm_model("resnet18") and not published_names.is_timm_model("resnet81")
    assert "openai" in published_names.open_clip_tags()["ViT-B-32"]


def test_the_file_counts_only_for_its_own_version_and_while_no_package_is_imported(monkeypatch):
    stored = {"timm": {"version": published_names.version("timm"), "names": []}}
    monkeypatch.setattr(published_names, "_stored", lambda: stored)
    assert not published_names._is_stored("timm", "timm")  # it is imported here
    assert published_names._is_stored("timm", "a module that is not imported")
    stored["timm"]["version"] = "0.0.1"
    assert not published_names._is_stored("timm", "a module that is not imported")
