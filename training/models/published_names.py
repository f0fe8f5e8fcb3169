"""The names of timm's and open_clip's models, without importing either, which takes seconds.

published_names.json has them for one version of each; `python -m training.models.published_names` writes it for the
versions that are installed. With any other version, or once a package is imported anyway, the package itself is asked.
"""

import json
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("published_names.json")


def is_timm_model(name: str) -> bool:
    """Whether timm can build a model of that name, which may end in a tag."""
    if _is_stored("timm", "timm"):
        return name.partition(".")[0] in _stored()["timm"]["names"]
    import timm

    return bool(timm.is_model(name))


def open_clip_tags() -> dict[str, list[str]]:
    """Each architecture of open_clip, in its order, and the tags of its published weights."""
    if _is_stored("open_clip_torch", "open_clip"):
        return dict(_stored()["open_clip_torch"]["names"])
    import open_clip

    return {name: list(open_clip.list_pretrained_tags_by_model(name)) for name in open_clip.list_models()}


def installed() -> dict[str, Any]:
    """What the file has to say of the installed versions."""
    import open_clip  # noqa: F401  # so that it is asked, and not the file
    from timm.models._registry import _model_entrypoints  # list_models leaves out deprecated names

    names = {"open_clip_torch": open_clip_tags(), "timm": sorted(_model_entrypoints)}
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
