"""Lessons in the language of the page: what they say by themselves, and the texts of their results.

The child process that computes a lesson writes English; beside a text that holds values it sends its message and them.
"""

from collections.abc import Mapping
from string import Formatter
from typing import Any

from app.language.catalogues import translations
from app.language.current import language
from app.language.names import ENGLISH

TEXTS = ("section", "title", "says", "look", "question", "answer")  # of a lesson
NOT_TEXTS = ("kind", "part", "image", "name", "tab", "settings", "default", "options", "error", "shown")
NAMED = ("lines", "groups", "rows")  # lists of parts whose "name" is a text

Line = dict[str, Any]


class _Marks(Formatter):
    """Numbers with the marks of German: 1.234,5 and 59 %."""

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(value, format_spec))
        return text if isinstance(value, str) else text.translate(str.maketrans(",.", ".,")).replace("%", "\u2009%")


def in_language(line: Line) -> Line:
    """A line of a lesson, or the list of lessons, in the current language; without what only this needs."""
    messages = line.pop("messages", {})
    if language() == ENGLISH:
        return line
    if line.get("kind") == "lessons":
        return line | {"lessons": [_lesson(one) for one in line["lessons"]]}
    translated: Line = _texts(line, messages)
    return translated


def _lesson(facts: Mapping[str, Any]) -> Line:
    controls = [
        dict(one) | {"label": _say(one["label"]), "names": [_say(option) for option in one["options"]]}
        for one in facts["controls"]
    ]
    elsewhere = [dict(one) | {"text": _say(one["text"])} for one in facts["elsewhere"]]
    said = {name: _say(facts[name]) for name in TEXTS if facts.get(name)}
    return {**facts, **said, "controls": controls, "elsewhere": elsewhere}


def _say(text: str, messages: Mapping[str, Any] | None = None) -> str:
    """A text in the current language: by its message and values, or itself a message; else as it is."""
    find = translations(language(), "lessons").gettext
    if not text or text not in (messages or {}):
        return find(text) if text else text
    message, values = (messages or {})[text]
    said = {name: _say(one, messages) if isinstance(one, str) else one for name, one in values.items()}
    return _Marks().vformat(find(message), (), said)


def _texts(value: object, messages: Mapping[str, Any], name: str = "", inside: str = "") -> Any:
    """value with every text in it translated; name: under which it stands, inside: the list that holds it."""
    if isinstance(value, str):
        keeps = name in NOT_TEXTS and not (name == "name" and inside in NAMED)
        return value if keeps else _say(value, messages)
    if isinstance(value, Mapping):
        return {key: _texts(one, messages, key, name or inside) for key, one in value.items()}
    if isinstance(value, list):
        return [_texts(one, messages, name, inside) for one in value]
    return value
