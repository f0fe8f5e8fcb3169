"""Captions made from the columns of a source by templates such as "a photo of a {label_name}"."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from training.data.labels import LABEL_COLUMNS, ClassColumn, spoken
from training.data.source import Item


def fill_templates(templates: Iterable[str], item: Item, classes: ClassColumn) -> list[str]:
    """Templates with an image's own columns in their places; those that it lacks a column for are left out.

    Classes are said as prompts say them: white_shark as "white shark".
    """
    columns: dict[str, Any] = {"caption": item.caption, **item.metadata}
    for name, cell in columns.items():
        if classes.is_class(name) and cell is not None:
            columns[name] = spoken(classes.value(name, cell))
    filled = []
    for template in templates:
        wanted = re.findall(r"\{(\w+)\}", template)
        if all(columns.get(name) not in (None, "") for name in wanted):
            filled.append(re.sub(r"\{(\w+)\}", lambda match: str(columns[match[1]]), template))
    return filled


def captions_for(templates: Iterable[str], item: Item, classes: ClassColumn) -> list[str]:
    """The captions to train with: those that templates make, else the image's own."""
    return fill_templates(templates, item, classes) or list(item.captions)


def class_templates(captions: Sequence[str], label_column: str | None) -> list[str]:
    """The prompt templates inside caption templates: of those that name the class and no other column.

    "a photo of a {label_name}" gives "a photo of a {}". An encoder that was trained on "a photo of a cat" alone may
    stumble over the full stop of "a photo of a cat."
    """
    names = (label_column,) if label_column else LABEL_COLUMNS
    found = (re.fullmatch(r"([^{}]*)\{([^{}]+)\}([^{}]*)", caption) for caption in captions)
    return [f"{match[1]}{{}}{match[3]}" for match in found if match and match[2] in names]
