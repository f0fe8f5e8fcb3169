"""The messages that the code has: the arguments of `_` and its kin, in Python by Babel and in scripts by a scanner."""

from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file

from app.language.script_literals import literals

APP = Path(__file__).parent.parent
PYTHON: dict[str, tuple[int, int] | None] = {"_": None, "widget_text": None, "plural": (1, 2)}
SCRIPTS = ("_(", "textNodes(")  # what a message stands behind
API_DOCS = APP / "ui/api_docs"  # documentation, which is English

Found = str | tuple[str, ...]  # a message, or its singular and plural


def extract(domain: str) -> Catalog:
    """The messages of a domain, "python" or "scripts", in the order of the files, without translations."""
    catalogue = Catalog(domain=domain, project="Gelato", charset="utf-8")
    ending, messages = (".py", python_messages) if domain == "python" else (".js", script_messages)
    for path in sorted(APP.rglob(f"*{ending}")):
        if API_DOCS not in path.parents:
            for message in messages(path):
                catalogue.add(message)
    return catalogue


def python_messages(path: Path) -> Iterator[Found]:
    """The messages of a module."""
    for _, message, _, _ in extract_from_file("python", path, PYTHON):
        yield message


def script_messages(path: Path) -> Iterator[Found]:
    """The messages of a script."""
    found = literals(path.read_text(encoding="utf-8"))
    for i, one in enumerate(found):
        if one.before in SCRIPTS:
            yield one.text
        elif one.before == "plural(":
            yield one.text, found[i + 1].text
