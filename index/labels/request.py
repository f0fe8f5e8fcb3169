"""What a collection is labelled by: the classes, their prompts, and how probabilities are computed."""

import hashlib
import json
from dataclasses import dataclass
from typing import Literal, get_args

from training.models.errors import UserError
from training.models.zero_shot import ClassName, check_classes

NONE = "none"  # the label of an image that shows none of the classes

Mode = Literal["one", "any"]
CalibrationKind = Literal["calibrated", "uncalibrated", "unscaled"]


@dataclass(frozen=True)
class LabelRequest:
    """One request to label images; UserError for one that makes no sense.

    templates: prompt templates with one {} each. mode: "one" shares a probability of 1 among the classes, "any"
    asks of each class by itself whether an image shows it. none: whether "none of these" is a possible answer of
    mode "one"; it always is of "any". none_level: logits that are added to it. calibration: "calibrated" fits the
    probabilities to the collection's ground truth where there is enough, "uncalibrated" is the softmax of the
    encoder's own logits, "unscaled" that of the plain cosines. corrections: whether stored corrections replace
    labels and count as ground truth. learn: whether labels of other images are adapted to the corrections too.
    """

    classes: tuple[ClassName, ...]
    templates: tuple[str, ...] = ("a photo of a {}.",)
    mode: Mode = "one"
    none: bool = False
    none_level: float = 0.0
    calibration: CalibrationKind = "calibrated"
    corrections: bool = True
    learn: bool = False

    def __post_init__(self) -> None:
        check_classes(self.classes)
        if not self.templates:
            raise UserError("There are no prompt templates; give at least one, such as: a photo of a {}.")
        _check("mode", self.mode, get_args(Mode))
        _check("calibration", self.calibration, get_args(CalibrationKind))
        if self.answers_none and any(c.name == NONE for c in self.classes):
            raise UserError(
                f"A class is called {NONE!r}, which is also the answer for none of them; give it another name."
            )

    @property
    def answers_none(self) -> bool:
        return self.none or self.mode == "any"

    @property
    def answers(self) -> tuple[str, ...]:
        """The names of all possible answers, NONE last where it is one."""
        return (*(c.name for c in self.classes), *([NONE] if self.answers_none else []))

    @property
    def prompts(self) -> int:
        """How many prompts must be embedded."""
        return sum(len(c.texts) for c in self.classes) * len(self.templates)

    @property
    def prompt_hash(self) -> str:
        """Twelve digits, equal for requests with equal classes, templates and settings of the probabilities."""
        settings = [self.mode == "any", self.none, self.none_level, self.calibration]
        content = [[c.texts for c in self.classes], self.templates, *settings]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


def _check(name: str, value: str, options: tuple[str, ...]) -> None:
    if value not in options:
        raise UserError(f"There is no {name} {value!r}; choose from {', '.join(options)}.")
