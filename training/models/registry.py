"""Choosing by name, with an answer that helps when the name is wrong."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from training.models.errors import UserError

T = TypeVar("T")


def pick(kind: str, name: str, options: Mapping[str, T]) -> T:
    """options[name], or a UserError that names the nearest spelling and every choice."""
    if name in options:
        return options[name]
    nearest = get_close_matches(name, options, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    raise UserError(f"There is no {kind} called {name!r}.{hint} Choose from: {', '.join(sorted(options))}.")
