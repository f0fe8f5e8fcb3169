"""Does every architecture of the model catalogue run, as PyTorch runs it, and how fast?

    python benchmarks/architectures.py [--only NAME] [--most-parameters 150000000] [--precisions f32,bf16,int8]

Each architecture is built with random weights and random biases, exported for OpenVINO, quantised where that is
offered, and compared with PyTorch in f32 on photographs of scikit-image and scikit-learn and on random texts. Random
towers give all inputs nearly the same vector, so cosines are taken after the mean vector is subtracted. A model of
more parameters than --most-parameters is cut to its first blocks, and its result says how many; its speed is then no
speed of the model and is left out. A tower that bf16 turns too far runs in f32 there, as in the product. Tokenizers
and text configurations that the hub has are stood in for. Each model runs in a process of its own. The results are
printed and kept beside this script as architectures.json; benchmarks/tables.py puts them into benchmarks/README.md.
Models that have a result of these settings are left out, so that a run that was stopped goes on; --only measures its
models again.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from training.models.catalogue import CatalogueModel, catalogue, catalogue_model
from training.models.half_precision import LEAST

RESULT = Path(__file__).parent / "results/architectures.json"
BLOCKS = 3  # of a model that is cut
TARGET = ">= 0.999 in f32, >= 0.99"
TEXTS = [f"a photo of {number} things, {word}" for number in range(4) for word in ("red", "old", "large", "wet")]
CONFIGS: dict[str, dict[str, Any]] = {  # of text towers, as their repositories have them
    "xlm-roberta-base": {
        **{"model_type": "xlm-roberta", "vocab_size": 250002, "max_position_embeddings": 514, "type_vocab_size": 1},
        **{"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
        **{"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "layer_norm_eps": 1e-05},
    },
    "facebook/nllb-200-distilled-600M": {
        **{"model_type": "m2m_100", "vocab_size": 256206, "max_position_embeddings": 1024, "d_model": 1024},
        **{"encoder_layers": 12, "decoder_layers": 12, "encoder_attention_heads": 16, "decoder_attention_heads": 16},
        **{"encoder_ffn_dim": 4096, "decoder_ffn_dim": 4096, "is_encoder_decoder": True, "scale_embedding": True},
        **{"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 2},
    },
}


@click.command()
@click.option("--only", multiple=True, help="These models of the catalogue.")
@click.option("--most-parameters", default=150_000_000, show_default=True, help="A larger model is cut.")
@click.option("--precisions", default="f32,bf16,int8", show_default=True)
@click.option("--child", hidden=True)
def main(only: tuple[str, ...], most_parameters: int, precisions: str, child: str | None) -> None:
    """Build, export, quantise and compare the architectures of the catalogue."""
    if child:
        model = catalogue_model(child)
        assert model is not None
        print(json.dumps(measure(model, most_parameters, precisions.split(","))))
        return
    results: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    settings = {"most_parameters": most_parameters, "precisions": precisions}
    for model in catalogue():
        known = results.get(model.name, {})
        if model.name not in only if only else known.get("settings") == settings and "failed" not in known:
            continue
        command = [sys.executable, __file__, "--child", model.name, "--most-parameters", str(most_parameters)]
        done = subprocess.run([*command, "--precisions", precisions], capture_output=True, text=True)
        lines = done.stdout.strip().splitlines()
        failed = {"failed": (done.stderr.strip().splitlines() or ["killed"])[-1], "status": done.returncode}
        measured = failed if done.returncode or not lines else json.loads(lines[-1])
        results[model.name] = {"settings": settings} | measured
        click.echo(f"{model.name}: {json.dumps(results[model.name])}")
        RESULT.write_text(json.dumps(results, indent=1) + "\n")


def measure(model: CatalogueModel, most_parameters: int, precisions: list[str]) -> dict[str, Any]:
    """What one architecture gives: cosines to PyTorch and images a second by precision, and memory."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"GELATO_CACHE": folder, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": f"{folder}/hub"}
        stand_in_configs()
        import open_clip
        import torch

        from index.ingest.throughput import machine, peak_memory_mb
        from training.models.open_clip_encoder import OpenClipEncoder, OpenClipMetadata

        torch.manual_seed(0)
        began = time.process_time()
        built = open_clip.create_model(model.architecture, pretrained_text=False).eval().requires_grad_(False)
        parameters = sum(tensor.numel() for tensor in built.parameters())
        cut = cut_blocks(built) if parameters > most_parameters else None
        spread_out(built)
        seconds = {"build": round(time.process_time() - began, 1)}
        tokenizer = stand_in_tokenizer(built, model)
        metadata = OpenClipMetadata.of(built, tokenizer, "random")
        pixels, tokens = photographs(model.image_size), tokenizer(TEXTS)
        reference = pytorch(built, metadata.preprocess, pixels, tokens)
        found: dict[str, Any] = {"parameters": parameters, "blocks": cut, "dim": metadata.dim, "precisions": {}}
        for precision in precisions:
            encoder = OpenClipEncoder(model.name, metadata, lambda: built, lambda: tokenizer, "openvino", precision)
            began = time.process_time()
            try:
                found["precisions"][precision] = compared(encoder, pixels, tokens, reference, cut is None)
            except Exception as error:  # what a tower cannot do in a precision is a result
                found["precisions"][precision] = {"failed": str(error).splitlines()[0][:200]}
            seconds[precision] = round(time.process_time() - began, 1)
        load = round(os.getloadavg()[0], 1)
        return found | {"peak_memory_mb": peak_memory_mb(), "cpu_seconds": seconds, "load": load, "machine": machine()}


