"""The language that is spoken now, and messages in it: `_("No image passes these filters.")`.

The server sets the language for each request of the page; everywhere else it is English: commands, the REST API,
gradio_client and threads of their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from app.language.catalogues import translations
from app.language.names import ENGLISH, LANGUAGES

_current = ContextVar("language", default=ENGLISH)


def language() -> str:
    """The code of the current language, such as "de"."""
    return _current.get()


@contextmanager
def speaking(code: object) -> Iterator[None]:
    """Within the block the current language is this one; a code that is not known means English."""
    token = _current.set(code if isinstance(code, str) and code in LANGUAGES else ENGLISH)
    try:
        yield
    finally:
        _current.reset(token)


def _(message: str, /, **values: object) -> str:
    """The message in the current language, with its placeholders such as {name} filled in if there are values."""
    text = translations(language()).gettext(message)
    return text.format(**values) if values else text


def plural(one: str, several: str, number: int, /, **values: object) -> str:
    """As `_`, by number: plural("{n} image", "{n} images", count). {n} is the number as it is read."""
    text = translations(language()).ngettext(one, several, number)
    return text.format(n=spelt(number), **values)


def spelt(number: float) -> str:
    """A number with the group and decimal marks of the current language: 1,234.5 or 1.234,5."""
    text = f"{number:,}"
    return text if language() == ENGLISH else text.translate(str.maketrans(",.", ".,"))
