"""The messages that the code has: the arguments of `_` and its kin, in Python by Babel and in scripts by a scanner."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file

from app.language.lessons import TEXTS
from app.language.script_literals import literals

APP = Path(__file__).parent.parent
LESSONS = APP.parent / "training/lessons"
Keywords = dict[str, tuple[int, int] | None]
PYTHON: Keywords = {"_": None, "widget_text": None, "plural": (1, 2)}
SCRIPTS = ("_(", "textNodes(")  # what a message stands behind
API_DOCS = APP / "ui/api_docs"  # documentation, which is English

Found = str | tuple[str, ...]  # a message, or its singular and plural


def extract(domain: str) -> Catalog:
    """The messages of a domain, one of DOMAINS, in the order of the files, without translations."""
    catalogue = Catalog(domain=domain, project="Gelato", charset="utf-8")
    for found in lesson_messages() if domain == "lessons" else app_messages(domain):
        catalogue.add(found)
    return catalogue


def app_messages(domain: str) -> Iterator[Found]:
    """The messages of app's modules, or of its scripts."""
    ending, messages = (".py", python_messages) if domain == "python" else (".js", script_messages)
    for path in sorted(APP.rglob(f"*{ending}")):
        if API_DOCS not in path.parents:
            yield from messages(path)


def python_messages(path: Path, keywords: Keywords = PYTHON) -> Iterator[Found]:
    """The messages of a module."""
    for _, message, _, _ in extract_from_file("python", path, keywords):
        yield message


def lesson_messages() -> Iterator[Found]:
    """What the lessons say by themselves and of their results."""
    for lesson in tomllib.loads((LESSONS / "lessons.toml").read_text(encoding="utf-8"))["lesson"]:
        yield from (" ".join(lesson[name].split()) for name in TEXTS if name in lesson)
        yield from (one["text"] for one in lesson.get("elsewhere", ()))
        for control in lesson.get("control", ()):
            yield control["label"]
            yield from (option for option in control.get("options", ()) if "/" not in option and "{" not in option)
    for path in sorted(LESSONS.glob("*.py")):
        yield from (one for one in python_messages(path, {"say": None}) if isinstance(one, str))


def script_messages(path: Path) -> Iterator[Found]:
    """The messages of a script."""
    found = literals(path.read_text(encoding="utf-8"))
    for i, one in enumerate(found):
        if one.before in SCRIPTS:
            yield one.text
        elif one.before == "plural(":
            yield one.text, found[i + 1].text
