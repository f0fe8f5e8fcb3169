"""Settings that describe themselves: one sentence serves the code, --help and the docs."""

from collections.abc import Sequence
from dataclasses import field, fields
from typing import Any


def knob(default: object, help: str, choices: Sequence[str] | None = None, flags: Sequence[str] = ()) -> Any:
    """A field of a frozen config dataclass whose help is shown wherever the setting is.

    choices: the values that a setting of words can have. flags: what other programs call its option.
    """
    return field(default=default, metadata={"help": help, "choices": choices, "flags": flags})


def knob_of(config: type, name: str) -> Any:
    """The same setting as the field called name of another config dataclass."""
    return next(field(default=one.default, metadata=one.metadata) for one in fields(config) if one.name == name)
