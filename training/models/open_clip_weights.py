"""open_clip's own models and tokenizers by name: found on this machine, in a file or on the hub, and identified."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from training.models import hub
from training.models.errors import UserError

CONFIG = "open_clip_config.json"
HUB_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
OFFLINE_HELP = "offline, starter works, and so does ARCHITECTURE/FILE with a checkpoint on this machine"


@dataclass(frozen=True)
class ModelSource:
    """What open_clip is asked for: its own name of the model, and the checkpoint or tag if that name has none."""

    model: str  # an architecture, or with the schema hf-hub: or local-dir:
    weights: str | None = None
    local: bool = True  # nothing needs to be fetched


def open_model(name: str) -> tuple[Any, Any, list[Path]]:
    """open_clip's own model and tokenizer by name, and the files they come from, the weights first.

    UserError if they are not on this machine and cannot be fetched, or do not fit.
    """
    source = _find(name)
    if not source.local and not hub.reachable():
        raise UserError(
            f"The encoder {name} is not on this machine and the model hub cannot be reached "
            f"(looked in the hub's cache, then tried to connect); {OFFLINE_HELP}."
        )
    import open_clip

    try:
        try:
            with hub.offline():  # a tokenizer or a text tower's config may be cached too
                if not source.local:
                    raise FileNotFoundError(name)
                model, tokenizer = _create(source)
        except (OSError, RuntimeError) as error:
            if source.local and not hub.reachable():
                raise UserError(
                    f"The encoder {name} cannot be loaded: {_first_line(error)}; {OFFLINE_HELP}."
                ) from error
            model, tokenizer = _create(source)
    except UserError:
        raise
    except Exception as error:  # open_clip raises whatever its parts raise on weights that do not fit
        raise UserError(f"The encoder {name} cannot be loaded: {_first_line(error)}.") from error
    return model, tokenizer, _identifying_files(_weights_file(source, open_clip))


def _create(source: ModelSource) -> tuple[Any, Any]:
    import open_clip

    model = open_clip.create_model(source.model, pretrained=source.weights, require_pretrained=True, weights_only=True)
    model.eval().requires_grad_(False)
    return model, open_clip.get_tokenizer(source.model)


def _find(name: str) -> ModelSource:
    """What open_clip has to be asked for, and whether it is on this machine."""
    if name.startswith("hf-hub:"):
        repository = name.removeprefix("hf-hub:")
        local = hub.cached(repository, CONFIG) and hub.cached(repository, *HUB_WEIGHTS)
        return ModelSource(name, local=local)
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / CONFIG).is_file():
            raise UserError(f"{name} is a folder without {CONFIG}; an encoder's folder has one beside its weights.")
        return ModelSource(f"local-dir:{folder}")
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
        return ModelSource(architecture, str(Path(weights).expanduser()))
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if weights not in tags:
        near = get_close_matches(weights, tags, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UserError(
            f"{architecture} has no weights called {weights!r}, and there is no such file.{hint} "
            f"Choose from: {', '.join(tags) or 'none; only a checkpoint file'}."
        )
    return ModelSource(architecture, weights, local=_tag_file(open_clip, architecture, weights) is not None)


def _tag_file(open_clip: ModuleType, architecture: str, tag: str) -> Path | None:
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


def _weights_file(source: ModelSource, open_clip: ModuleType) -> Path:
    """The file that the loaded weights came from."""
    from huggingface_hub import try_to_load_from_cache

    if source.model.startswith("local-dir:"):
        from open_clip.factory import _find_checkpoint_in_dir

        return Path(_find_checkpoint_in_dir(Path(source.model.removeprefix("local-dir:"))))
    if source.model.startswith("hf-hub:"):
        repository = source.model.removeprefix("hf-hub:")
        found = (try_to_load_from_cache(repository, file) for file in HUB_WEIGHTS)
        return Path(next(path for path in found if isinstance(path, str)))
    if source.weights and Path(source.weights).is_file():
        return Path(source.weights)
    cached = _tag_file(open_clip, source.model, source.weights or "")
    if cached is None:
        raise UserError(f"The weights of {source.model} were loaded but cannot be found again to identify them.")
    return cached


def _identifying_files(weights: Path) -> list[Path]:
    """The weights and, of a folder or of the hub's cache, the configuration and what says which version is meant."""
    beside = [weights.with_name(CONFIG), weights.parent.parent.parent / "refs" / "main"]
    return [weights, *(path for path in beside if path.is_file())]


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__


def load_tokenizer(name: str) -> Callable[..., Any]:
    """open_clip's tokenizer of the model called name, from this machine alone."""
    import open_clip

    with hub.offline():
        return open_clip.get_tokenizer(_find(name).model)
