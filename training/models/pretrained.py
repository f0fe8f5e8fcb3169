"""open_clip models by name: from this machine, from a file, or from the hub."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from training.models import hub
from training.models.encoder import Encoder, Pixels, Vectors, unit
from training.models.errors import UserError
from training.models.preprocess import Fitting
from training.models.runtime import image_module, load_tower, resolve

CONFIG = "open_clip_config.json"
HUB_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
OFFLINE_HELP = "offline, starter works, and so does ARCHITECTURE/FILE with a checkpoint on this machine"


@dataclass(frozen=True)
class Recipe:
    """How open_clip makes the model: its own name for it, and the checkpoint or tag if that name has none."""

    model: str  # an architecture, or with the schema hf-hub: or local-dir:
    weights: str | None = None
    here: bool = True  # nothing needs to be fetched


class OpenClip(Encoder):
    """A two-tower open_clip model as an encoder."""

    remembers = True

    def __init__(self, name: str, model: Any, tokenizer: Callable, weights: str, runtime: str, precision: str):
        self.name, self.runtime, self.precision = name, runtime, precision
        self.preprocess = model.visual.preprocess_cfg
        size = self.preprocess["size"]
        self.image_size = size if isinstance(size, int) else size[0]
        if not isinstance(size, int) and len(set(size)) != 1:
            raise UserError(f"{name} wants pictures of {size[0]} by {size[1]} pixels; only square ones are supported.")
        cfg = self.preprocess
        self.fitting = Fitting(self.image_size, cfg["resize_mode"], cfg["interpolation"], cfg["fill_color"])
        self.logit_scale = float(model.logit_scale.detach().exp())
        bias = getattr(model, "logit_bias", None)
        self.logit_bias = None if bias is None else float(bias.detach())
        self.tokenizer = tokenizer
        facts = json.dumps([self.preprocess, type(tokenizer).__name__, _length(tokenizer)], sort_keys=True, default=str)
        self.fingerprint = hashlib.sha256(f"{weights}{facts}".encode()).hexdigest()[:16]
        mean, std = self.preprocess["mean"], self.preprocess["std"]
        pixels = np.zeros((1, self.image_size, self.image_size, 3), np.uint8)
        self.see = load_tower(
            lambda: image_module(model.visual, mean, std),
            pixels,
            f"{self.fingerprint}-image",
            runtime,
            precision,
            streams=True,
        )
        tokens = self.tokens(["a picture"])
        self.read = load_tower(lambda: _text_module(model), tokens, f"{self.fingerprint}-text", runtime, precision)
        self.dim = self.see(pixels).shape[1]
        self.parameters = sum(tensor.numel() for tensor in model.parameters())

    def embed_prepared(self, pixels: Pixels) -> Vectors:
        return unit(self.see(pixels))

    def embed_phrases(self, phrases: list[str]) -> Vectors:
        return unit(self.read(self.tokens(phrases)))

    def tokens(self, phrases: list[str]) -> np.ndarray:
        return self.tokenizer(phrases).numpy().astype(np.int64)


def _text_module(model: Any) -> Any:
    import torch

    class Text(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.model.encode_text(tokens)

    return Text()


def _length(tokenizer: Any) -> int | None:
    return getattr(tokenizer, "context_length", None)


def load_pretrained(name: str, runtime: str | None = None, precision: str | None = None) -> OpenClip:
    """The open_clip model called name.

    name: ARCHITECTURE/TAG, ARCHITECTURE/FILE, hf-hub:ORGANISATION/REPOSITORY, or a folder. UserError
    within 3 seconds if it is not on this machine and cannot be fetched, or its name leads nowhere.
    """
    runtime, precision = resolve(runtime, precision)
    model, tokenizer, weights = open_model(name)
    return OpenClip(name, model, tokenizer, weights, runtime, precision)


def open_model(name: str) -> tuple[Any, Any, str]:
    """open_clip's own model and tokenizer by the same names, and the hash of the weights."""
    recipe = _recipe(name)
    if not recipe.here and not hub.reachable():
        raise UserError(
            f"The encoder {name} is not on this machine and the model hub cannot be reached "
            f"(looked in the hub's cache, then tried to connect); {OFFLINE_HELP}."
        )
    import open_clip

    try:
        try:
            with hub.offline():  # a tokenizer or a text tower's config may be cached too
                if not recipe.here:
                    raise FileNotFoundError(name)
                model, tokenizer = _make(recipe)
        except (OSError, RuntimeError) as error:
            if recipe.here and not hub.reachable():
                raise UserError(
                    f"The encoder {name} cannot be loaded: {_first_line(error)}; {OFFLINE_HELP}."
                ) from error
            model, tokenizer = _make(recipe)
    except UserError:
        raise
    except Exception as error:  # open_clip raises whatever its parts raise on weights that do not fit
        raise UserError(f"The encoder {name} cannot be loaded: {_first_line(error)}.") from error
    return model, tokenizer, _weights_hash(_weights_file(recipe, open_clip))


