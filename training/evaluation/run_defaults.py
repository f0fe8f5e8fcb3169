"""How the encoder of a run is evaluated by default, in its log and by command alike, so that figures are equal."""

import json
from collections.abc import Sequence
from pathlib import Path

from training.data.captions import class_templates
from training.models.prompts import template_set

TEMPLATES = "photo"  # the template set of encoders that are no run, or whose captions do not show how they name a class
RUNTIME, PRECISION = "torch", "f32"  # weights that change with every step are exported nowhere


def templates_for(encoder: str, chosen: str | None = None) -> tuple[str, ...]:
    """The prompt templates that classes are put into for the encoder of this name.

    chosen: a template set, a file, or a template with {} in it; left out, the templates in a run's own captions, else
    TEMPLATES. UserError for an unknown set.
    """
    if chosen is not None:
        return (chosen,) if "{}" in chosen else tuple(template_set(chosen))
    try:
        data = json.loads((Path(encoder) / "config.json").read_bytes())["data"]
        return templates_of_run(data["caption"], data["label_column"])
    except (OSError, ValueError, KeyError, TypeError):
        return tuple(template_set(TEMPLATES))


def templates_of_run(captions: Sequence[str], label_column: str | None) -> tuple[str, ...]:
    """The prompt templates for a run that was trained on these caption templates."""
    return tuple(class_templates(captions, label_column) or template_set(TEMPLATES))


def class_depth_for(encoder: str, chosen: int | None) -> int:
    """How many folders from the top make a class: as chosen, as the run of this name was trained with, else 1."""
    if chosen is not None:
        return chosen
    try:
        return int(json.loads((Path(encoder) / "config.json").read_bytes())["data"]["class_depth"])
    except (OSError, ValueError, KeyError, TypeError):
        return 1


def runtime_for(encoder: str, runtime: str | None, precision: str | None) -> tuple[str | None, str | None]:
    """Runtime and precision as they were chosen; where neither was, those that a run's log is made with."""
    if runtime is None and precision is None and (Path(encoder) / "encoder.json").is_file():
        return RUNTIME, PRECISION
    return runtime, precision
