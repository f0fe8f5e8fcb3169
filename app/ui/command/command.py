"""The commands of a shell that give what the page shows; `command.js` has the button that copies one."""

import re
import shlex
from collections.abc import Sequence

from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.search_requests import ALL, SearchFields
from index.labels.request import LabelRequest
from index.retrieval.facets import facet_texts
from training.models.commands import as_started
from training.models.zero_shot import class_line

WORDS = re.compile(r"[\w -]+")  # names of classes that may stand on one line, with commas between them


def index_command(*words: object) -> str:
    """A command of index; each word is one argument of it, whatever is in it."""
    return f"{as_started('python -m index')} {shlex.join(map(str, words))}"


def places(library: Library, opened: Sequence[OpenCollection]) -> list[str]:
    """The folders of collections, or their names only where others can reach the page; none if a generation that does
    not serve is among them, which a command does not see."""
    if any(one.generation for one in opened):
        return []
    return [str(one.path) if library.local else f"{one.name}.gelato" for one in opened]


def search_command(library: Library, fields: SearchFields) -> str:
    """The search of fields; "" where no command gives it: uploaded images are only here."""
    everywhere = library.collections() if ALL in fields.collections else map(library.collection, fields.collections)
    folders = places(library, list(everywhere) or [library.collection(fields.collection)])
    if fields.image or not folders:
        return ""
    options = [f"--like={id}" for id in fields.like] + [f"--without={text}" for text in fields.without]
    filters = [text for facet in fields.facet_filters() for text in facet_texts(facet)]
    options += [f"--filter={text}" for text in filters] + [f"--tag={name}" for name in fields.tags]
    options += [f"--where={fields.filter}"] if fields.filter else []
    order = fields.order
    if not fields.has_terms and order == "best":
        order = "newest"  # that of the page where nothing is searched for
    for name, value in (("order", order), ("threshold", fields.threshold), ("collapse", fields.collapse)):
        if value != type(fields).model_fields[name].default:
            options.append(f"--{name}={value}")
    options += ["--likely"] * fields.likely + ["--no-text-ranking"] * (not fields.text_ranking)
    options += [word for folder in folders[1:] for word in ("--also", folder)]
    text = [fields.q] if fields.q.strip() else []
    return index_command("search", *options, "-k", fields.k, *["--"] * fields.q.startswith("-"), folders[0], *text)


def label_command(library: Library, opened: OpenCollection, request: LabelRequest, templates: str) -> str:
    """The labels of a collection. templates: the name of a set, or "" for those of the request, one by one."""
    folders = places(library, [opened])
    if not folders:
        return ""
    options = ["--templates", templates or _lines(request.templates)]
    options += ["--any"] * (request.mode == "any") + ["--none"] * (request.none and request.mode == "one")
    options += [f"--none-level={request.none_level:g}"] if request.none_level and request.none else []
    options += {"calibrated": [], "uncalibrated": ["--no-calibrate"], "unscaled": ["--unscaled"]}[request.calibration]
    lines = list(map(class_line, request.classes))
    plain = len(lines) > 1 and all(map(WORDS.fullmatch, lines))
    return index_command("label", *folders, "--classes", ",".join(lines) if plain else _lines(lines), *options)


def _lines(texts: Sequence[str]) -> str:
    """A text of lines, one of them too; so it is no list with commas and no file."""
    return "\n".join(texts) + "\n" * (len(texts) == 1)
