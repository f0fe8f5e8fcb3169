"""A tower gives what fp32 PyTorch gives, however it runs."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from training.models import half_precision, openvino_runtime, runtime
from training.models import quantisation as eight_bits
from training.models.errors import UserError
from training.models.runtime import image_module, load_tower, resolve

MEAN, STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


def tower() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 16, 3, 2), torch.nn.ReLU(), torch.nn.Conv2d(16, 32, 3, 2), torch.nn.GELU()]
    return torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(32, 24))


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def expected(pixels):
    normalised = (pixels.astype(np.float32) / 255 - MEAN) / STD
    with torch.no_grad():
        return tower().eval()(torch.from_numpy(normalised.transpose(0, 3, 1, 2).astype(np.float32))).numpy()


def cosines(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.parametrize(
    "runtime, precision, least", [("openvino", "f32", 0.9999), ("torch", "f32", 0.9999), ("openvino", None, 0.995)]
)
def test_each_runtime_agrees_with_fp32_pytorch(pixels, expected, runtime, precision, least, tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    runtime, precision = resolve(runtime, precision)
    run = load_tower(lambda: image_module(tower(), MEAN, STD), pixels[:1], "key", runtime, precision)
    assert run(pixels).dtype == np.float32
    assert cosines(run(pixels), expected).min() >= least


def test_eight_bits_turn_the_vectors_a_little_and_are_made_once(pixels, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    build = partial(image_module, tower(), MEAN, STD)
    run = load_tower(build, pixels[:1], "key", "openvino", "int8")
    [stored] = tmp_path.rglob("key-int8.xml")
    assert "FakeQuantize" in stored.read_text()
    of_photographs = json.loads(stored.with_suffix(".json").read_text())["mean_cosine"]
    assert 0.99 <= of_photographs < 1 and cosines(run(pixels), expected).mean() >= 0.98
    monkeypatch.setitem(sys.modules, "nncf", None)
    again = load_tower(build, pixels[:1], "key", "openvino", "int8")
    assert np.array_equal(again(pixels), run(pixels))


def test_a_tower_that_eight_bits_turn_too_far_is_not_used(pixels, tmp_path, monkeypatch):
    def copied(openvino, core, path, small, side, seven_bit_weights):
        for ending in (".xml", ".bin"):
            shutil.copy(path.with_suffix(ending), small.with_suffix(ending))

    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    monkeypatch.setattr(eight_bits, "_quantize", copied)
    monkeypatch.setattr(eight_bits, "_cosine", lambda whole, small, pixels: 0.97)
    for _ in range(2):  # and again from what is written down
        with pytest.raises(UserError, match=r"mean cosine 0\.970.*bf16 or f32"):
            load_tower(partial(image_module, tower(), MEAN, STD), pixels[:1], "key", "openvino", "int8")


class Offset(torch.nn.Module):
    """Adds a large constant and takes it away again, which bf16 cannot."""

    def __init__(self, part: torch.nn.Module):
        super().__init__()
        self.part, self.offset = part, torch.nn.Parameter(torch.tensor(3000.0))
        rows = torch.randn(24, 24)
        self.last = torch.nn.Parameter(rows - rows.mean(dim=0))  # the constant is orthogonal to it

    def forward(self, pixels):
        return (self.part(pixels) + self.offset) @ self.last


def test_a_tower_that_bf16_turns_too_far_runs_in_f32(pixels, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    module = image_module(Offset(tower()), MEAN, STD)
    runs = [load_tower(lambda: module, pixels[:1], "key", "openvino", "bf16") for _ in range(2)]
    with torch.no_grad():
        expected = module(torch.from_numpy(pixels)).numpy()
    assert all(cosines(run(pixels), expected).min() >= 0.999 for run in runs)
    [facts] = tmp_path.rglob("key-half.json")
    short = json.loads(facts.read_bytes())["mean_cosine"] < 0.99  # a processor without bf16 computes it in f32
    assert short or not openvino_runtime.has_bf16()
    assert capsys.readouterr().err.count("the image tower of this encoder turns its vectors too far") == short


def test_texts_are_compared_too_and_the_measured_cosine_decides(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    tokens = np.arange(32, dtype=np.int64).reshape(4, 8)
    text_tower = torch.nn.Sequential(torch.nn.Embedding(32, 8), torch.nn.Flatten())
    used = []
    monkeypatch.setattr(runtime, "load_export", lambda path, precision, **_: used.append(precision) or np.float32)
    for cosine in (0.991, 0.989):
        monkeypatch.setattr(half_precision, "centred_cosine", lambda half, full, cosine=cosine: cosine)
        for _ in range(2):  # and again from what is written down
            load_tower(lambda: text_tower, tokens[:1], str(cosine), "openvino", "bf16", trial=lambda: tokens)
    assert used == ["bf16", "f32", "bf16", "bf16", "bf16", "f32", "f32", "f32"]


def test_a_tower_is_exported_once_and_then_needs_no_module(pixels, tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    first = load_tower(lambda: image_module(tower(), MEAN, STD), pixels[:1], "key", "openvino", "f32")

    def never():
        raise AssertionError("built again")

    [stored] = tmp_path.rglob("*.compiled")
    written = stored.stat().st_mtime_ns
    for break_it in (lambda: None, lambda: stored.write_bytes(b"no tower"), lambda: stored.write_bytes(b"")):
        break_it()
        again = load_tower(never, pixels[:1], "key", "openvino", "f32")
        assert np.array_equal(first(pixels), again(pixels))
    assert stored.stat().st_mtime_ns > written and stored.stat().st_size > 100, "what is damaged is written anew"
    os.utime(stored, ns=(0, 0))  # compiled of an earlier export
    load_tower(never, pixels[:1], "key", "openvino", "f32")
    assert stored.stat().st_mtime_ns > written


def test_many_threads_may_use_one_tower(pixels, tmp_path, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    run = load_tower(lambda: image_module(tower(), MEAN, STD), pixels[:1], "key", "openvino", "f32")
    alone = [run(pixels[i : i + 1]) for i in range(5)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda i: run(pixels[i % 5 : i % 5 + 1]), range(40)))
    assert all(np.allclose(together[i], alone[i % 5], atol=1e-6) for i in range(40))


@pytest.mark.parametrize("runtime, precision", [("tensorflow", None), (None, "int3")])
def test_an_unknown_choice_names_the_known_ones(runtime, precision):
    with pytest.raises(UserError, match=r"Choose from: (openvino, torch|bf16, f16, f32, int8)"):
        resolve(runtime, precision)


def test_without_openvino_pytorch_does_the_work(monkeypatch):
    monkeypatch.setattr("training.models.runtime.find_spec", lambda name: None)
    assert resolve()[0] == "torch"
    with pytest.raises(UserError, match="not installed"):
        resolve("openvino")
    monkeypatch.undo()
    with pytest.raises(UserError, match="f16 is for GPUs"):
        resolve("openvino", "f16")
    with pytest.raises(UserError, match="int8 is for processors"):
        resolve("torch", "int8")


def test_an_export_asks_nothing_of_any_network(tmp_path):
    """OpenVINO comes with telemetry that looks up a host at every export, and NNCF at every use."""
    script = """
