"""What open_clip is asked for by the name of an encoder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from training.models.errors import UserError
from training.models.published_names import open_clip_tags

CONFIG = "open_clip_config.json"
HUB_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")  # in open_clip's order


@dataclass(frozen=True)
class ModelSource:
    """What open_clip is asked for: its own name of the model, and the checkpoint or tag if that name has none."""

    model: str  # an architecture, or with the schema hf-hub: or local-dir:
    weights: str | None = None


def find_source(name: str) -> ModelSource:
    """What open_clip has to be asked for. UserError, with names that are near, for one that leads nowhere."""
    if name.startswith("hf-hub:"):
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
    if weights not in tags:
        near = get_close_matches(weights, tags, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UserError(
            f"{architecture} has no weights called {weights!r}, and there is no such file.{hint} "
            f"Choose from: {', '.join(tags) or 'none; only a checkpoint file'}."
        )
    return ModelSource(architecture, weights)


def _leads_nowhere(name: str, path: Path, architecture: str, published: Iterable[str]) -> str:
    """What is wrong with a name that is no folder and does not begin with an architecture."""
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


def _names_beside(path: Path) -> list[str]:
    try:
        return os.listdir(path.parent)
    except OSError:
        return []
