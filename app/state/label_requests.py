"""Requests to label that the server accepts: within its limits, and never a file of this computer."""

from collections.abc import Sequence

from app.language.current import _, spelt
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
            raise UserError(
                _(
                    "That is {n} templates; the page takes {most_templates}.",
                    n=len(chosen),
                    most_templates=MOST_TEMPLATES,
                )
            )
    elif templates in TEMPLATE_SETS:
        chosen = template_set(templates)
    else:
        raise UserError(_("There is no such set of templates; choose one of the list."))
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
            _(
                "That makes {prompts} prompts and the page takes {most_prompts}; choose fewer templates "
                "or fewer classes, or use the command line: python -m index label.",
                prompts=spelt(request.prompts),
                most_prompts=spelt(MOST_PROMPTS),
            )
        )
    return request
