"""The page that describes the REST API and lets a person try it."""

from pathlib import Path

from app.ui.assets import BASE

TEMPLATE = Path(__file__).with_name("api_docs.html")


def api_docs() -> str:
    """The page's HTML; its script builds the rest from openapi.json."""
    page = TEMPLATE.read_text(encoding="utf-8").replace("{{icon}}", f"{BASE}/ui/favicon.png")
    return page.replace("{{module}}", f"{BASE}/ui/api_docs/api_docs.js")