def _make(recipe: Recipe) -> tuple[Any, Any]:
    import open_clip

    model = open_clip.create_model(recipe.model, pretrained=recipe.weights, require_pretrained=True, weights_only=True)
    model.eval().requires_grad_(False)
    return model, open_clip.get_tokenizer(recipe.model)


def _recipe(name: str) -> Recipe:
    """What open_clip has to be asked for, and whether it is on this machine."""
    if name.startswith("hf-hub:"):
        repository = name.removeprefix("hf-hub:")
        here = hub.cached(repository, CONFIG) and hub.cached(repository, *HUB_WEIGHTS)
        return Recipe(name, here=here)
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / CONFIG).is_file():
            raise UserError(f"{name} is a folder without {CONFIG}; an encoder's folder has one beside its weights.")
        return Recipe(f"local-dir:{folder}")
    architecture, _, weights = name.partition("/")
    import open_clip

    if architecture not in open_clip.list_models():
        near = get_close_matches(architecture, open_clip.list_models(), n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UserError(
            f"open_clip has no architecture called {architecture!r}.{hint} "
            f"A name is ARCHITECTURE/TAG, such as ViT-B-32/laion2b_s34b_b79k, or ARCHITECTURE/FILE."
        )
    if Path(weights).expanduser().is_file():
        return Recipe(architecture, str(Path(weights).expanduser()))
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if weights not in tags:
        near = get_close_matches(weights, tags, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UserError(
            f"{architecture} has no weights called {weights!r}, and there is no such file.{hint} "
            f"Choose from: {', '.join(tags) or 'none; only a checkpoint file'}."
        )
    return Recipe(architecture, weights, here=_tag_file(open_clip, architecture, weights) is not None)


def _tag_file(open_clip: Any, architecture: str, tag: str) -> Path | None:
    """The cached file of a published tag, or None."""
    from huggingface_hub import try_to_load_from_cache

    config = open_clip.get_pretrained_cfg(architecture, tag)
    if config.get("hf_hub"):
        repository, _, file = config["hf_hub"].rpartition("/")
        safe = file.rpartition(".")[0] + ".safetensors" if file else ""
        for candidate in filter(None, (safe, file, *(() if file else HUB_WEIGHTS))):
            found = try_to_load_from_cache(repository, candidate)
            if isinstance(found, str):
                return Path(found)
        return None
    path = Path("~/.cache/clip", Path(config.get("url", "")).name).expanduser()
    return path if config.get("url") and path.is_file() else None


def _weights_file(recipe: Recipe, open_clip: Any) -> Path:
    """The file that the loaded weights came from."""
    from huggingface_hub import try_to_load_from_cache

    if recipe.model.startswith("local-dir:"):
        from open_clip.factory import _find_checkpoint_in_dir

        return Path(_find_checkpoint_in_dir(Path(recipe.model.removeprefix("local-dir:"))))
    if recipe.model.startswith("hf-hub:"):
        repository = recipe.model.removeprefix("hf-hub:")
        found = (try_to_load_from_cache(repository, file) for file in HUB_WEIGHTS)
        return Path(next(path for path in found if isinstance(path, str)))
    if recipe.weights and Path(recipe.weights).is_file():
        return Path(recipe.weights)
    cached = _tag_file(open_clip, recipe.model, recipe.weights or "")
    if cached is None:
        raise UserError(f"The weights of {recipe.model} were loaded but cannot be found again to identify them.")
    return cached


def _weights_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__
