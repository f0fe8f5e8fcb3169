"""Search: words and pictures, wanted or not, and the pictures that answer them."""

import time
from collections.abc import Sequence
from typing import Any

import gradio as gr

from app.library import Library, Shelf
from app.tables import csv_text
from index.collection import Collection
from index.query import Term, parse_query
from index.search import hit, search
from training.models.errors import UserError

PAGE = 60  # results at a time
MOST = 1200  # results on one page, and rows of an exported table
MOST_TERMS = 32  # of a question: each costs time
SHOWN = ("attribution", "licence", "folder", "label")  # columns of a source that the inspector shows


def search_tab(library: Library) -> None:
    """Lay out the tab: one component, whose functions answer the questions its script asks."""

    def find(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(find_pictures, library, ask)

    def inspect(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(picture_facts, library, ask)

    def credits(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(picture_credits, library, ask)

    gr.HTML(
        html_template="<div class='g-search'></div>",
        js_on_load="gelato.search(element, server)",
        apply_default_css=False,
        server_functions=[find, inspect, credits],
        elem_id="search",
    )


def answered(question: Any, *arguments: Any) -> dict[str, Any]:
    """question(*arguments), or the sentence that says why there is no answer."""
    try:
        return question(*arguments)
    except UserError as error:
        return {"error": str(error)}


def find_pictures(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Results of ask["q"], ask["like"] and ask["pictures"] after ask["offset"]; without any, the first pictures.

    An id or token with a minus before it is unwanted. milliseconds counts from the encoder being ready.
    """
    shelf = library.shelf(ask.get("collection"))
    terms = asked_terms(library, ask)
    count, offset = _number(ask.get("k"), PAGE), _number(ask.get("offset"), 0, least=0)
    answer: dict[str, Any] = {
        "terms": [{"sign": t.sign, "weight": t.weight, "words": t.words} for t in terms if t.words]
    }
    if terms:
        found, spent = _found(library, shelf, terms, count, offset)
        collection = shelf.opened()
        answer |= {"milliseconds": round(1000 * spent), "hits": [_card(h) for h in found]}
    else:
        collection = shelf.opened()
        rows = range(offset, min(offset + count, len(collection)))
        answer["hits"] = [_card(hit(collection, row, 0.0, row + 1), scored=False) for row in rows]
    return answer | {"collection": shelf.key, "total": len(collection), "revision": collection.revision}


def _found(library: Library, shelf: Shelf, terms: Sequence[Term], count: int, offset: int):
    encoder = library.encoder(shelf)
    started = time.perf_counter()
    found = search(shelf.opened(), encoder, terms, count, offset=offset)
    return found, time.perf_counter() - started


def asked_terms(library: Library, ask: dict[str, Any]) -> list[Term]:
    """The words, ids and uploaded pictures of a question as terms."""
    terms = parse_query(str(ask.get("q") or "")[:2000])
    for like in ask.get("like") or []:
        sign, id = _signed(like)
        terms.append(Term(sign, like=id))
    for token in ask.get("pictures") or []:
        sign, name = _signed(token)
        terms.append(Term(sign, picture=library.pictures.get(name)))
    if len(terms) > MOST_TERMS:
        raise UserError(f"That is too much to ask for at once; the most is {MOST_TERMS} words and pictures.")
    return terms


def _signed(text: str) -> tuple[int, str]:
    """A minus before the name means unwanted."""
    text = str(text)
    return (-1, text[1:]) if text.startswith("-") else (1, text)


def _number(value: Any, otherwise: int, least: int = 1) -> int:
    try:
        return min(max(int(value), least), MOST)
    except (TypeError, ValueError):
        return otherwise


def _card(found: Any, scored: bool = True) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.caption or file_name(found.path),
        "score": round(found.score, 4) if scored else None,
    }


def file_name(path: str) -> str:
    """The last part of a path or of a shard's member."""
    return path.replace("\\", "/").rpartition("/")[2]


def picture_facts(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """What is known about one picture, for the inspector."""
    collection = library.shelf(ask.get("collection")).opened()
    row = _row(collection, str(ask.get("id")))
    modified = row["modified"]
    facts = {
        "id": row["id"],
        "file": file_name(row["path"]),
        "path": row["path"],
        "caption": row["caption"],
        "width": int(row["width"]),
        "height": int(row["height"]),
        "bytes": int(row["bytes"]),
        "date": f"{modified.day} {modified:%B %Y}" if modified == modified and modified.year > 1970 else "",
    }
    extra = {c: str(row[c]) for c in SHOWN if c in row.index and row[c] == row[c] and str(row[c])}
    return {"facts": facts, "columns": extra}


def _row(collection: Collection, id: str):
    try:
        return collection.items.iloc[collection.row(id)]
    except KeyError as error:
        raise UserError("That picture is not in the collection any more; search again.") from error


def picture_credits(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Whom the pictures are by, most pictures first, where the collection says so."""
    collection = library.shelf(ask.get("collection")).opened()
    if "attribution" not in collection.items:
        return {"credits": []}
    columns = [c for c in ("attribution", "licence") if c in collection.items]
    counts = collection.items[columns].fillna("").value_counts().head(200)
    return {"credits": [{"by": " · ".join(filter(None, key)), "pictures": int(n)} for key, n in counts.items()]}


def results_table(library: Library, ask: dict[str, Any]) -> str:
    """The results of a question as CSV."""
    shelf = library.shelf(ask["collection"])
    terms = asked_terms(library, ask)
    if not terms:
        raise UserError("There is nothing to export; search for something first.")
    found, _ = _found(library, shelf, terms, _number(ask.get("k"), PAGE), 0)
    rows = [(h.rank, f"{h.score:.5f}", h.id, h.path, h.caption) for h in found]
    return csv_text(("rank", "score", "id", "path", "caption"), rows)
