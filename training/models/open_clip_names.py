"""What open_clip is asked for by the name of an encoder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from training.models.errors import UserError
from training.models.published_names import open_clip_tags
from training.models.zoo import entries

CONFIG = "open_clip_config.json"
HUB_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")  # in open_clip's order
PREFIXES = ("hf-hub:", "timm/")  # of names that are not listed


@dataclass(frozen=True)
class ModelSource:
    """What open_clip is asked for: its own name of the model, and the checkpoint or tag if that name has none."""

    model: str  # an architecture, or with the schema hf-hub: or local-dir:
    weights: str | None = None


def find_source(name: str) -> ModelSource:
    """What open_clip has to be asked for. UserError, with names that are near, for one that leads nowhere."""
    if name.startswith("hf-hub:"):
        hub_repository(name)
        return ModelSource(name)
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / CONFIG).is_file():
            raise UserError(
                f"{name} is a folder without {CONFIG}, which lies beside an encoder's weights, and without "
                f"encoder.json, which a run of python -m training writes with its first checkpoint."
            )
        return ModelSource(f"local-dir:{folder}")
    architecture, _, weights = name.partition("/")
    published = open_clip_tags()
    if architecture not in published:
        raise UserError(_leads_nowhere(name, folder, architecture, published))
    if Path(weights).expanduser().is_file():
        return ModelSource(architecture, str(Path(weights).expanduser()))
    tags = published[architecture]
    if Path(weights).expanduser().is_dir() and weights:
        raise UserError(f"{weights} is a folder; name the file in it, or the folder alone if it has {CONFIG}.")
    if weights not in tags:
        near = get_close_matches(weights, tags, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UserError(
            f"{architecture} has no weights called {weights!r}, and there is no such file.{hint} "
            f"Choose from: {', '.join(tags) or 'none; only a checkpoint file'}."
        )
    return ModelSource(architecture, weights)


def hub_repository(name: str) -> str:
    """The repository in hf-hub:ORGANISATION/REPOSITORY. UserError for what can be no repository's name."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    repository = name.removeprefix("hf-hub:")
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise UserError(
            f"{repository!r} is not the name of a repository of the hub: hf-hub:ORGANISATION/REPOSITORY, such as "
            f"hf-hub:timm/ViT-B-16-SigLIP2, with letters, digits, '-', '_' and '.'."
        ) from error
    return repository


def _of_address(name: str) -> str:
    """The repository that an address of the hub's site shows, "" for another one."""
    parts = [part for part in urlsplit(name).path.split("/") if part]
    return "/".join(parts[:2]) if len(parts) >= 2 else ""


def _leads_nowhere(name: str, path: Path, architecture: str, published: Iterable[str]) -> str:
    """What is wrong with a name that is no folder and does not begin with an architecture."""
    if name.startswith(("https://", "http://")):
        hint = f" Did you mean hf-hub:{repository}?" if (repository := _of_address(name)) else ""
        return f"{name} is an address; a repository of the hub is named hf-hub:ORGANISATION/REPOSITORY.{hint}"
    if same := _in_another_spelling(name):
        return f"There is no model called {name!r}. Did you mean {same}?"
    if path.is_file():
        return f"{name} is a file; a checkpoint needs its architecture before it: ViT-B-32/{name}, for example."
    unknown = f"open_clip has no architecture called {architecture!r}"
    form = "A name is ARCHITECTURE/TAG, such as ViT-B-32/laion2b_s34b_b79k, or ARCHITECTURE/FILE."
    if near := get_close_matches(architecture, published, n=3):
        return f"{unknown}. Did you mean {' or '.join(near)}? {form}"
    if "/" not in name:
        return f"{unknown}. {form}"
    near = [str(path.with_name(other)) for other in get_close_matches(path.name, _names_beside(path), n=3)]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    if path.is_absolute() or architecture in (".", ".."):
        return f"There is no folder {name}.{hint}"
    return f"There is no folder {name}, and {unknown}.{hint} {form}"


def _in_another_spelling(name: str) -> str:
    """The encoder of the same letters, whatever their case and the spaces between; "" if there is none."""
    wanted = "".join(name.split()).lower()
    names = [f"{architecture}/{tag}" for architecture, tags in open_clip_tags().items() for tag in tags]
    names += [model.encoder for model in entries()]
    prefix = next((one for one in PREFIXES if wanted.startswith(one) and not name.startswith(one)), "")
    known = next((one for one in names if one.lower() == wanted), "")
    return known or (prefix and prefix + "".join(name.split())[len(prefix) :])


def _names_beside(path: Path) -> list[str]:
    try:
        return os.listdir(path.parent)
    except OSError:
        return []
