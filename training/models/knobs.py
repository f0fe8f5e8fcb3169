"""Settings that describe themselves: one sentence serves the code, --help and the docs."""

from dataclasses import field
from typing import Any


def knob(default: Any, help: str) -> Any:
    """A field of a frozen config dataclass whose help is shown wherever the setting is."""
    return field(default=default, metadata={"help": help})
