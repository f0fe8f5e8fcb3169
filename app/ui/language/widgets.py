"""Texts of Gradio's own widgets, which are made once, for all languages; the page that is sent is translated."""

import json
import re
from collections.abc import Iterable

from app.language.current import _, speaking
from app.language.names import ENGLISH

_messages: set[str] = set()
CONFIG = re.compile(r"(window\.gradio_config = )(\{.*?\})(;</script>)", re.DOTALL)
HTML = '<html\n\tlang="en"'


def widget_text(message: str) -> str:
    """The message as it is, for a label or an info of a widget; `localise` translates it."""
    _messages.add(message)
    return message


def localise(page: str, language: str, fixed: bool, preload: Iterable[str]) -> str:
    """Gradio's HTML page in a language. fixed: the user may not choose another.

    preload: addresses of scripts to be fetched at once; what Gradio takes as head it adds only once it has started.
    """
    marks = f'lang="{language}" data-language="{language}"' + (" data-language-fixed" if fixed else "")
    page = page.replace(HTML, f"<html\n\t{marks}", 1)
    links = "".join(f"<link rel='modulepreload' href='{address}'>" for address in preload)
    page = page.replace("</head>", f"{links}</head>", 1)
    if language == ENGLISH:
        return page
    with speaking(language):
        return CONFIG.sub(lambda found: f"{found[1]}{_translated_config(found[2])}{found[3]}", page, count=1)


def _translated_config(config: str) -> str:
    """The JSON of Gradio's configuration with the texts of widgets translated, safe within a script element."""
    text = json.dumps(_translated(json.loads(config)), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("'", "\\u0027")


def _translated(value: object) -> object:
    """A value of JSON with every text that is a message of a widget in the current language."""
    if isinstance(value, str):
        return _(value) if value in _messages else value
    if isinstance(value, list):
        return [_translated(one) for one in value]
    if isinstance(value, dict):
        return {name: _translated(one) for name, one in value.items()}
    return value
