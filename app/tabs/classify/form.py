"""The form of Classify, read and checked."""

from collections.abc import Mapping
from typing import Any

from app.state.label_requests import label_request
from index.labels.classifier import Classifier
from index.labels.request import LabelRequest
from training.models.errors import UserError
from training.models.zero_shot import parse_classes

FIELDS = ("classes", "templates", "own", "mode", "none", "level", "sureness")  # in the order of the page
OWN = "own"  # templates that a person wrote

Form = Mapping[str, Any]


def read_form(form: Form) -> LabelRequest:
    """The form as the page sends it; UserError if it makes no sense or is too much."""
    own = str(form.get("own") or "")[:100_000] if form.get("templates") == OWN else None
    return label_request(
        parse_classes(str(form.get("classes") or "")[:500_000]),
        str(form.get("templates") or "photo"),
        own=own,
        mode="any" if form.get("mode") == "any" else "one",
        none=bool(form.get("none")),
        none_level=_level(form.get("level")),
        calibration=form.get("sureness") or "calibrated",
    )


def understood(form: Form, request: LabelRequest) -> str:
    """The classes of a text that could be read in two ways, or ""."""
    text = str(form.get("classes") or "").strip()
    if "\n" in text or len(request.classes) < 2:
        return ""
    names = ", ".join(c.name for c in request.classes[:8]) + (", …" if len(request.classes) > 8 else "")
    return f"Understood as {len(request.classes)} classes: {names}."


def _level(value: Any) -> float:
    try:
        level = float(value or 0.0)
    except (TypeError, ValueError) as error:
        raise UserError("The logits added to none of these are a number.") from error
    return level if level == level else 0.0


def calibration_of(classifier: Classifier) -> dict[str, Any]:
    """What the badge says of probabilities."""
    calibration = classifier.calibration.as_dict()
    return calibration | {"wanted": calibration.pop("kind")}