def compared(
    encoder: Any, pixels: NDArray[np.uint8], tokens: Any, reference: dict[str, NDArray[np.float32]], whole: bool
) -> dict[str, Any]:
    """Cosines of an exported model to its PyTorch original, mean and least, and its speed if it is whole."""
    images = np.concatenate([encoder.embed_pixels(pixels[i : i + 8]) for i in range(0, len(pixels), 8)])
    facts = {"images": cosines(images, reference["images"])}
    if encoder.precision != "int8":  # its text tower is the one of the half precision
        facts["texts"] = cosines(encoder._text_tower(tokens.numpy().astype(np.int64)), reference["texts"])
    if encoder.precision == "bf16":
        facts["in_bf16"] = {tower: in_bf16(f"{encoder.fingerprint}-{tower}") for tower in ("image", "text")}
    if whole:
        began, count = time.process_time(), 0
        while time.process_time() - began < 3:
            encoder.embed_pixels(pixels[:8])
            count += 8
        facts["images_per_cpu_second"] = round(count / (time.process_time() - began), 2)
    return facts


def in_bf16(key: str) -> float:
    """The cosine of a tower in bf16 to itself in f32, by which its precision was chosen."""
    from training.models.openvino_runtime import export_path

    return float(json.loads(export_path(key, "bf16").with_suffix(".json").read_bytes())["mean_cosine"])


def architecture_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    """Of benchmarks/README.md: the least cosine to PyTorch by precision, of the image tower and of the text tower."""
    rows = []
    for name, run in stored.items():
        what, script = f"{name}, random weights: least cosine to PyTorch", "`architectures.py`"
        if "failed" in run:
            rows.append((what, f"failed: {run['failed']}", TARGET, "-", script))
            continue
        reached = []
        for precision, found in run["precisions"].items():
            towers = [f"{found[tower]['least']:.4f}" for tower in ("images", "texts") if tower in found]
            speed = found.get("images_per_cpu_second")
            per_second = f" ({speed:.1f} images per CPU second)" if speed else ""
            short = {tower: cosine for tower, cosine in found.get("in_bf16", {}).items() if cosine < LEAST}
            instead = "".join(f", {tower} tower in f32 since bf16 has {short[tower]:.3f}" for tower in short)
            reached.append(f"{precision} {' and '.join(towers) or 'refused'}{instead}{per_second}")
        blocks = f" ({run['blocks']} blocks)" if run["blocks"] else ""
        reached.append(f"{run['peak_memory_mb']:,} MB with the export{blocks}")
        machine = run["machine"]
        rows.append((what, "; ".join(reached), TARGET, f"{machine['cores']} cores of an {machine['cpu']}", script))
    return rows


