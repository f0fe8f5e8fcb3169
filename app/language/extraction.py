"""The messages that the code has, found by Babel: `_` and its kin."""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file

APP = Path(__file__).parent.parent
NUMBER = (1, 2)  # arguments: the singular and the plural
KEYWORDS: dict[str, dict[str, tuple[int, int] | None]] = {
    "python": {"_": None, "widget_text": None, "plural": NUMBER},
    "scripts": {"_": None, "textNodes": None, "plural": NUMBER},
}
METHODS = {"python": ("python", ".py"), "scripts": ("javascript", ".js")}
API_DOCS = APP / "ui/api_docs"  # documentation, which is English


def extract(domain: str) -> Catalog:
    """The messages of a domain in the order of the files, without translations."""
    method, ending = METHODS[domain]
    catalogue = Catalog(domain=domain, project="Gelato", charset="utf-8")
    for path in sorted(APP.rglob(f"*{ending}")):
        if API_DOCS in path.parents:
            continue
        for _, message, _, context in extract_from_file(method, path, KEYWORDS[domain], strip_comment_tags=True):
            catalogue.add(message, None, context=context)
    return catalogue
