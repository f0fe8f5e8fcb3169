"""The stored names of models: those of the installed packages, and known without importing them."""

import json
import subprocess
import sys

import pytest
import timm

from training.models.published_names import FILE, installed


def test_the_stored_names_are_those_of_the_installed_packages():
    assert json.loads(FILE.read_bytes()) == installed(), "python -m training.models.published_names writes them"
    assert all(timm.is_model(name) for name in installed()["timm"]["names"])


@pytest.mark.parametrize(
    "version, heavy", [(None, False), ("0.0.1", True)], ids=["stored version", "a version that is not stored"]
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
