"""The form of Classify: its widgets, and their values as a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block

from app.language.current import _
from app.state.label_requests import LEVELS, label_request
from app.ui.language.widgets import widget_text
from index.labels.request import LabelRequest
from training.models.errors import UserError
from training.models.prompts import TEMPLATE_SETS
from training.models.zero_shot import class_line, parse_classes

FIELDS = (
    "classes",
    "templates",
    "custom",
    "mode",
    "none",
    "none_level",
    "calibration",
)  # of FormWidgets
CUSTOM = "custom"  # templates that a person wrote
FIRST_CLASSES = "cat\ndog\nbird\nflower\nfruit\ncar\nhouse\nface\nclock"
FIRST_CUSTOM = "a photo of a {}.\na drawing of a {}.\n{}"
TEMPLATES = [
    (widget_text("The bare name"), "plain"),
    ("a photo of a …", "photo"),
    (widget_text("7 templates, averaged"), "7"),
    (widget_text("80 templates, averaged (slow)"), "80"),
    (widget_text("My own templates"), CUSTOM),
]
MODES = [(widget_text("One of these"), "one"), (widget_text("Any of these"), "any")]
CALIBRATIONS = [
    (widget_text("Calibrated where labels allow"), "calibrated"),
    (widget_text("As the encoder has them"), "uncalibrated"),
    (widget_text("Temperature 1, the plain cosines"), "unscaled"),
]

assert {template_set for label, template_set in TEMPLATES} == {*TEMPLATE_SETS, CUSTOM}

Form = Mapping[str, Any]


@dataclass(frozen=True)
class FormWidgets:
    """The widgets whose values make a form."""

    classes: gr.Textbox
    templates: gr.Dropdown
    custom: gr.Textbox
    mode: gr.Radio
    none: gr.Checkbox
    none_level: gr.Slider
    calibration: gr.Dropdown

    @property
    def all(self) -> list[Block]:
        return list(vars(self).values())


def form_widgets() -> tuple[FormWidgets, gr.Button]:
    """Lay out the form; also returns the button that opens the chosen templates for editing."""
    classes = gr.Textbox(
        FIRST_CLASSES,
        label=widget_text("Classes"),
        info=widget_text(
            "One per line, or all on one line with commas. Synonyms of a class may follow it: food: meal, dish, snack"
        ),
        lines=8,
        max_lines=16,
        elem_id="classes",
    )
    mode = gr.Radio(MODES, value="one", label=widget_text("An image shows"), elem_id="mode")
    none = gr.Checkbox(False, label=widget_text("Allow “none of these”"), elem_id="none")
    templates = gr.Dropdown(
        TEMPLATES, value="photo", label=widget_text("Prompt templates"), filterable=False, elem_id="templates"
    )
    custom = gr.Textbox(
        FIRST_CUSTOM,
        label=widget_text("My own templates"),
        info=widget_text("One per line, with {} where the class goes."),
        lines=3,
        max_lines=12,
        visible=False,
        elem_id="custom-templates",
    )
    with gr.Accordion(widget_text("Templates and probabilities"), open=False, elem_id="finer"):
        edit = gr.Button(widget_text("Edit these templates"), size="sm", elem_id="edit-templates")
        calibration = gr.Dropdown(
            CALIBRATIONS,
            value="calibrated",
            label=widget_text("Probabilities"),
            filterable=False,
            elem_id="calibration",
        )
        none_level = gr.Slider(
            -LEVELS,
            LEVELS,
            value=0,
            step=0.5,
            label=widget_text("How readily “none of these” is answered"),
            info=widget_text("Logits that are added to those of the nearest everyday thing."),
            elem_id="none-level",
        )
    return FormWidgets(classes, templates, custom, mode, none, none_level, calibration), edit


def read_form(form: Form) -> LabelRequest:
    """The form as the page sends it; UserError if it makes no sense or is too much."""
    custom = str(form.get("custom") or "")[:100_000] if form.get("templates") == CUSTOM else None
    return label_request(
        parse_classes(str(form.get("classes") or "")[:500_000]),
        str(form.get("templates") or "photo"),
        custom=custom,
        mode="any" if form.get("mode") == "any" else "one",
        none=bool(form.get("none")),
        none_level=_level(form.get("none_level")),
        calibration=form.get("calibration") or "calibrated",
    )


def class_lines(request: LabelRequest) -> str:
    """The classes of a request as the form has them."""
    return "\n".join(map(class_line, request.classes))


def understood(form: Form, request: LabelRequest) -> str:
    """The classes of a text that could be read in two ways, or ""."""
    text = str(form.get("classes") or "").strip()
    if "\n" in text or len(request.classes) < 2:
        return ""
    names = ", ".join(c.name for c in request.classes[:8]) + (", …" if len(request.classes) > 8 else "")
    return _("Understood as {n} classes: {names}.", n=len(request.classes), names=names)


def _level(value: float | str | None) -> float:
    try:
        level = float(value or 0.0)
    except (TypeError, ValueError) as error:
        raise UserError(_("The logits added to none of these are a number.")) from error
    return level if level == level else 0.0
