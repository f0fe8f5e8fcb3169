"""Captions made from the columns of a source by templates such as "a photo of a {label_name}"."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from training.data.labels import LABEL_COLUMNS, ClassColumn, spoken
from training.data.source import CAPTION_COLUMNS, Item
from training.models.errors import UserError

COLUMN = re.compile(r"\{([^{}]+)\}")
ANY_CLASS_COLUMN = ("label", "class")  # in a template: the class, whatever its column is called


def check_templates(templates: Iterable[str]) -> None:
    """UserError for a template that names no column, or that has a brace of no column."""
    for template in templates:
        if re.search(r"[{}]", COLUMN.sub("", template)):
            raise UserError(
                f"The caption template {template!r} has a brace without the name of a column in it; write for example "
                f'"a photo of a {{label}}".'
            )
        if not COLUMN.search(template):
            raise UserError(
                f"The caption template {template!r} names no column, so every image would have the same caption; "
                f'write for example "a photo of a {{label}}".'
            )


def column_of(name: str, columns: Collection[str], classes: ClassColumn) -> str | None:
    """The column that a name in a template means; None if there is none."""
    if name in columns:
        return name
    if name in CAPTION_COLUMNS and "caption" in columns:
        return "caption"  # which is what a source calls the column that it takes captions from
    if name in ANY_CLASS_COLUMN:
        return next((column for column in (classes.name, *LABEL_COLUMNS) if column in columns), None)
    return None


def check_columns(templates: Iterable[str], columns: Collection[str], classes: ClassColumn, source: str) -> None:
    """UserError for the first template with a column that a source lacks."""
    for template in templates:
        for name in COLUMN.findall(template):
            if column_of(name, columns, classes) is None:
                by_lower = {column.lower(): column for column in columns}
                if column_of("label", columns, classes):
                    by_lower["label"] = "label"
                nearest = get_close_matches(name.lower(), by_lower, n=1)
                hint = f" Did you mean {{{by_lower[nearest[0]]}}}?" if nearest else ""
                raise UserError(
                    f"No image of {source} has the column {name!r} of the caption {template!r}; the columns are "
                    f"{', '.join(sorted(columns)) or 'none'}.{hint}"
                )


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
        cells = {name: _cell(name, columns, classes) for name in COLUMN.findall(template)}
        if all(cells.values()):
            filled.append(COLUMN.sub(lambda match, cells=cells: cells[match[1]], template))  # type: ignore[misc]
    return filled


def _cell(name: str, columns: Mapping[str, Any], classes: ClassColumn) -> str:
    column = column_of(name, columns, classes)
    cell = None if column is None else columns[column]
    return "" if cell is None else str(cell)


def captions_for(templates: Iterable[str], item: Item, classes: ClassColumn) -> list[str]:
    """The captions to train with: those that templates make, else the image's own."""
    return fill_templates(templates, item, classes) or list(item.captions)


def class_templates(captions: Sequence[str], label_column: str | None) -> list[str]:
    """The prompt templates inside caption templates: of those that name the class and no other column.

    "a photo of a {label_name}" gives "a photo of a {}". An encoder that was trained on "a photo of a cat" alone may
    stumble over the full stop of "a photo of a cat."
    """
    names = (label_column, *ANY_CLASS_COLUMN) if label_column else LABEL_COLUMNS
    found = (re.fullmatch(r"([^{}]*)\{([^{}]+)\}([^{}]*)", caption) for caption in captions)
    return [f"{match[1]}{{}}{match[3]}" for match in found if match and match[2] in names]
