"""The model catalogue agrees with the installed open_clip, and recommends nothing that a user may not use."""

import json
import math
import subprocess
import sys
from pathlib import Path

import open_clip
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from training.models.catalogue import catalogue, catalogue_model
from training.models.catalogue.page import page
from training.models.open_clip_names import HUB_WEIGHTS

MODELS = [pytest.param(model, id=model.name) for model in catalogue()]
QUICK = ("MobileCLIP2-S0/dfndr2b", "ViT-B-16-SigLIP2/webli")  # an architecture of each kind for every day
BUILT = [
    pytest.param(model, id=model.name, marks=() if model.name in QUICK else pytest.mark.slow)
    for model in catalogue()
    if model.use != "multilingual"  # their text towers' configurations are on the hub
]


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_one_of_open_clips_and_its_weights_lie_where_open_clip_fetches_them(model):
    published = open_clip.get_pretrained_cfg(model.architecture, model.tag)
    assert published["hf_hub"] == f"{model.repository}/" and model.weights in HUB_WEIGHTS
    config = open_clip.get_model_config(model.architecture)
    assert config["embed_dim"] == model.dim
    assert config["vision_cfg"]["image_size"] == model.image_size
    text = config["text_cfg"]
    assert (model.tokenizer, model.text_tower) == (text.get("hf_tokenizer_name"), text.get("hf_model_name"))


@pytest.mark.parametrize("model", MODELS)
def test_weights_of_a_tag_are_run_with_the_activation_that_they_were_trained_with(model):
    """open_clip only warns where QuickGELU is missing; ViT-B-16/dfn2b would load, and see less."""
    tag, config = (
        open_clip.get_pretrained_cfg(model.architecture, model.tag),
        open_clip.get_model_config(model.architecture),
    )
    assert tag.get("quick_gelu", False) == config.get("quick_gelu", False)


@pytest.mark.parametrize("model", BUILT)
def test_sizes_are_those_of_the_architecture(model):
    with torch.device("meta"):
        built = open_clip.create_model(model.architecture, load_weights=False, device="meta").eval()
    assert sum(p.numel() for p in built.parameters()) == model.parameters
    assert sum(p.numel() for p in built.visual.parameters()) == model.image_parameters
    side = model.image_size
    with FlopCounterMode(display=False) as counter:
        built.visual(torch.zeros(1, 3, side, side, device="meta", requires_grad=True))
    assert counter.get_total_flops() / 1e9 == pytest.approx(model.image_gflops, abs=0.01)
    assert model.bytes is None or model.bytes == pytest.approx(4 * model.parameters, rel=0.01)


def test_the_catalogue_offers_a_free_choice_of_each_use_and_names_every_restricted_licence():
    models = catalogue()
    assert len({model.name for model in models}) == len(models) >= 15
    free = {model.use for model in models if model.commercial}
    assert free == {"small", "balanced", "best", "multilingual"}
    restricted = ("Apple", "NC", "research")
    assert all(model.commercial != any(word in model.licence for word in restricted) for model in models)
    assert all(model.licence_url.startswith("https://") and model.source.startswith("https://") for model in models)


def test_published_figures_are_percentages_or_left_out():
    for model in catalogue():
        figures = [model.imagenet, *(model.flickr or ()), *(model.coco or ())]
        assert all(figure is None or (1 < figure < 100 and math.isfinite(figure)) for figure in figures)


def test_the_page_is_made_from_the_catalogue():
    assert (Path(__file__).parent.parent / "docs/models.md").read_text() == page()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MobileCLIP2-S0/dfndr2b", "ViT-B-16-SigLIP2/webli", "PE-Core-B-16/meta"])
def test_an_exported_architecture_gives_what_pytorch_gives(name, tmp_path):
    """One of each kind; benchmarks/architectures.py has all."""
    script = str(Path(__file__).parent.parent / "benchmarks/architectures.py")
    limits = ["--most-parameters", "100000000", "--precisions", "f32,bf16"]
    done = subprocess.run([sys.executable, script, "--child", name, *limits], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])["precisions"]
    for precision, least in (("f32", 0.999), ("bf16", 0.99)):
        assert found[precision]["images"]["mean"] >= least and found[precision]["texts"]["mean"] >= least


def test_a_model_is_found_by_the_name_that_encoder_takes():
    model = catalogue_model("ViT-B-16-SigLIP2/webli")
    assert model is not None and (model.architecture, model.tag) == ("ViT-B-16-SigLIP2", "webli")
    assert catalogue_model("ViT-B-16/openai") is None
