"""Texts of lessons as messages with values, so that a page can say them in its own language.

English is filled in here. A text that holds values remembers its message and them, and the child process of the page
sends both along: app/language/lessons.py says it again in German. In commands and docs the texts stay English.
"""

from collections.abc import Mapping
from typing import Any

Value = str | float


class Said(str):
    """A message whose placeholders, such as {loss:.2f}, are filled in with values."""

    message: str
    values: Mapping[str, Value]


def say(message: str, /, **values: Value) -> str:
    """The message in English. values: numbers, and texts that are messages themselves or are the same in any "
    "language."""
    said = Said(message.format(**values) if values else message)
    said.message, said.values = message, values
    return said


def messages_in(value: object) -> dict[str, list[Any]]:
    """The texts with values in a part of a lesson: [message, values] of each."""
    if isinstance(value, Said):
        inner = {text: more for one in value.values.values() for text, more in messages_in(one).items()}
        return {str(value): [value.message, dict(value.values)], **inner} if value.values else {}
    if isinstance(value, Mapping):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple):
        parts = list(value)
    else:
        return {}
    return {text: more for part in parts for text, more in messages_in(part).items()}
