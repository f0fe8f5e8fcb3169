"""Search: words and images, wanted or not, and the images that answer them."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import gradio as gr

from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.questions import MOST, read_request
from app.ui.assets import load_module
from app.ui.inspector.inspector import explain_image, file_name, image_credits, image_facts
from index.query import Term, parse_query
from index.retrieval.facets import ORDERS
from index.search import Hit, SearchRequest, Threshold, search
from index.storage.tags import tag
from training.evaluation.wording import ENOUGH_WORDS, order_matters
from training.models.encoder import Encoder, unread
from training.models.errors import UserError

TIMEOUT = 0.6  # seconds that a first search waits for the null distribution


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


def find_images(library: Library, ask: Mapping[str, Any]) -> dict[str, Any]:
    """Results of a request, as `read_request` reads it; without a text or an image, the first images.

    milliseconds counts from the encoder being ready.
    """
    opened, request = read_request(library, ask)
    request = replace(request, with_histogram=True)
    collection = opened.published()
    result = search(collection, encoder_for(library, opened, request), request, timeout=TIMEOUT)
    answer = {
        "terms": [_pill(term) for term in request.terms if term.text or term.image_id],
        "hits": [_card(hit) for hit in result.hits],
        "collection": opened.key,
        "total": result.total,
        "matching": result.matching,
        "revision": collection.revision,
        "likely": result.likely,
        "line": _line(result.threshold),
    }
    return answer | ({"milliseconds": round(1000 * result.seconds)} if request.terms else {})


def encoder_for(library: Library, opened: OpenCollection, request: SearchRequest) -> Encoder | None:
    """The encoder of a collection if a request needs it; waits while it is being loaded."""
    return library.encoder(opened) if request.needs_encoder else None


def _line(threshold: Threshold | None) -> dict[str, Any] | None:
    """What the page needs to draw the threshold and the bars behind it."""
    if threshold is None:
        return None
    if threshold.best is None:
        why = "soon" if threshold.reason == "pending" else threshold.reason
        return {"shown": False, "measured": threshold.measured, "why": why}
    return {
        "shown": threshold.shown,
        "measured": threshold.measured,
        "at": threshold.value,
        "best": round(threshold.best, 2),
        "histogram": asdict(threshold.histogram) if threshold.histogram is not None else None,
    }


def _pill(term: Term) -> dict[str, Any]:
    if term.image_id is not None:
        return {"sign": term.sign, "weight": term.weight, "like": term.image_id}
    return {"sign": term.sign, "weight": term.weight, "words": term.text}


def _card(hit: Hit) -> dict[str, Any]:
    card: dict[str, Any] = {
        "id": hit.id,
        "name": hit.caption or file_name(hit.path),
        "score": None if hit.score is None else round(hit.score, 4),
        "rank": hit.rank,
    }
    if hit.normalised_score is not None:
        card |= {"strength": round(hit.normalised_score, 2), "likely": hit.likely}
    return card | ({"tags": list(hit.tags)} if hit.tags else {})


def offered_filters(library: Library, ask: Mapping[str, Any]) -> dict[str, Any]:
    """What can be filtered by, counted over the images that pass the filters of ask."""
    opened, request = read_request(library, {**ask, "q": "", "like": [], "images": []})
    result = search(opened.published(), None, replace(request, count=0, with_facets=True))
    return {"filters": result.facets, "collection": opened.key, "sorts": list(ORDERS)}


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
        words = term.text or ""
        rest = unread(encoder, words)
        if rest:
            start = words[: len(words) - len(rest)].rstrip()
            told.append(f"{encoder.name} reads only up to “…{start[-40:]}”; “{rest[:80]}” is left out.")
        elif len(words.split()) >= ENOUGH_WORDS and order_matters(encoder, words) is False:
            told.append(f"The order of the words of “{words[:80]}” makes no difference to {encoder.name}.")
    return {"remarks": told}
