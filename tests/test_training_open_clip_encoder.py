"""open_clip models: the real loading code on small random checkpoints that the tests write themselves."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import open_clip
import pytest
import timm
import torch
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import save_file

from training.models import hub
from training.models.backbones import build_backbone
from training.models.dual_encoders import build_dual_encoder, dual_encoder_from_config
from training.models.encoders import load_encoder
from training.models.errors import UserError
from training.models.prompts import template_set
from training.models.zero_shot import ClassName, zero_shot_classifier

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
PREPROCESS = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4], "interpolation": "bicubic", "resize_mode": "shortest"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model as open_clip keeps one on the hub: a config beside its weights, both made here."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    model = open_clip.model.CLIP(**TINY)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": TINY, "preprocess_cfg": PREPROCESS}))
    return folder


@pytest.fixture(scope="module")
def reference(folder):
    """The same model as open_clip itself makes it."""
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    return model.eval(), preprocess, open_clip.get_tokenizer(f"local-dir:{folder}")


@pytest.fixture(scope="module")
def encoder(folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GELATO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield load_encoder(str(folder), precision="f32")


def photograph(seed: int, size=(120, 90)) -> Image.Image:
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC)


def test_images_embed_as_open_clip_embeds_them(encoder, reference):
    model, preprocess, _ = reference
    images = [photograph(1), photograph(2, (60, 200)), photograph(3, (31, 33))]
    with torch.no_grad():
        expected = model.encode_image(torch.stack([preprocess(p) for p in images]), normalize=True).numpy()
    ours = encoder.embed_images(images)
    assert ours.dtype == np.float32
    assert ((ours * expected).sum(axis=1) > 0.9999).all()


def test_phrases_embed_as_open_clip_embeds_them(encoder, reference):
    model, _, tokenizer = reference
    phrases = ["a cat", "a photo of a dog on a beach", "x " * 200]
    with torch.no_grad():
        expected = model.encode_text(tokenizer(phrases), normalize=True).numpy()
    assert ((encoder.embed_texts(phrases) * expected).sum(axis=1) > 0.9999).all()
    assert encoder.logit_scale == pytest.approx(model.logit_scale.exp().item())


@pytest.mark.parametrize("templates", ["plain", "7"])
def test_the_zero_shot_classifier_agrees_with_open_clips(encoder, reference, templates):
    model, _, tokenizer = reference
    names = ["cat", "dog", "red bicycle"]
    expected = open_clip.build_zero_shot_classifier(model, tokenizer, names, template_set(templates)).T.numpy()
    ours = zero_shot_classifier(encoder, [ClassName(name) for name in names], template_set(templates))
    assert ((ours * expected).sum(axis=1) > 0.9999).all()


def test_the_fingerprint_is_of_the_weights_and_not_of_how_they_run(encoder, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    assert load_encoder(str(folder), runtime="torch").fingerprint == encoder.fingerprint
    other = tmp_path / "other"
    other.mkdir()
    config = {"model_cfg": TINY, "preprocess_cfg": PREPROCESS | {"mean": [0.1, 0.1, 0.1]}}
    (other / "open_clip_config.json").write_text(json.dumps(config))
    (other / "open_clip_model.safetensors").write_bytes((folder / "open_clip_model.safetensors").read_bytes())
    assert load_encoder(str(other), runtime="torch").fingerprint != encoder.fingerprint


def fresh(cache, folder):
    """What a new process makes of a photograph by the model in folder, and which heavy libraries it loads for it."""
    script = f"""
