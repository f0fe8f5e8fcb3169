"""open_clip's own models and tokenizers by name: found on this machine, in a file or on the hub, and identified."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.models import hub
from training.models.checkpoint_file import misfit, readable
from training.models.downloads.get import get
from training.models.downloads.local import missing_needs
from training.models.downloads.needs import needs_of
from training.models.downloads.progress import DownloadLine
from training.models.downloads.sentences import OFFLINE_HELP
from training.models.errors import UserError
from training.models.open_clip_names import CONFIG, ModelSource, find_source


def open_model(name: str) -> tuple[Any, Any, list[Path]]:
    """open_clip's own model and tokenizer by name, and the files they come from, the weights first.

    UserError if they are not on this machine and cannot be fetched, or do not fit.
    """
    source = find_source(name)
    if source.weights and Path(source.weights).is_file():
        return *_from_file(source), [Path(source.weights)]
    fetch_missing(name)
    try:
        try:
            with hub.offline():
                model, tokenizer = _create(source)
        except (OSError, RuntimeError) as error:  # of what a custom repository needs beside the usual files
            if not hub.reachable():
                raise UserError(
                    f"The encoder {name} cannot be loaded: {_first_line(error)}; {OFFLINE_HELP}."
                ) from error
            model, tokenizer = _create(source)
    except UserError:
        raise
    except Exception as error:  # open_clip raises whatever its parts raise on weights that do not fit
        raise UserError(f"The encoder {name} cannot be loaded: {_first_line(error)}.") from error
    return model, tokenizer, _identifying_files(_weights_file(name, source))


def _from_file(source: ModelSource) -> tuple[Any, Any]:
    """open_clip's model with the weights of a file, and its tokenizer. UserError for a file that does not fit."""
    import open_clip
    import torch

    assert source.weights is not None
    path = Path(source.weights)
    with readable(path) as plain:
        try:
            with hub.offline():
                model, tokenizer = _create(ModelSource(source.model, str(plain)))
        except Exception as error:  # open_clip raises whatever its parts raise on weights that do not fit
            own = open_clip.create_model(source.model, load_weights=False, pretrained_text=False).state_dict()
            raise UserError(misfit(path, source.model, own)) from error
    if not all(torch.isfinite(tensor).all() for tensor in model.parameters()):
        raise UserError(f"{path} has weights that are not finite numbers (NaN); take a checkpoint from before that.")
    return model, tokenizer


def fetch_missing(name: str) -> None:
    """Get what this machine lacks of a model, if anything, with progress on a terminal."""
    if not missing_needs(name):
        return
    line = DownloadLine(name)
    try:
        get(name, on_progress=line.show)
    finally:
        line.close()


def _create(source: ModelSource) -> tuple[Any, Any]:
    import open_clip

    model = open_clip.create_model(
        source.model,
        pretrained=source.weights,
        require_pretrained=True,
        weights_only=True,
        force_quick_gelu=needs_quick_gelu(source.model, source.weights),
    )
    model.eval().requires_grad_(False)
    return model, open_clip.get_tokenizer(source.model)


def needs_quick_gelu(architecture: str, tag: str | None) -> bool:
    """Whether published weights were trained with QuickGELU although the architecture's configuration has GELU.

    open_clip itself warns of it, and runs such weights with the activation that they were not trained with.
    """
    import open_clip

    published = open_clip.get_pretrained_cfg(architecture, tag) if tag else {}
    configured = open_clip.get_model_config(architecture) if published else None
    return bool(published.get("quick_gelu") and not (configured or {}).get("quick_gelu"))


def _weights_file(name: str, source: ModelSource) -> Path:
    """The file that the loaded weights came from."""
    if source.model.startswith("local-dir:"):
        from open_clip.factory import _find_checkpoint_in_dir

        return Path(_find_checkpoint_in_dir(Path(source.model.removeprefix("local-dir:"))))
    if source.weights and Path(source.weights).is_file():
        return Path(source.weights)
    weights = needs_of(name)[0]
    cached = hub.cached_file(weights.repository, *weights.names)
    if cached is None:
        raise UserError(f"The weights of {name} were loaded but cannot be found again to identify them.")
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
        return open_clip.get_tokenizer(find_source(name).model)
