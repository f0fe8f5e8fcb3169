"""python -m training list: what a run can be made of."""

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from training.evaluation import PROBES
from training.methods import METHODS
from training.models.console import print_json
from training.models.prompts import TEMPLATE_SETS
from training.recipes import RECIPES

Row = dict[str, Any]  # name, text, and facts that only JSON shows


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def methods() -> list[Row]:
    """Pretraining methods; each is a command"""
    return [
        {
            "name": name,
            "text": _first_line(inspect.getmodule(METHODS[name])),
            "needs": "captions" if METHODS[name].needs_captions else "labels" if METHODS[name].needs_labels else "",
            "paper": dict(METHODS[name].recipe),
        }
        for name in METHODS
    ]


def towers() -> list[Row]:
    """Towers, for --tower; --text-tower takes those of open_clip"""
    from training.models.small_networks import SMALL_NETWORKS
    from training.models.tower_configs import TINY

    rows = [{"name": name, "text": "a ViT for 32-pixel images, with a text tower"} for name in TINY]
    rows += [{"name": name, "text": "a convolutional network for images of 32 to 64 pixels"} for name in SMALL_NETWORKS]
    rows += [{"name": "starter", "text": "the image tower of the default encoder: EfficientNet-Lite0 of ImageNet"}]
    rows += [{"name": name, "text": "of open_clip"} for name in _open_clip_towers()]
    return [*rows, {"name": "any model of timm", "text": "such as resnet50, or vit_small_patch16_224"}]


def _open_clip_towers() -> list[str]:
    """The names of open_clip's configurations, without importing it, which takes seconds."""
    package = find_spec("open_clip")
    assert package is not None and package.origin is not None
    files = Path(package.origin).with_name("model_configs").glob("*.json")
    return sorted(
        file.stem for file in files if {"vision_cfg", "text_cfg"} <= json.loads(file.read_text(encoding="utf-8")).keys()
    )


def optimizers() -> list[Row]:
    """Optimisers, for --optimizer"""
    from training.engine.optim import OPTIMIZERS

    return [{"name": name, "text": _first_line(build)} for name, build in OPTIMIZERS.items()]


def augmentations() -> list[Row]:
    """Augmentations, each an option of the methods behind it, with its default there"""
    from training.data.views import ViewKnobs

    rows: dict[str, Row] = {}
    for method in METHODS:
        for field in fields(METHODS[method].Config):
            if field.name in {knob.name for knob in fields(ViewKnobs)}:
                row = rows.setdefault(
                    field.name, {"name": field.name, "text": field.metadata["help"].partition(" [")[0], "methods": {}}
                )
                row["methods"][method] = field.default
    return list(rows.values())


def recipes() -> list[Row]:
    """Recipes of papers, for --recipe of their method"""
    return [
        {"name": name, "text": f"{recipe.method}: {recipe.paper}", "data": recipe.data, "reported": recipe.reported}
        for name, recipe in RECIPES.items()
    ]


def probes() -> list[Row]:
    """Probes, for evaluate --suite and for --suite of a run"""
    return [{"name": name, "text": _first_line(inspect.getmodule(PROBES[name]))} for name in PROBES]


def templates() -> list[Row]:
    """Sets of prompt templates, for evaluate --templates"""
    return [{"name": name, "text": text} for name, text in TEMPLATE_SETS.items()]


KINDS: dict[str, Callable[[], list[Row]]] = {
    one.__name__: one for one in (methods, recipes, towers, optimizers, augmentations, probes, templates)
}


@click.command("list")
@click.argument("kinds", nargs=-1, type=click.Choice(list(KINDS)))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, with more of each.")
def listing(kinds: tuple[str, ...], as_json: bool) -> None:
    """List what a run can be made of: all, or the KINDS named."""
    found = {kind: KINDS[kind]() for kind in kinds or KINDS}
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(line for kind, rows in found.items() for line in section(_first_line(KINDS[kind]), rows)))


def section(title: str, rows: list[Row]) -> Iterator[str]:
    """The lines of one kind. Neighbours with the same text share it."""
    yield f"{title}:"
    for text, some in groupby(rows, lambda row: str(row["text"])):
        names = [row["name"] for row in some]
        said = f"{names[0]:20} {text}" if len(names) == 1 else f"{text}: {', '.join(names)}"
        yield from wrap(said, 118, initial_indent="  ", subsequent_indent=" " * 4, break_on_hyphens=False)
    yield ""
