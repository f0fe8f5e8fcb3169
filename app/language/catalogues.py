"""The catalogues: for each language one of the messages of Python, of the page's scripts and of the lessons.

They are gettext's .po files, such as de/python.po; English is the language of the code and has none.
`make messages` brings them up to date with the code. They are read when a page first needs one, and Babel, which takes
a twentieth of a second, is imported then.
"""

import json
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from app.language.names import ENGLISH

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

FOLDER = Path(__file__).parent
DOMAINS = ("python", "scripts", "lessons")


def catalogue_file(language: str, domain: str) -> Path:
    """Where the messages of a domain are in a language other than English."""
    return FOLDER / language / f"{domain}.po"


def read_catalogue(language: str, domain: str) -> "Catalog":
    """The messages of a domain, one of DOMAINS, in a language other than English."""
    from babel.messages.pofile import read_po

    with catalogue_file(language, domain).open("rb") as file:
        return read_po(file, locale=language, domain=domain)


def is_translated(message: "Message") -> bool:
    """Whether a message has a text, or all its plural forms have one."""
    return bool(message.string and all(message.string)) and not message.fuzzy


@cache
def translations(language: str, domain: str = "python") -> NullTranslations:
    """Where gettext looks the messages of Python or of lessons up. A message without a translation stays English."""
    if language == ENGLISH:
        return NullTranslations()
    from babel.messages.mofile import write_mo

    compiled = BytesIO()
    write_mo(compiled, read_catalogue(language, domain))
    compiled.seek(0)
    return GNUTranslations(compiled)


def script_source(language: str) -> bytes:
    """What script_of depends on: the catalogue and this module."""
    return catalogue_file(language, "scripts").read_bytes() + Path(__file__).read_bytes()


def script_of(language: str) -> str:
    """A module with the messages of scripts: MESSAGES, texts or lists of plural forms, and PLURAL, number to form."""
    catalogue = read_catalogue(language, "scripts")
    messages = {
        message.id if isinstance(message.id, str) else message.id[0]: message.string
        for message in catalogue
        if message.id and is_translated(message)
    }
    text = json.dumps(messages, ensure_ascii=False, separators=(",", ":"))
    # A plural rule of gettext is an expression of C; those of the form n != 1 mean the same in JavaScript.
    return f"export const MESSAGES = {text};\nexport const PLURAL = (n) => Number({catalogue.plural_expr});\n"
