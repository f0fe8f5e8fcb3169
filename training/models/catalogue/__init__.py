"""The model catalogue: open_clip models that Gelato offers to fetch, with licences, sizes and published figures.

The data is in models.toml beside this file; a line there is all that another model takes. Loading it imports nothing
heavy, so that the command line and the page list models at once.
"""

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Literal

Use = Literal["small", "balanced", "best", "multilingual"]

TOKENIZER_BYTES = 35_000_000  # at most, of those that the catalogue's models need: a tokenizer.json of Gemma


@dataclass(frozen=True, kw_only=True)
class CatalogueModel:
    """A model of the catalogue. The fields are explained in models.toml.

    flickr, coco: recall at 1 in percent, text to image and, if known, image to text. None: the source does not say.
    """

    name: str
    use: Use
    repository: str
    weights: str
    parameters: int
    image_parameters: int
    image_gflops: float
    dim: int
    image_size: int
    licence: str
    licence_url: str
    commercial: bool
    languages: str
    data: str
    source: str
    tokenizer: str | None = None
    text_tower: str | None = None
    bytes: int | None = None
    imagenet: float | None = None
    flickr: tuple[float, ...] | None = None
    coco: tuple[float, ...] | None = None

    @property
    def architecture(self) -> str:
        return self.name.partition("/")[0]

    @property
    def tag(self) -> str:
        return self.name.partition("/")[2]

    @property
    def download_bytes(self) -> int:
        """How much there is to fetch: as listed, else four bytes a parameter; the tokenizer comes to it."""
        return (self.bytes or 4 * self.parameters) + (TOKENIZER_BYTES if self.tokenizer else 0)


@cache
def catalogue() -> tuple[CatalogueModel, ...]:
    """All models, in the order of the file."""
    text = files("training.models.catalogue").joinpath("models.toml").read_text(encoding="utf-8")
    known = {field.name for field in fields(CatalogueModel)}
    models = []
    for entry in tomllib.loads(text)["model"]:
        if extra := set(entry) - known:
            raise ValueError(f"models.toml: {entry['name']} has unknown fields: {', '.join(sorted(extra))}")
        lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
        models.append(CatalogueModel(**entry | lists))
    return tuple(models)


def catalogue_model(name: str) -> CatalogueModel | None:
    """The entry of a name as --encoder takes it, or None if the catalogue has none."""
    return next((model for model in catalogue() if model.name == name), None)
