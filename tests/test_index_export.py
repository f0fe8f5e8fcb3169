"""What comes out is what other programs read, with equal embeddings."""

import numpy as np
import open_clip
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from tests.samples import noise_image
from training.__main__ import cli
from training.models.backbones import build_backbone
from training.models.dual_encoders import build_dual_encoder
from training.models.encoders import load_encoder
from training.models.run_encoder import write_encoder

PHRASES = ["a cat", "two dogs on a red sofa", "a caption that is longer than what the text tower reads " * 3]


def saved(folder, tower: str):
    """A run directory with fresh weights: what matters here is that they arrive."""
    torch.manual_seed(0)
    pair = build_dual_encoder(tower)
    with torch.no_grad():
        for parameter in pair.model.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    write_encoder(folder, pair.made_of, pair.model.state_dict())
    return pair


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "run").mkdir()
    saved(tmp_path / "run", "tiny")
    return tmp_path / "run"


def invoke(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_plain_open_clip_loads_an_exported_run_with_equal_embeddings(run):
    result = invoke("export", run)
    assert result.exit_code == 0, result.output
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{run / 'open_clip'}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{run / 'open_clip'}")
    model.eval().requires_grad_(False)
    ours = load_encoder(str(run), runtime="torch", precision="f32")
    side = ours.image_size  # of the tower, so that neither side resizes: the two resize to within a few grey levels
    images = [noise_image(seed, (side, side)) for seed in range(3)]
    with torch.inference_mode():
        vectors = model.encode_image(torch.stack([preprocess(image) for image in images]), normalize=True).numpy()
        texts = model.encode_text(tokenizer(PHRASES), normalize=True).numpy()
    np.testing.assert_allclose(ours.embed_images(images), vectors, atol=2e-6)
    np.testing.assert_allclose(ours.embed_texts(PHRASES), texts, atol=2e-6)
    again = load_encoder(str(run / "open_clip"), runtime="torch", precision="f32")
    assert np.array_equal(again.embed_texts(PHRASES), ours.embed_texts(PHRASES))


def test_the_text_tower_reads_the_same_in_transformers(run):
    from transformers import CLIPTextModelWithProjection, CLIPTokenizer

    result = invoke("export", run, "--format", "transformers")
    assert result.exit_code == 0, result.output
    folder = run / "transformers"
    tower = CLIPTextModelWithProjection.from_pretrained(folder).eval()
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    tokens = tokenizer(PHRASES, padding="max_length", truncation=True, return_tensors="pt")
    with torch.inference_mode():
        rows = tower(input_ids=tokens["input_ids"]).text_embeds
    rows = torch.nn.functional.normalize(rows, dim=1).numpy()
    ours = load_encoder(str(run), runtime="torch", precision="f32").embed_texts(PHRASES)
    np.testing.assert_allclose(rows, ours, atol=2e-6)


def test_what_a_format_has_no_place_for_is_refused_with_the_reason(tmp_path):
    for name, tower in (("resnet", "tiny-resnet"), ("images", "")):
        (tmp_path / name).mkdir()
        if tower:
            saved(tmp_path / name, tower)
    backbone = build_backbone("tiny")
    write_encoder(tmp_path / "images", backbone.made_of, backbone.network.state_dict())
    for name, reason in (("resnet", "no image tower like tiny-resnet"), ("images", "sees images only")):
        result = invoke("export", tmp_path / name)
        assert result.exit_code == 1 and reason in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize("tower", ["tiny", "tiny-resnet", "resnet18"])
def test_an_image_only_run_is_an_encoder_that_reads_no_words(tmp_path, monkeypatch, tower):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    backbone = build_backbone(tower, 32 if tower == "resnet18" else None)
    write_encoder(tmp_path, backbone.made_of, backbone.network.state_dict())
    encoder = load_encoder(str(tmp_path), precision="f32")
    plain = load_encoder(str(tmp_path), runtime="torch", precision="f32")
    images = [Image.new("RGB", (40, 40), "red"), noise_image(1)]
    assert not encoder.reads_text and encoder.dim == backbone.width
    assert encoder.fingerprint == plain.fingerprint
    assert ((encoder.embed_images(images) * plain.embed_images(images)).sum(axis=1) > 0.9999).all()
