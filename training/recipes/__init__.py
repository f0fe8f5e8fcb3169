"""RECIPES: the settings of papers at their real scale, by name, one TOML file each beside this one.

A file names its method and its paper, and has a line for each setting: our value, the paper's, and where the paper
says it. A setting that a recipe leaves out has the method's default.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.models.errors import UserError
from training.models.registry import pick

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Setting:
    """value: ours. paper: what the paper says, in its words. where: the section, or the file of its authors' code."""

    value: Any
    paper: str
    where: str


@dataclass(frozen=True)
class Recipe:
    """data: what the paper trains on. reported: the accuracy that it reports, "" if it reports none for this run."""

    name: str
    method: str
    paper: str
    data: str
    settings: Mapping[str, Setting]
    reported: str = ""

    @classmethod
    def read(cls, path: Path) -> "Recipe":
        """The recipe in a file."""
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        settings = {name: Setting(*row) for name, row in document.pop("settings").items()}
        return cls(path.stem, settings=settings, **document)


RECIPES: Mapping[str, Recipe] = {path.stem: Recipe.read(path) for path in sorted(FOLDER.glob("*.toml"))}


def recipe_of(method: str, name: str) -> Recipe:
    """The recipe called name. UserError if there is none, or if it is of another method."""
    recipe = pick("recipe", name, RECIPES)
    if recipe.method != method:
        raise UserError(f"{name} is of another method: python -m training {recipe.method} --recipe {name}.")
    return recipe
