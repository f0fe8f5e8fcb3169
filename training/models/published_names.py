"""The names of timm's and open_clip's models and their places on the hub, without importing either: it takes seconds.

published_names.json has them for one version of each; `python -m training.models.published_names` writes it for the
versions that are installed. With any other version, or once a package is imported anyway, the package itself is asked.
"""

import json
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("published_names.json")
OF_THE_HUB = ("hf_tokenizer_name", "hf_model_name")  # settings of a text tower that name repositories


def is_timm_model(name: str) -> bool:
    """Whether timm can build a model of that name, which may end in a tag."""
    if _is_stored("timm", "timm"):
        return name.partition(".")[0] in _stored()["timm"]["names"]
    import timm

    return bool(timm.is_model(name))


def open_clip_tags() -> dict[str, list[str]]:
    """Each architecture of open_clip, in its order, and the tags of its published weights."""
    return {name: list(architecture["tags"]) for name, architecture in _open_clip().items()}


def open_clip_files(architecture: str, tag: str) -> tuple[str, Mapping[str, str]]:
    """Where the hub has the weights, REPOSITORY/FILE or REPOSITORY/, and what the text tower has from there.

    The second: those of open_clip's settings hf_tokenizer_name and hf_model_name that the architecture has.
    """
    found = _open_clip()[architecture]
    return found["tags"][tag], found["text"]


def _open_clip() -> dict[str, dict[str, Any]]:
    """tags: the place of each on the hub; text: see open_clip_files."""
    if _is_stored("open_clip_torch", "open_clip"):
        return dict(_stored()["open_clip_torch"]["names"])
    import open_clip

    def place(name: str, tag: str) -> str:
        return str(open_clip.get_pretrained_cfg(name, tag)["hf_hub"])

    def facts(name: str) -> dict[str, Any]:
        text = open_clip.get_model_config(name)["text_cfg"]
        tags = open_clip.list_pretrained_tags_by_model(name)
        return {
            "tags": {tag: place(name, tag) for tag in tags},
            "text": {key: text[key] for key in OF_THE_HUB if text.get(key)},
        }

    return {name: facts(name) for name in open_clip.list_models()}


def installed() -> dict[str, Any]:
    """What the file has to say of the installed versions."""
    import open_clip  # noqa: F401  # so that it is asked, and not the file
    from timm.models._registry import _model_entrypoints  # list_models leaves out deprecated names

    names = {"open_clip_torch": _open_clip(), "timm": sorted(_model_entrypoints)}
    return {package: {"version": version(package), "names": of} for package, of in names.items()}


def _is_stored(package: str, module: str) -> bool:
    """Whether the file is about the installed version, and asking the package itself would import it."""
    try:
        return module not in sys.modules and _stored()[package]["version"] == version(package)
    except PackageNotFoundError:
        return False


@cache
def _stored() -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(FILE.read_bytes())
    return stored


if __name__ == "__main__":
    FILE.write_text(json.dumps(installed(), indent=1) + "\n", encoding="utf-8")
