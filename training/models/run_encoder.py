"""A run directory as an encoder: what pretraining leaves behind, ready for search."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.models.atomic import write_file
from training.models.encoder import Encoder, Pixels, Vectors, unit
from training.models.preprocess import Preprocessing
from training.models.run_files import FACTS, WEIGHTS, facts_of, load_weights
from training.models.runtime import image_module, load_tower, resolve
from training.models.towers import build_backbone, pair_of, timm_backbone

if TYPE_CHECKING:
    import torch


class ImageOnly(Encoder):
    """A backbone that images alone have taught: it embeds images and reads no words."""

    reads_text, logit_scale = False, 100.0

    def __init__(self, name: str, backbone: Any, weights: str, runtime: str, precision: str):
        self.name, self.runtime, self.precision = name, runtime, precision
        self.image_size, self.preprocessing = backbone.image_size, Preprocessing(backbone.image_size)
        facts = json.dumps([backbone.made_of, backbone.mean, backbone.std], sort_keys=True)
        self.fingerprint = hashlib.sha256(f"{weights}{facts}".encode()).hexdigest()[:16]
        pixels = np.zeros((1, self.image_size, self.image_size, 3), np.uint8)
        self.see = load_tower(
            lambda: image_module(backbone.network, backbone.mean, backbone.std),
            pixels,
            f"{self.fingerprint}-image",
            runtime,
            precision,
            streams=True,
        )
        self.dim = self.see(pixels).shape[1]
        self.parameters = sum(tensor.numel() for tensor in backbone.network.parameters())

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        return unit(self.see(pixels))

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        raise ValueError(f"{self.name} reads no words")


def load_timm(name: str, runtime: str | None = None, precision: str | None = None) -> Encoder:
    """The encoder that timm publishes as name, such as resnet18.a1_in1k. UserError if its weights cannot be had."""
    runtime, precision = resolve(runtime, precision)
    backbone = timm_backbone(name, trained=True)
    backbone.network.eval().requires_grad_(False)
    whole = hashlib.sha256()
    for tensor in backbone.network.state_dict().values():
        whole.update(tensor.cpu().numpy().tobytes())
    return ImageOnly(name, backbone, whole.hexdigest(), runtime, precision)


def load_trained(run: Path, runtime: str | None = None, precision: str | None = None) -> Encoder:
    """The encoder that a run directory holds. UserError if its weights are missing or do not fit."""
    facts = facts_of(run)
    runtime, precision = resolve(runtime, precision)
    with (run / WEIGHTS).open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    return encoder_of(facts, lambda module: load_weights(module, run), str(run), weights, runtime, precision)


def encoder_of(
    facts: dict[str, Any],
    fill: "Callable[[torch.nn.Module], object]",
    name: str,
    weights: str,
    runtime: str,
    precision: str,
) -> Encoder:
    """An encoder of the towers that facts describe. fill: puts the weights in. weights: what identifies them."""
    if facts["kind"] == "images":
        backbone = build_backbone(facts["tower"], facts["image_size"], weights=False)
        fill(backbone.network)
        backbone.network.eval().requires_grad_(False)
        return ImageOnly(name, backbone, weights, runtime, precision)
    from training.models.open_clip_encoder import Facts, OpenClip

    pair = pair_of(facts["model_cfg"], facts["tower"], facts["preprocess_cfg"])
    fill(pair.model)
    pair.model.eval().requires_grad_(False)
    known = Facts.of(pair.model, pair.tokenizer, weights)
    return OpenClip(name, known, lambda: pair.model, lambda: pair.tokenizer, runtime, precision)


def write_trained(run: Path, facts: dict[str, Any], state: "dict[str, torch.Tensor]") -> None:
    """What search loads, into a run directory: the weights first, since encoder.json says that they are there."""
    from safetensors.torch import save

    write_file(run / WEIGHTS, save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}))
    write_file(run / FACTS, json.dumps(facts, indent=1).encode() + b"\n")