def cosines(found: NDArray[np.float32], expected: NDArray[np.float32]) -> dict[str, float]:
    """Mean and least cosine of rows to rows, after the mean of the expected unit rows is subtracted from both."""
    a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (found, expected))
    a, b = a - b.mean(0), b - b.mean(0)
    each = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return {"mean": round(float(each.mean()), 5), "least": round(float(each.min()), 5)}


def pytorch(model: Any, preprocess: dict[str, Any], pixels: NDArray[np.uint8], tokens: Any) -> dict[str, Any]:
    import torch

    mean, std = (torch.tensor(preprocess[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        rows = [
            model.encode_image((torch.from_numpy(pixels[i : i + 8]).permute(0, 3, 1, 2) / 255 - mean) / std)
            for i in range(0, len(pixels), 8)
        ]
        texts = [model.encode_text(tokens[i : i + 8]) for i in range(0, len(tokens), 8)]
        return {"images": torch.cat(rows).numpy(), "texts": torch.cat(texts).numpy()}


def photographs(side: int) -> NDArray[np.uint8]:
    """16 crops of photographs that no quantisation is fitted to."""
    from training.models import quantisation

    return np.stack(list(quantisation.photographs(quantisation.HELD_OUT, side)))[:40:2][:16]


def spread_out(model: Any) -> None:
    """Random biases, scales and running statistics, so that no part is without effect."""
    import torch

    for name, tensor in model.named_parameters():
        if name.endswith(".gamma") or "layer_scale" in name or name.endswith("ls1") or name.endswith("ls2"):
            tensor.uniform_(0.5, 1.0)
        elif name.endswith(".bias"):
            tensor.normal_(0, 0.02)
    for name, tensor in model.named_buffers():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.1)
        elif name.endswith("running_var"):
            torch.nn.init.uniform_(tensor, 0.5, 1.5)


def cut_blocks(model: Any) -> str:
    """Keep the first blocks of both towers; how many were kept of how many."""
    said = []
    for tower in (model.visual, getattr(model, "text", model)):
        for _, module in tower.named_modules():
            for attribute in ("blocks", "resblocks", "layers", "layer"):
                blocks = getattr(module, attribute, None)
                if hasattr(blocks, "__len__") and hasattr(blocks, "__getitem__") and len(blocks) > BLOCKS:
                    said.append(f"{BLOCKS} of {len(blocks)}")
                    setattr(module, attribute, blocks[:BLOCKS])
    return ", ".join(dict.fromkeys(said))


def stand_in_configs() -> None:
    """The configurations of text towers, in the hub's cache of this process."""
    from training.models.downloads.hub_cache import blob_path, link

    for repository, config in CONFIGS.items():
        blob = blob_path(repository, "0" * 40)
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_text(json.dumps(config))
        link(repository, "config.json", "0" * 40, "0" * 40)


def stand_in_tokenizer(model: Any, listed: CatalogueModel) -> Callable[[list[str]], Any]:
    """A tokenizer of the right vocabulary, length, ending and padding, that gives each text other random tokens."""
    import open_clip
    import torch

    if listed.tokenizer is None:
        return open_clip.get_tokenizer(listed.architecture)
    text = model.text
    length, size = int(getattr(model, "context_length", None) or 64), int(text.vocab_size)
    length = min(length, 64)
    padding = int(getattr(getattr(text, "config", None), "pad_token_id", None) or getattr(text, "pad_id", 0) or 0)

    def tokenize(texts: list[str]) -> torch.Tensor:
        ids = torch.full((len(texts), length), padding)
        for row, each in enumerate(texts):
            words = torch.Generator().manual_seed(sum(each.encode()))
            ids[row, :20] = torch.randint(10, size - 1, (20,), generator=words)
        return ids

    return tokenize


if __name__ == "__main__":
    main()
