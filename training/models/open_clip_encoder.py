"""open_clip models by name: from this machine, from a file, or from the hub."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from training.models import hub
from training.models.encoder import Encoder, Pixels, Vectors, unit
from training.models.errors import UserError
from training.models.metadata_cache import keep, recall
from training.models.preprocess import Preprocessing
from training.models.runtime import Tower, apart, image_module, is_exported, load_tower, resolve

CONFIG = "open_clip_config.json"
HUB_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
OFFLINE_HELP = "offline, starter works, and so does ARCHITECTURE/FILE with a checkpoint on this machine"


@dataclass(frozen=True)
class Recipe:
    """How open_clip makes the model: its own name for it, and the checkpoint or tag if that name has none."""

    model: str  # an architecture, or with the schema hf-hub: or local-dir:
    weights: str | None = None
    here: bool = True  # nothing needs to be fetched


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What has to be known of an open_clip model to search by its exported towers.

    preprocess: open_clip's preprocess_cfg. tokenizer: its class; length: how many tokens it gives, None if it does not
    say. weights: what identifies them.
    """

    preprocess: dict[str, Any]
    tokenizer: str
    length: int | None
    weights: str
    dim: int
    logit_scale: float
    logit_bias: float | None
    parameters: int

    @classmethod
    def of(cls, model: Any, tokenizer: Callable, weights: str) -> "Facts":
        import torch

        preprocess = model.visual.preprocess_cfg
        size = preprocess["size"]
        with torch.no_grad():
            dim = model.visual(torch.zeros(1, 3, *((size, size) if isinstance(size, int) else size))).shape[1]
        bias = getattr(model, "logit_bias", None)
        return cls(
            preprocess=dict(preprocess),
            tokenizer=type(tokenizer).__name__,
            length=getattr(tokenizer, "context_length", None),
            weights=weights,
            dim=dim,
            logit_scale=float(model.logit_scale.detach().exp()),
            logit_bias=None if bias is None else float(bias.detach()),
            parameters=sum(tensor.numel() for tensor in model.parameters()),
        )

    @property
    def fingerprint(self) -> str:
        facts = json.dumps([self.preprocess, self.tokenizer, self.length], sort_keys=True, default=str)
        return hashlib.sha256(f"{self.weights}{facts}".encode()).hexdigest()[:16]


class OpenClip(Encoder):
    """A two-tower open_clip model as an encoder. model, tokenizer: give open_clip's own, where they are needed."""

    remembers = True

    def __init__(
        self,
        name: str,
        facts: Facts,
        model: Callable[[], Any],
        tokenizer: Callable[[], Callable],
        runtime: str,
        precision: str,
    ):
        self.name, self.runtime, self.precision = name, runtime, precision
        self.preprocess_cfg, self.fingerprint, self.dim = facts.preprocess, facts.fingerprint, facts.dim
        self.logit_scale, self.logit_bias, self.parameters = facts.logit_scale, facts.logit_bias, facts.parameters
        size = self.preprocess_cfg["size"]
        self.image_size = size if isinstance(size, int) else size[0]
        if not isinstance(size, int) and len(set(size)) != 1:
            raise UserError(f"{name} wants images of {size[0]} by {size[1]} pixels; only square ones are supported.")
        cfg = self.preprocess_cfg
        self.preprocessing = Preprocessing(self.image_size, cfg["resize_mode"], cfg["interpolation"], cfg["fill_color"])
        self._model, self._open_tokenizer = model, tokenizer

    @cached_property
    def see(self) -> Tower:
        """Loaded with the first image: a search by words never needs it."""
        return load_tower(
            lambda: image_module(self._model().visual, self.preprocess_cfg["mean"], self.preprocess_cfg["std"]),
            np.zeros((1, self.image_size, self.image_size, 3), np.uint8),
            f"{self.fingerprint}-image",
            self.runtime,
            self.precision,
            streams=True,
        )

    @cached_property
    def read(self) -> Tower:
        """Loaded with the first phrase: a build never needs it."""
        tokens, key = self.tokens(["an image"]), f"{self.fingerprint}-text"
        return load_tower(lambda: _text_module(self._model()), tokens, key, self.runtime, self.precision)

    @cached_property
    def tokenizer(self) -> Callable:
        return self._open_tokenizer()

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        return unit(self.see(pixels))

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        return unit(self.read(self.tokens(texts)))

    def tokens(self, texts: list[str]) -> np.ndarray:
        return self.tokenizer(texts).numpy().astype(np.int64)


def _text_module(model: Any) -> Any:
    import torch

    class Text(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.model.encode_text(tokens)

    return Text()


def load_pretrained(name: str, runtime: str | None = None, precision: str | None = None) -> OpenClip:
    """The open_clip model called name.

    name: ARCHITECTURE/TAG, ARCHITECTURE/FILE, hf-hub:ORGANISATION/REPOSITORY, or a folder. UserError
    within 3 seconds if it is not on this machine and cannot be fetched, or its name leads nowhere.
    """
    runtime, precision = resolve(runtime, precision)
    if runtime == "openvino":
        facts = _recalled(name, precision)
        if facts is None:
            apart("training.models.open_clip_encoder", name, precision)
            facts = _recalled(name, precision)
        if facts is not None:
            opened = cache(lambda: open_model(name)[0])
            return OpenClip(name, facts, opened, lambda: _tokenizer(name), runtime, precision)
    model, tokenizer, files = open_model(name)
    facts = Facts.of(model, tokenizer, _hash(files[0]))
    if runtime == "openvino":
        keep(name, asdict(facts), files)
    return OpenClip(name, facts, lambda: model, lambda: tokenizer, runtime, precision)


def _recalled(name: str, precision: str) -> Facts | None:
    """What is known of a model whose image tower can run as it is."""
    kept = recall(name)
    facts = Facts(**kept) if kept else None
    return facts if facts and is_exported(f"{facts.fingerprint}-image", precision) else None


def _tokenizer(name: str) -> Callable:
    import open_clip

    with hub.offline():
        return open_clip.get_tokenizer(_recipe(name).model)


def open_model(name: str) -> tuple[Any, Any, list[Path]]:
    """open_clip's own model and tokenizer by the same names, and the files they come from, the weights first."""
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
    return model, tokenizer, _files(_weights_file(recipe, open_clip))


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


def _files(weights: Path) -> list[Path]:
    """The weights and, of a folder or of the hub's cache, the configuration and what says which version is meant."""
    beside = [weights.with_name(CONFIG), weights.parent.parent.parent / "refs" / "main"]
    return [weights, *(path for path in beside if path.is_file())]


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__


def export(name: str, precision: str) -> None:
    """Make what opening the model again without torch and its weights takes."""
    import torch  # noqa: F401  # so that this process exports, and starts none

    try:
        encoder = load_pretrained(name, "openvino", precision)
        encoder.embed_images([Image.new("RGB", (encoder.image_size, encoder.image_size))])
        encoder.embed_texts(["an image"])
    except UserError as error:
        print(error)
        raise SystemExit(1) from error


if __name__ == "__main__":
    import sys

    export(*sys.argv[1:])
