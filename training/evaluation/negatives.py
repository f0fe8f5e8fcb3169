"""Reading of hard negatives from the files of SugarCrepe (Hsieh et al. 2023) and ARO (Yuksekgonul et al. 2023).

The source is a folder with their .json files and the images (COCO's val2017, Visual Genome's) that the user provides.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from training.models.decoding import decode_image
from training.models.errors import UserError

FOLDERS = (".", "images", "val2017", "val2014")  # folders of images, relative to the .json
SUGARCREPE = ("filename", "caption", "negative_caption")
ARO = ("image_path", "true_caption", "false_caption")  # its relations and attributes


@dataclass(frozen=True)
class HardNegative:
    """A true and a false caption of an image. image: None if it is missing. kind: of the difference."""

    image: Callable[[], Image.Image] | None
    caption: str
    negative: str
    kind: str


class NoNegatives(UserError):
    """The source is not a set of hard negatives, but for example a folder of images."""


def read_negatives(spec: str) -> list[HardNegative]:
    """The examples of a .json file or of a folder of them. NoNegatives if it is neither, UserError if it is broken."""
    path = Path(spec).expanduser()
    files = sorted(path.glob("*.json")) if path.is_dir() else [path] if path.suffix.lower() == ".json" else []
    found = [example for file in files if file.is_file() for example in _of_file(file)]
    if not found:
        what = NoNegatives if path.suffix.lower() != ".json" else UserError
        raise what(f"{spec} holds no hard negatives: it must be a .json of SugarCrepe or ARO, or a folder of them.")
    return found


def _of_file(file: Path) -> list[HardNegative]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    rows = list(document.values()) if isinstance(document, dict) else document
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
        return []
    columns = next((of for of in (SUGARCREPE, ARO) if set(of) <= set(rows[0])), None)
    if columns is None:
        return []
    kind = file.stem.removeprefix("visual_genome_")
    found = []
    for number, row in enumerate(rows):
        values = [row.get(column) for column in columns] if isinstance(row, dict) else [None]
        if not all(isinstance(value, str) and value for value in values):
            raise UserError(f"{file} cannot be read: example {number} lacks one of {', '.join(columns)}.")
        name, caption, negative = map(str, values)
        found.append(HardNegative(_image(file, name, _box(row)), caption, negative, kind))
    return found


def _box(row: dict[str, Any]) -> tuple[int, int, int, int] | None:
    """The bounding box of the caption's objects, to which ARO crops the image."""
    if "bbox_x" not in row:
        return None
    x, y, width, height = (int(row[f"bbox_{side}"]) for side in "xywh")
    return x, y, x + width, y + height


def _image(file: Path, name: str, box: tuple[int, int, int, int] | None = None) -> Callable[[], Image.Image] | None:
    base = Path(name).name  # only FOLDERS are searched, whatever path a downloaded file contains
    path = next((p for folder in FOLDERS if (p := file.parent / folder / base).is_file()), None)
    return None if path is None else partial(_open, path, box)


def _open(path: Path, box: tuple[int, int, int, int] | None) -> Image.Image:
    image = decode_image(path.read_bytes()).image
    return image.crop(box) if box else image