import json, sys
import numpy as np
from PIL import Image
from training.models.encoders import load_encoder
encoder = load_encoder({str(folder)!r}, precision="f32")
vector = encoder.embed_images([Image.fromarray(np.arange(3072, dtype=np.uint32).astype(np.uint8).reshape(32, 32, 3))])
heavy = sorted({{"torch", "torchvision", "open_clip", "timm", "transformers"}} & set(sys.modules))
print(json.dumps([encoder.fingerprint, vector[0].tolist(), heavy]))
"""
    root, environment = Path(__file__).parent.parent, os.environ | {"GELATO_CACHE": str(cache)}
    done = subprocess.run([sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


def test_a_model_opened_before_opens_without_torch_and_without_reading_its_checkpoint(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    copied = Path(shutil.copytree(folder, tmp_path / "model"))
    encoder = load_encoder(str(copied), precision="f32")
    gradient = Image.fromarray(np.arange(3072, dtype=np.uint32).astype(np.uint8).reshape(32, 32, 3))
    [expected] = encoder.embed_images([gradient])
    weights = copied / "open_clip_model.safetensors"
    before = weights.stat()
    weights.write_bytes(bytes(before.st_size))
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    fingerprint, vector, heavy = fresh(tmp_path / "cache", copied)
    assert fingerprint == encoder.fingerprint and np.allclose(vector, expected, atol=1e-6)
    assert heavy == []
    os.utime(weights)  # now it can be seen to have changed, and is read
    with pytest.raises(UserError, match="cannot be loaded"):
        load_encoder(str(copied), precision="f32")


@pytest.mark.slow
def test_the_first_opening_exports_in_a_process_of_its_own(folder, encoder, tmp_path):
    fingerprint, _, heavy = fresh(tmp_path / "cache", folder)
    assert fingerprint == encoder.fingerprint and heavy == []
    assert len(list((tmp_path / "cache").rglob("*.xml"))) == 2
    with pytest.raises(AssertionError, match=r"UserError: .* cannot be loaded"):
        broken = Path(shutil.copytree(folder, tmp_path / "broken"))
        (broken / "open_clip_model.safetensors").write_bytes(b"nothing")
        fresh(tmp_path / "cache", broken)


@pytest.mark.slow
def test_a_checkpoint_file_of_a_named_architecture_loads(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    model = open_clip.create_model("RN50")
    torch.save({"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}}, tmp_path / "epoch_1.pt")
    encoder = load_encoder(f"RN50/{tmp_path}/epoch_1.pt", runtime="torch")
    assert encoder.embed_texts(["a cat"]).shape == (1, encoder.dim) == (1, 1024)


def test_a_checkpoint_that_would_run_code_is_refused(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    marker = tmp_path / "ran"

    class Payload:
        def __reduce__(self):
            return (marker.touch, ())

    torch.save({"state_dict": Payload()}, tmp_path / "evil.pt")
    with pytest.raises(UserError, match="which reading would have to run"):
        load_encoder(f"ViT-B-32/{tmp_path}/evil.pt", runtime="torch")
    assert not marker.exists()


@pytest.mark.parametrize("name", ["ViT-B-32/laion2b_s34b_b79k", "hf-hub:some/model", "ViT-B-16-SigLIP/webli"])
def test_a_model_that_cannot_be_fetched_ends_within_three_seconds_in_one_sentence(name, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    started = time.monotonic()
    with pytest.raises(UserError) as caught:
        load_encoder(name, runtime="torch")
    assert time.monotonic() - started < 10  # meant are three; the machine may be busy, and imports count
    message = str(caught.value)
    assert name in message and "hub" in message and "starter works" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "make",
    [lambda: build_dual_encoder("resnet10t.c3_in1k"), lambda: build_backbone("resnet10t.c3_in1k"),
     lambda: load_encoder("resnet10t.c3_in1k"), lambda: build_dual_encoder("roberta-ViT-B-32")],
    ids=["pair", "backbone", "encoder", "text"],
)  # fmt: skip
def test_a_tower_whose_weights_cannot_be_fetched_ends_soon_in_one_sentence(make, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing listens there
    started = time.monotonic()
    with pytest.raises(UserError, match="are not on this machine and cannot be fetched") as caught:
        make()
    assert "\n" not in str(caught.value)
    assert time.monotonic() - started < 15  # the hub's own client retries for most of a minute


def test_published_weights_of_a_tower_come_from_this_machine_and_its_runs_need_no_others(tmp_path, monkeypatch):
    """The hub's own cache layout, as a download would have left it."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for module in ("constants", "file_download.constants"):
        monkeypatch.setattr(f"huggingface_hub.{module}.HF_HUB_CACHE", str(tmp_path))
    published = timm.create_model("resnet10t", pretrained=False)
    repository = tmp_path / "models--timm--resnet10t.c3_in1k"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("a" * 40)
    save_file(published.state_dict(), snapshot / "model.safetensors")
    pair = build_dual_encoder("resnet10t.c3_in1k", text_tower="tiny")
    found = pair.model.visual.trunk.state_dict()
    assert torch.equal(found["conv1.0.weight"], published.state_dict()["conv1.0.weight"])
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "elsewhere"))
    again = dual_encoder_from_config(
        pair.made_of["model_cfg"], "resnet10t.c3_in1k"
    )  # as a run's weights are read elsewhere
    again.model.load_state_dict(pair.model.state_dict())


def test_what_this_machine_lacks_is_asked_of_a_hub_that_is_there(monkeypatch):
    tried = []

    def make() -> str:
        tried.append(constants.HF_HUB_OFFLINE)
        if tried[-1]:
            raise FileNotFoundError("not here")
        return "made"

    monkeypatch.setattr(hub, "reachable", lambda: True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert hub.made_with(make) == "made" and tried == [True, False]


def test_a_cached_hub_model_loads_with_no_network(folder, tmp_path, monkeypatch):
    """The hub's own cache layout, as a download would have left it."""
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    repository = tmp_path / "hub/models--some--tiny"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("a" * 40)
    for name in ("open_clip_config.json", "open_clip_model.safetensors"):
        (snapshot / name).write_bytes((folder / name).read_bytes())
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    encoder = load_encoder("hf-hub:some/tiny", runtime="torch")
    assert encoder.embed_texts(["a cat"]).shape == (1, 32)


@pytest.mark.parametrize(
    "name, message",
    [
        ("ViT-B-23/openai", "no architecture called 'ViT-B-23'. Did you mean"),
        ("ViT-B-32/opanai", "Did you mean openai"),
        ("ViT-B-32/nowhere.pt", "there is no such file"),
        ("nothing", "no encoder called 'nothing'"),
        ("runs/frist", r"There is no folder runs/frist.* Did you mean runs/first\?"),
        ("./runs/frist", r"There is no folder \./runs/frist\. Did you mean runs/first\?"),
        ("/no/such/folder", r"There is no folder /no/such/folder\.$"),
        ("~/no-such-run", r"There is no folder ~/no-such-run"),
        ("runs/first", r"without open_clip_config\.json.* without encoder\.json"),
        ("Zoo/SimCLR", r"Did you mean zoo/simclr\?$"),
        ("Timm/resnet18.a1_in1k", r"Did you mean timm/resnet18\.a1_in1k\?$"),
        ("HF-hub:timm/ViT-B-16-SigLIP2", r"Did you mean hf-hub:timm/ViT-B-16-SigLIP2\?$"),
        ("runs/weights.pt", r"is a file; a checkpoint needs its architecture before it"),
    ],
)
def test_a_name_that_leads_nowhere_is_answered_with_names_that_do(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs/first").mkdir(parents=True)
    (tmp_path / "runs/weights.pt").write_bytes(b"weights")
    with pytest.raises(UserError, match=message):
        load_encoder(name)


def test_a_folder_without_a_config_is_no_encoder(tmp_path):
    with pytest.raises(UserError, match=r"without open_clip_config\.json"):
        load_encoder(str(tmp_path))
