"""Requests to label that the server accepts: within its limits, and never a file of this computer."""

from collections.abc import Sequence

from index.labels.request import CalibrationKind, LabelRequest, Mode
from training.models.errors import UserError
from training.models.prompts import TEMPLATE_SETS, parse_templates, template_set
from training.models.zero_shot import ClassName

MOST_PROMPTS = 20_000  # texts of classes times templates, half a minute of a small encoder's time
MOST_TEMPLATES = 200
LEVELS = 20.0  # logits that "none of these" may be put ahead or behind


def label_request(
    classes: Sequence[ClassName],
    templates: str,
    *,
    custom: str | None = None,
    mode: Mode = "one",
    none: bool = False,
    none_level: float = 0.0,
    calibration: CalibrationKind = "calibrated",
) -> LabelRequest:
    """A request within what the server takes. templates: a name of TEMPLATE_SETS, never a file, since it comes from
    elsewhere; custom: templates, one a line, instead."""
    if custom is not None:
        chosen = parse_templates(custom)
        if len(chosen) > MOST_TEMPLATES:
            raise UserError(f"That is {len(chosen)} templates; the page takes {MOST_TEMPLATES}.")
    elif templates in TEMPLATE_SETS:
        chosen = template_set(templates)
    else:
        raise UserError("There is no such set of templates; choose one of the list.")
    request = LabelRequest(
        tuple(classes),
        tuple(chosen),
        mode=mode,
        none=none,
        none_level=min(max(none_level, -LEVELS), LEVELS),
        calibration=calibration,
    )
    if request.prompts > MOST_PROMPTS:
        raise UserError(
            f"That makes {request.prompts:,} prompts and the page takes {MOST_PROMPTS:,}; "
            f"choose fewer templates or fewer classes, or use the command line: python -m index label."
        )
    return request
