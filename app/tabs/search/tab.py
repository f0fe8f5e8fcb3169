"""Search: words and images, wanted or not, and the images that answer them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from app.state.library import Library
from app.state.questions import MOST, Question, asked
from app.ui.assets import load_module
from app.ui.inspector.inspector import explain_image, file_name, image_credits, image_facts
from index.query import Term, embed_query, parse_query
from index.retrieval.facets import SORTS, Rows
from index.retrieval.relevance import TRUSTED, Noise
from index.search import Hit, hit, ranked
from index.storage.tags import tag
from training.evaluation.wording import ENOUGH_WORDS, order_matters
from training.models.encoder import unread
from training.models.errors import UserError

PATIENCE = 0.6  # seconds that a first search waits for the collection's noise to be known
SORTED = 240  # results that another order than the best is made of where there is no line


def search_tab(library: Library) -> None:
    """Lay out the tab: one component, whose functions answer the questions its script asks."""

    def find(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(find_images, library, ask)

    def inspect(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(image_facts, library, ask)

    def explain(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(explain_image, library, ask)

    def credits(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(image_credits, library, ask)

    def filters(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(offered_filters, library, ask)

    def tagging(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(tag_images, library, ask)

    def remark(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(remarks, library, ask)

    gr.HTML(
        html_template="<div class='g-search'></div>",
        js_on_load=load_module("tabs/search/search.js", "search(element, server)"),
        apply_default_css=False,
        server_functions=[find, inspect, explain, credits, filters, tagging, remark],
        elem_id="search",
    )


def answered(question: Any, *arguments: Any) -> dict[str, Any]:
    """question(*arguments), or the sentence that says why there is no answer."""
    try:
        return question(*arguments)
    except UserError as error:
        return {"error": str(error)}


@dataclass(frozen=True)
class Found:
    """The answer to a question: hits on this page, likely ones first, and what is known of all of them.

    matching: images that pass the filters. likely: how many of the collection's lie above the line,
    None where no line is drawn. seconds: spent once the encoder was ready.
    """

    hits: Sequence[Hit]
    matching: int
    seconds: float = 0.0
    likely: int | None = None
    line: Mapping[str, Any] | None = None
    strengths: Mapping[int, float] | None = None


def find_images(library: Library, ask: Mapping[str, Any]) -> dict[str, Any]:
    """Results of a question, as `asked` reads it; without words or images, the first images.

    milliseconds counts from the encoder being ready.
    """
    question = asked(library, ask)
    found = answer(library, question)
    collection = question.collection
    result = {
        "terms": [_pill(term, collection) for term in question.terms if term.words or term.like],
        "hits": [_card(h, question, found) for h in found.hits],
        "collection": question.opened.key,
        "total": len(collection),
        "matching": found.matching,
        "revision": collection.revision,
        "likely": found.likely,
        "line": found.line,
    }
    return result | ({"milliseconds": round(1000 * found.seconds)} if question.terms else {})


def answer(library: Library, question: Question) -> Found:
    """The images that answer a question, from question.offset on."""
    collection, page = question.collection, slice(question.offset, question.offset + question.count)
    matching = len(collection) if question.among is None else len(question.among)
    if not question.terms:
        rows = question.facets.ordered(
            np.arange(len(collection)) if question.among is None else question.among, question.sort
        )[page]
        return Found([hit(collection, int(row), 0.0, page.start + i) for i, row in enumerate(rows, 1)], matching)
    encoder = library.encoder(question.opened)
    started = time.perf_counter()
    collection.check_encoder(encoder)
    vector = embed_query(question.terms, collection, encoder)
    scores, rows = ranked(collection, vector, min(MOST, max(matching, 1)), question.among)
    noise = None
    if question.words_only and question.line != "off":
        noise = question.opened.null_distribution(encoder, PATIENCE)
    order, likely, line, strengths = np.arange(len(rows)), None, _no_line(question, encoder.name), None
    if noise is not None:
        strengths = noise.strengths(vector, collection.vectors[rows], rows)
        line = _line(question, noise, vector, strengths, encoder.name)
        above = strengths > line["at"]
        if line["shown"]:
            order = np.concatenate([np.flatnonzero(above), np.flatnonzero(~above)])
            likely = int(above.sum())
    order = _sorted(question, rows, order, SORTED if likely is None else likely)
    shown = order[page]
    hits = [hit(collection, int(rows[at]), float(scores[at]), page.start + i) for i, at in enumerate(shown, 1)]
    by_row = None if strengths is None else {int(rows[at]): float(strengths[at]) for at in shown}
    return Found(hits, matching, time.perf_counter() - started, likely, line, by_row)


def _sorted(question: Question, rows: Rows, order: NDArray, best: int) -> NDArray:
    """order with its first best entries in the order that was asked for: weak matches are not worth sorting."""
    if question.sort == "best":
        return order
    place = {int(row): at for at, row in zip(order[:best], rows[order[:best]], strict=True)}
    first = question.facets.ordered(rows[order[:best]], question.sort)
    return np.concatenate([np.array([place[int(row)] for row in first], np.intp), order[best:]])


def _line(question: Question, noise: Noise, vector: NDArray, strengths: NDArray, encoder: str) -> dict[str, Any]:
    """What the page needs to draw the line and the bars behind it."""
    best = float(strengths.max()) if len(strengths) else 0.0
    return {
        "shown": encoder in TRUSTED or question.line is not None,
        "measured": encoder in TRUSTED,
        "at": question.line if isinstance(question.line, float) else 1.0,
        "best": round(best, 2),
        "histogram": noise.histogram(vector, len(question.collection), best),
    }


def _no_line(question: Question, encoder: str) -> dict[str, Any]:
    """Why there is no line: it is off, not known yet, or the question has images in it."""
    why = "off" if question.line == "off" else "soon" if question.words_only else "images"
    return {"shown": False, "measured": encoder in TRUSTED, "why": why}


def _pill(term: Term, collection: Any) -> dict[str, Any]:
    if term.like is not None:
        return {"sign": term.sign, "weight": term.weight, "like": term.like}
    return {"sign": term.sign, "weight": term.weight, "words": term.words}


def _card(found: Hit, question: Question, answer: Found) -> dict[str, Any]:
    card: dict[str, Any] = {
        "id": found.id,
        "name": found.caption or file_name(found.path),
        "score": round(found.score, 4) if question.terms else None,
        "rank": found.rank,
    }
    if answer.strengths is not None and answer.line is not None:
        strength = answer.strengths[found.row]
        card |= {"strength": round(strength, 2), "likely": strength > answer.line["at"]}
    if found.id in question.tags:
        card["tags"] = question.tags[found.id]
    return card


def offered_filters(library: Library, ask: Mapping[str, Any]) -> dict[str, Any]:
    """What can be filtered by, counted over the images that pass the filters of ask."""
    question = asked(library, {**ask, "q": "", "like": [], "images": []})
    offered = question.facets.offered(question.among, question.tagged)
    return {"filters": offered, "collection": question.opened.key, "sorts": list(SORTS)}


def tag_images(library: Library, ask: Mapping[str, Any]) -> dict[str, Any]:
    """Give ask["name"] to the images ask["ids"], or take it away with ask["on"] false."""
    ids = [str(id) for id in ask.get("ids") or []][:MOST]
    collection = library.collection(ask.get("collection")).published()
    tags = tag(collection, ids, str(ask.get("name") or ""), bool(ask.get("on", True)))
    return {"tags": {id: tags.get(id, []) for id in ids}, "all": sorted({name for of in tags.values() for name in of})}


def remarks(library: Library, ask: Mapping[str, Any]) -> dict[str, Any]:
    """What a person should know about how the encoder reads ask["q"]: words left out, an order without effect."""
    opened = library.collection(ask.get("collection"))
    encoder = library.encoder(opened)
    told = []
    for term in parse_query(str(ask.get("q") or "")[:2000]):
        words = term.words or ""
        rest = unread(encoder, words)
        if rest:
            start = words[: len(words) - len(rest)].rstrip()
            told.append(f"{encoder.name} reads only up to “…{start[-40:]}”; “{rest[:80]}” is left out.")
        elif len(words.split()) >= ENOUGH_WORDS and order_matters(encoder, words) is False:
            told.append(f"The order of the words of “{words[:80]}” makes no difference to {encoder.name}.")
    return {"remarks": told}
