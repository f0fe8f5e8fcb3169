"""A run's towers in the formats that other programs read: open_clip's folder, and transformers' text tower."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from training.models.atomic import write_file
from training.models.dual_encoder import DualEncoder
from training.models.dual_encoders import build_dual_encoder
from training.models.errors import UserError
from training.models.run_files import read_encoder_config

if TYPE_CHECKING:
    from open_clip.tokenizer import SimpleTokenizer
    from open_clip.transformer import TextTransformer


def export(run: Path, out: Path, format: str) -> Path:
    """Write the towers of run into the folder out. UserError for a run that the format has no place for."""
    facts = read_encoder_config(run)
    if facts["kind"] != "pair":
        raise UserError(
            f"{run} sees images only, and {format} holds words too; its weights are in {run / 'model.safetensors'}."
        )
    pair = build_dual_encoder(str(run))
    pair.model.eval().requires_grad_(False)
    out.mkdir(parents=True, exist_ok=True)
    if format == "open_clip":
        to_open_clip(pair, out)
    else:
        to_transformers(pair, out)
    return out


def to_open_clip(pair: DualEncoder, out: Path) -> None:
    """A folder for `open_clip.create_model_and_transforms("local-dir:OUT")`."""
    from safetensors.torch import save

    config = pair.made_of["model_cfg"]
    if "gelato_resnet" in config["vision_cfg"]:
        raise UserError(
            f"open_clip has no image tower like {pair.made_of['tower']}; train with tiny, an open_clip architecture or "
            f"a model of timm to export to it."
        )
    if hasattr(pair.tokenizer, "tokenizer"):
        pair.tokenizer.tokenizer.save_pretrained(str(out))  # open_clip looks for a local folder's own
    weights = {name: tensor.contiguous() for name, tensor in pair.model.state_dict().items()}
    write_file(out / "open_clip_model.safetensors", save(weights))
    document = {"model_cfg": config, "preprocess_cfg": pair.made_of["preprocess_cfg"]}
    write_file(out / "open_clip_config.json", json.dumps(document, indent=1).encode() + b"\n")


def to_transformers(pair: DualEncoder, out: Path) -> None:
    """A folder for `CLIPTextModelWithProjection.from_pretrained(OUT)` and `CLIPTokenizer.from_pretrained(OUT)`.

    UserError for a text tower that is not CLIP's: transformers would compute something else.
    """
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    settings = pair.made_of["model_cfg"]["text_cfg"]
    model = getattr(pair.model, "text", pair.model)
    unlike = [name for name in ("embed_cls", "no_causal_mask", "hf_model_name", "proj_bias") if settings.get(name)]
    if settings.get("pool_type", "argmax") != "argmax" or unlike or not isinstance(model.text_projection, Tensor):
        raise UserError(
            f"The text tower of {pair.made_of['tower']} is not built as CLIP's is "
            f"({', '.join(unlike) or 'another pooling'}) and transformers has none like it; --format open_clip works."
        )
    end, start = pair.tokenizer.eot_token_id, pair.tokenizer.sot_token_id  # type: ignore[attr-defined]
    width = settings["width"]
    config = CLIPTextConfig(
        vocab_size=settings["vocab_size"],
        hidden_size=width,
        intermediate_size=int(width * settings.get("mlp_ratio", 4.0)),
        projection_dim=pair.dim,
        num_hidden_layers=settings["layers"],
        num_attention_heads=settings["heads"],
        max_position_embeddings=settings["context_length"],
        hidden_act="quick_gelu" if pair.made_of["model_cfg"].get("quick_gelu") else "gelu",
        bos_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
    )
    tower = CLIPTextModelWithProjection(config)
    missing, strange = tower.load_state_dict(_renamed(model), strict=False)
    missing = [name for name in missing if not name.endswith("position_ids")]
    if missing or strange:
        raise ValueError(f"transformers' text tower lacks {missing} and does not know {strange}")
    tower.save_pretrained(out)
    _write_tokenizer(pair.tokenizer, settings["context_length"], out)


def _renamed(model: "TextTransformer") -> dict[str, Tensor]:
    """The weights of open_clip's text tower under transformers' names."""
    own = "text_model."
    state = {
        f"{own}embeddings.token_embedding.weight": model.token_embedding.weight,
        f"{own}embeddings.position_embedding.weight": model.positional_embedding,
        f"{own}final_layer_norm.weight": model.ln_final.weight,
        f"{own}final_layer_norm.bias": model.ln_final.bias,
        "text_projection.weight": model.text_projection.T.contiguous(),
    }
    for number, block in enumerate(model.transformer.resblocks):
        to = f"{own}encoder.layers.{number}."
        for kind in ("weight", "bias"):
            q, k, v = getattr(block.attn, f"in_proj_{kind}").chunk(3)
            state |= {f"{to}self_attn.{name}_proj.{kind}": part for name, part in zip("qkv", (q, k, v), strict=True)}
            state[f"{to}self_attn.out_proj.{kind}"] = getattr(block.attn.out_proj, kind)
            state[f"{to}layer_norm1.{kind}"] = getattr(block.ln_1, kind)
            state[f"{to}layer_norm2.{kind}"] = getattr(block.ln_2, kind)
            state[f"{to}mlp.fc1.{kind}"] = getattr(block.mlp.c_fc, kind)
            state[f"{to}mlp.fc2.{kind}"] = getattr(block.mlp.c_proj, kind)
    return {name: tensor.detach().clone() for name, tensor in state.items()}


def _write_tokenizer(tokenizer: "SimpleTokenizer", length: int, out: Path) -> None:
    """CLIP's byte pairs as transformers keeps them."""
    merges = sorted(tokenizer.bpe_ranks, key=tokenizer.bpe_ranks.get)
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    special = {tokenizer.sot_token_id: "<|startoftext|>", tokenizer.eot_token_id: "<|endoftext|>"}
    vocabulary = {special.get(number, token): number for token, number in tokenizer.encoder.items()}
    write_file(out / "vocab.json", json.dumps(vocabulary, ensure_ascii=False).encode())
    write_file(out / "merges.txt", ("\n".join(lines) + "\n").encode())
    settings = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": length,
        "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
    }
    write_file(out / "tokenizer_config.json", json.dumps(settings, indent=1).encode())