import socket, sys
asked = []
sys.addaudithook(lambda event, args: asked.append(event) if event in ("socket.getaddrinfo", "socket.connect") else None)
import numpy as np, torch
from training.models.runtime import image_module, load_tower
tower = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, 2), torch.nn.Flatten())
pixels = np.zeros((1, 16, 16, 3), np.uint8)
load_tower(lambda: image_module(tower, [0.5] * 3, [0.5] * 3), pixels, "key", "openvino", "int8")(pixels)
print(asked, "openvino_telemetry.main" in sys.modules)
"""
    environment = os.environ | {"GELATO_CACHE": str(tmp_path)}
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "[] False", done.stderr


def test_calls_that_run_side_by_side_each_get_their_own_answer(pixels, tmp_path, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    run = load_tower(lambda: image_module(tower(), MEAN, STD), pixels[:1], "key", "openvino", "f32", streams=True)
    batches = [pixels[: 1 + i % 5] + np.uint8(i) for i in range(200)]
    alone = [run(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, batches, timeout=60))
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(alone, together, strict=True))


def test_two_threads_never_export_at_once(tmp_path, monkeypatch):
    """Tracing two modules at the same time mixes up their graphs, as a page that opens two encoders would."""
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    inside, most = [0], [0]

    def convert(module, example_input):
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.05)
        inside[0] -= 1
        return SimpleNamespace(reshape=lambda shape: None)

    def save(model, path, compress_to_fp16):
        path.write_text("graph")
        path.with_suffix(".bin").write_text("weights")

    fake = SimpleNamespace(__version__="0-test", convert_model=convert, save_model=save)
    monkeypatch.setattr(openvino_runtime, "library", lambda: fake)
    example = np.zeros((1, 2), np.float32)
    threads = [
        threading.Thread(target=openvino_runtime.exported, args=(torch.nn.Identity, example, f"tower-{i}", (0,), "f32"))
        for i in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] and len(list(tmp_path.rglob("tower-*.xml"))) == 3
