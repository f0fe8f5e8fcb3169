"""Settings that describe themselves: one sentence serves the code, --help and the docs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from training.models.errors import UserError


@dataclass(frozen=True)
class Range:
    """The numbers that a setting can have. above, below: bounds that it must not reach."""

    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    below: float = math.inf

    def __contains__(self, value: float) -> bool:
        return self.least <= value <= self.most and self.above < value < self.below

    def __str__(self) -> str:
        bounds = {"at least": self.least, "above": self.above, "at most": self.most, "below": self.below}
        said = [f"{word} {bound:g}" for word, bound in bounds.items() if math.isfinite(bound)]
        return " and ".join(said) or "a finite number"


SHARE = Range(least=0, most=1)
COUNT = Range(least=1)
NONE_OR_MORE = Range(least=0)
POSITIVE = Range(above=0)


def knob(
    default: object,
    help: str,
    choices: Sequence[str] | None = None,
    flags: Sequence[str] = (),
    range: Range | None = None,
) -> Any:
    """A field of a frozen config dataclass whose help is shown wherever the setting is.

    choices: the values that a setting of words can have. range: those of a number; NaN and infinity are in none.
    flags: what other programs call its option.
    """
    return field(default=default, metadata={"help": help, "choices": choices, "flags": flags, "range": range})


def knob_of(config: type, name: str) -> Any:
    """The same setting as the field called name of another config dataclass."""
    return next(field(default=one.default, metadata=one.metadata) for one in fields(config) if one.name == name)


def check_values(config: type, values: Mapping[str, Any]) -> None:
    """UserError for the first of the values, by the name of the setting, that is out of its range or no choice."""
    for one in fields(config):
        value, choices = values.get(one.name), one.metadata.get("choices")
        allowed = one.metadata.get("range") or Range()
        if choices and value is not None and value not in choices:
            raise UserError(f"{one.name} is {value!r}; choose from {', '.join(choices)}.")
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not (math.isfinite(value) and value in allowed):
            meaning = one.metadata["help"].partition(" [default")[0].partition(";")[0]
            raise UserError(f"{one.name} is {value:g}; it must be {allowed} ({meaning}).")


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """Settings that are checked when they are made."""

    def __post_init__(self) -> None:
        check_values(type(self), vars(self))
