"""The page's own scripts, stylesheets and images: a table made at start, under one address that changes with them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from app.language.catalogues import script_of, script_source
from app.language.names import ENGLISH, LANGUAGES
from app.language.preference import COOKIE
from app.state.uploads import LARGEST
from app.ui.bundle import bundle
from index.viewing import SIDES
from training.models.commands import as_started
from training.models.formats import ACCEPT, IMAGES

APP = Path(__file__).parent.parent
FOLDERS = ("ui", "tabs")
FORMATS = "ui/upload/formats.js"  # made from the table of formats and the limit of uploads, not a file
VIEW_SIDES = "ui/viewer/sides.js"  # made from what the server resizes to
LANGUAGE_LIST = "ui/language/languages.js"
CATALOGUES = {code: f"ui/language/messages.{code}.js" for code in LANGUAGES if code != ENGLISH}  # made from the .po
PAGE = "page.js"  # all scripts of the page
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True)
class Asset:
    """One file. source: its content, or what `make` makes the content of when it is first asked for."""

    source: bytes
    media_type: str
    make: Callable[[], str] | None = None

    @cached_property
    def content(self) -> bytes:
        """The file as it is sent."""
        return self.source if self.make is None else self.make().encode()


def read_assets(app: Path) -> dict[str, Asset]:
    """Every file of app/ui and app/tabs that a browser may ask for, by its path below app, in a fixed order."""
    paths = (path for folder in FOLDERS for path in sorted((app / folder).rglob("*")))
    return {
        path.relative_to(app).as_posix(): Asset(_content(path), MEDIA_TYPES[path.suffix])
        for path in paths
        if path.suffix in MEDIA_TYPES and path.is_file()
    }


def _content(path: Path) -> bytes:
    """A file as it is sent: a script with the commands as they were started, anything else as it is."""
    return as_started(path.read_text(encoding="utf-8")).encode() if path.suffix == ".js" else path.read_bytes()


def content_hash(assets: dict[str, Asset]) -> str:
    """One hash of all files and their names; with it in the address, relative imports agree with each other."""
    digest = hashlib.sha256()
    for path, asset in sorted(assets.items()):
        digest.update(f"{path}\0{len(asset.source)}\0".encode())
        digest.update(asset.source)
    return digest.hexdigest()[:16]


def made_assets() -> dict[str, Asset]:
    """Scripts that hold what Python knows."""
    made: dict[str, dict[str, object]] = {
        FORMATS: {"ACCEPT": ACCEPT, "ENDINGS": IMAGES, "LARGEST": LARGEST},
        VIEW_SIDES: {"SIDES": SIDES},
        LANGUAGE_LIST: {"LANGUAGES": LANGUAGES, "COOKIE": COOKIE},
    }
    texts = {
        path: "".join(f"export const {name} = {json.dumps(value)};\n" for name, value in known.items())
        for path, known in made.items()
    }
    known_now = {path: Asset(text.encode(), MEDIA_TYPES[".js"]) for path, text in texts.items()}
    catalogues = {
        path: Asset(script_source(code), MEDIA_TYPES[".js"], partial(script_of, code))
        for code, path in CATALOGUES.items()
    }
    return known_now | catalogues


def page_script(assets: dict[str, Asset]) -> Asset:
    """All scripts of the page in one; those of the API's description and the catalogues are fetched by themselves."""
    others = set(CATALOGUES.values())
    scripts = {
        path: asset.content.decode()
        for path, asset in assets.items()
        if path.endswith(".js") and not path.startswith("ui/api_docs/") and path not in others
    }
    return Asset(bundle(scripts).encode(), MEDIA_TYPES[".js"])


ASSETS = read_assets(APP) | made_assets()
ASSETS[PAGE] = page_script(ASSETS)
BASE = f"static/{content_hash(ASSETS)}"  # relative to the page, so that it works below a sub-path

CSS = "\n".join(asset.content.decode() for path, asset in ASSETS.items() if path.endswith(".css"))
ICON = f"<link rel='icon' href='{BASE}/ui/favicon.png'>\n"  # else browsers look for one at the root of the host
HEAD = "<meta name='referrer' content='same-origin'>\n" + ICON


def load_module(path: str, call: str) -> str:
    """JavaScript for js_on_load: imports the module app/path and calls one of its functions.

    call: such as "search(element, server)", with the names that Gradio gives to js_on_load.
    """
    return f"{_imported(path)}.then((module) => module.{call});"


def event_module(path: str, call: str) -> str:
    """JavaScript for the js of an event: as load_module, and the inputs' values are called `values`."""
    return f"(...values) => {_imported(path)}.then((module) => module.{call})"


def _imported(path: str) -> str:
    if path not in ASSETS:
        raise ValueError(f"There is no module {path} below app.")
    return f"import(new URL('{BASE}/{PAGE}', document.baseURI)).then(({{ modules }}) => modules['{path}'])"
