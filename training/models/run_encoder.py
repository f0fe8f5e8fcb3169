"""The encoder in a run directory of `python -m training`: written by the trainer, loaded by search."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.models.atomic import write_file
from training.models.backbones import build_backbone
from training.models.dual_encoders import dual_encoder_from_config
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.image_encoder import ImageEncoder
from training.models.open_clip_weights import hash_file
from training.models.run_files import CONFIG_FILE, WEIGHTS_FILE, has_encoder, load_run_weights, read_encoder_config
from training.models.runtime import resolve

if TYPE_CHECKING:
    import torch


def load_run(name: str, runtime: str | None = None, precision: str | None = None) -> Encoder:
    """The encoder of the run directory called name. UserError if its weights are missing or do not fit."""
    run = Path(name).expanduser()
    if not has_encoder(run):
        raise UserError(f"The run {name} has no weights yet; it writes them with its first checkpoint.")
    if not (run / WEIGHTS_FILE).is_file():
        raise UserError(f"{name} has {CONFIG_FILE} and no {WEIGHTS_FILE}; copy both from where the run is.")
    return encoder_in(run, str(run), runtime, precision)


def encoder_in(folder: Path, name: str, runtime: str | None = None, precision: str | None = None) -> Encoder:
    """The encoder that write_encoder put into folder. name: what it is to be called."""
    config = read_encoder_config(folder)
    runtime, precision = resolve(runtime, precision)
    weights = hash_file(folder / WEIGHTS_FILE)
    return build_encoder(config, lambda module: load_run_weights(module, folder), name, weights, runtime, precision)


def build_encoder(
    config: Mapping[str, Any],
    load_weights: "Callable[[torch.nn.Module], object]",
    name: str,
    weights: str,
    runtime: str,
    precision: str,
) -> Encoder:
    """An encoder of the towers that config describes. load_weights: fills a module. weights: what identifies them."""
    if config["kind"] == "images":
        backbone = build_backbone(config["tower"], config["image_size"], weights=False)
        load_weights(backbone.network)
        backbone.network.eval().requires_grad_(False)
        return ImageEncoder(name, backbone, weights, runtime, precision)
    from training.models.open_clip_encoder import OpenClipEncoder, OpenClipMetadata

    pair = dual_encoder_from_config(config["model_cfg"], config["tower"], config["preprocess_cfg"])
    load_weights(pair.model)
    pair.model.eval().requires_grad_(False)
    metadata = OpenClipMetadata.of(pair.model, pair.tokenizer, weights)
    return OpenClipEncoder(name, metadata, lambda: pair.model, lambda: pair.tokenizer, runtime, precision)


def write_encoder(run: Path, config: Mapping[str, Any], state: "Mapping[str, torch.Tensor]") -> None:
    """Put an encoder into a run directory: the weights first, since encoder.json says that they are there."""
    from safetensors.torch import save

    write_file(run / WEIGHTS_FILE, save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}))
    write_file(run / CONFIG_FILE, json.dumps(dict(config), indent=1).encode() + b"\n")
