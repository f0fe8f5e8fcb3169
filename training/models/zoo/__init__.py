"""The zoo: small encoders that come with Gelato, alike in all but the method that trained them.

zoo.toml lists them with their settings; `python -m training zoo` trains and measures them. A folder beside this file
has each one's weights, figures and model card. Listing them imports nothing heavy.
"""

import json
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.registry import pick

FOLDER = Path(__file__).parent
PREFIX = "zoo/"
FIGURES_FILE = "evaluation.json"


@dataclass(frozen=True, kw_only=True)
class ZooModel:
    """An encoder of the zoo. The fields are explained in zoo.toml."""

    name: str
    method: str
    idea: str
    paper: str
    settings: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)

    @property
    def encoder(self) -> str:
        """Its name as --encoder takes it."""
        return PREFIX + self.name

    @property
    def folder(self) -> Path:
        """Where its weights, its figures and its card are."""
        return FOLDER / self.name

    @property
    def bytes(self) -> int:
        """How large its weights are."""
        return (self.folder / "model.safetensors").stat().st_size

    @property
    def reads_text(self) -> bool:
        """Whether it has a text tower."""
        return bool(json.loads((self.folder / "encoder.json").read_bytes())["kind"] == "pair")

    def figures(self) -> dict[str, dict[str, Any]]:
        """Its figures on held-out images by probe and column: value, low, high and n."""
        return dict(json.loads((self.folder / FIGURES_FILE).read_bytes()))


@cache
def table() -> dict[str, Any]:
    """zoo.toml: the tower, the data, the run and what is measured, the same for all."""
    return tomllib.loads((FOLDER / "zoo.toml").read_text(encoding="utf-8"))


@cache
def entries() -> tuple[ZooModel, ...]:
    """All that the file lists, in its order."""
    return tuple(ZooModel(**entry) for entry in table()["encoder"])


@cache
def zoo() -> tuple[ZooModel, ...]:
    """Those whose weights are here."""
    return tuple(model for model in entries() if (model.folder / "encoder.json").is_file())


def zoo_model(name: str) -> ZooModel | None:
    """The entry of a name as --encoder takes it, or None if the zoo has no weights of that name."""
    return next((model for model in zoo() if model.encoder == name), None)


def load_zoo(name: str, runtime: str | None = None, precision: str | None = None) -> Encoder:
    """The encoder called zoo/NAME. UserError if there is none of that name, or its weights are missing."""
    from training.models.run_encoder import encoder_in

    model = pick("encoder", name, {model.encoder: model for model in entries()})
    if model not in zoo():
        raise UserError(f"{name} has no weights here; python -m training zoo {model.name} makes them.")
    return encoder_in(model.folder, name, runtime, precision)
