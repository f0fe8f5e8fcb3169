"""Compare: two encoders on one query, every encoder's neighbours of an image, the encoders, and training runs."""

import statistics
import threading
import time
from contextlib import suppress
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.questions import read_terms
from app.tabs.search.tab import answered
from app.ui.assets import load_module
from app.ui.inspector.inspector import file_name
from index.collection import Collection
from index.query import Term, embed_query, with_file_names
from index.retrieval.comparison import PERSISTENCE, compare
from training.evaluation.runs import list_runs
from training.models.encoder import Encoder
from training.models.errors import UserError

SHOWN = 12  # images a side
NEIGHBOURS = 12  # of an image, an encoder
TIMED = 8  # images embed at once, to say how long one takes


def compare_tab(library: Library) -> None:
    """Lay out the tab: one component, whose functions answer the questions its script asks."""
    speeds = Speeds()

    def sides(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(comparable_collections, library)

    def both(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(compare_two, library, ask)

    def neighbours(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(neighbours_across, library, ask)

    def speed(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(speeds.of, library, ask)

    def runs(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(training_runs, library)

    gr.HTML(
        html_template="<div class='g-compare'></div>",
        js_on_load=load_module("tabs/compare/compare.js", "compare(element, server)"),
        apply_default_css=False,
        server_functions=[sides, both, neighbours, speed, runs],
        elem_id="compare",
    )


def comparable_collections(library: Library) -> dict[str, Any]:
    """Every collection with what is known of its encoder."""
    stored = {str(library.runs / run.name): run for run in list_runs(library.runs)}
    return {"shelves": [_facts(library, opened, stored) for opened in library.collections()]}


def _facts(library: Library, opened: OpenCollection, stored: dict[str, Any]) -> dict[str, Any]:
    state, collection = library.encoder_state(opened), None
    with suppress(UserError):  # a damaged one has a row without images; its own page says what is wrong
        collection = opened.collection
    run = stored.get(opened.encoder_name.rstrip("/"))
    facts = {
        "key": opened.key,
        "name": opened.name,
        "images": len(collection) if collection is not None else 0,
        "encoder": opened.encoder_name,
        "state": state["state"],
        "error": state["error"],
        "readsText": state["readsText"],
        "dim": state.get("dim"),
        "runtime": state.get("runtime", ""),
        "precision": state.get("precision", ""),
        "parameters": None,
        "size": None,
        "figures": run.figures if run else {},
        "samples": _samples(collection) if collection is not None else [],
    }
    if state["state"] == "ready":
        encoder = library.encoder(opened)
        facts["size"] = encoder.image_size
        facts["parameters"] = (run.parameters if run else None) or encoder.parameters
    return facts


def _samples(collection: Collection) -> list[dict[str, Any]]:
    """A few images from all over a collection, to ask with."""
    rows = np.unique(np.linspace(0, len(collection) - 1, min(SHOWN, len(collection))).astype(int))
    items = collection.items
    return [
        {"id": items["id"].iat[i], "name": items["caption"].iat[i] or file_name(items["path"].iat[i])} for i in rows
    ]


def compare_two(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """The first images of ask["a"] and ask["b"] for one query, each with its rank on the other side."""
    left, right = library.collection(ask.get("a")), library.collection(ask.get("b"))
    if left.key == right.key:
        raise UserError("Those are one and the same collection; choose two, each made by an encoder of its own.")
    like = [str(id) for id in ask.get("like") or []][:1]
    asked = {"q": ask.get("q"), "like": like, "images": ask.get("images") or []}
    vectors = [_query(library, opened, asked, left) for opened in (left, right)]
    one, other = left.published(), right.published()
    found = compare(one, other, vectors[0], vectors[1], SHOWN, without=like)
    return {
        "a": {"key": left.key, "encoder": left.encoder_name, "hits": [_hit(one, r) for r in found.left]},
        "b": {"key": right.key, "encoder": right.encoder_name, "hits": [_hit(other, r) for r in found.right]},
        "images": found.images,
        "overlap": found.overlap,
        "rbo": found.rbo,
        "persistence": PERSISTENCE,
    }


def _query(
    library: Library, opened: OpenCollection, asked: dict[str, Any], home: OpenCollection
) -> NDArray[np.float32]:
    """One question as a collection's encoder sees it; an image of another collection is read from its preview."""
    collection, encoder = opened.published(), library.encoder(opened)
    collection.check_encoder(encoder)
    if not encoder.reads_text and str(asked["q"] or "").strip():
        raise UserError(f"{encoder.name} sees images only; ask with an image: choose one, or click one below.")
    terms = read_terms(library.uploads, {"q": asked["q"], "images": asked["images"]})
    terms += [_like(id, collection, home) for id in asked["like"]]
    if not terms:
        raise UserError("Ask for something: words that both encoders read, or an image.")
    return embed_query(with_file_names(terms, collection), collection, encoder)


def _like(id: str, collection: Collection, home: OpenCollection) -> Term:
    """An image as a term: by its vector where the collection has it, else by its preview."""
    try:
        collection.row(id)
    except KeyError:
        return Term(image=_preview(home, id))
    return Term(image_id=id)


def _preview(opened: OpenCollection, id: str) -> Image.Image:
    path = opened.published().thumbnail(id)
    if path is None:
        raise UserError("That image is not in the collection any more; choose another.")
    with Image.open(path) as preview:
        return preview.convert("RGB")


def _hit(collection: Collection, ranked: Any) -> dict[str, Any]:
    row = collection.items.iloc[ranked.row]
    name = row["caption"] or file_name(row["path"])
    return {"id": ranked.id, "name": name, "rank": ranked.rank, "other": ranked.other}


def neighbours_across(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """The nearest images of one image as each open encoder sees them, a row an encoder.

    An image of a collection is asked of those collections that have it, an uploaded one of all.
    """
    home = library.collection(ask.get("collection"))
    id = str(ask.get("id") or "")
    images = [str(token) for token in ask.get("images") or []][:1]
    rows = []
    for opened in library.collections():
        if id and not _has(opened, id):
            continue  # neighbours among other images say nothing about the encoder
        row: dict[str, Any] = {"key": opened.key, "name": opened.name, "encoder": opened.encoder_name}
        if library.encoder_state(opened)["state"] == "loading":
            rows.append(row | {"waiting": True})
            continue
        try:
            vector = _query(library, opened, {"q": "", "like": [id] if id else [], "images": images}, home)
            collection = opened.published()
            scores = np.concatenate([np.asarray(part, np.float32) @ vector for part in collection.parts])
            order = np.argsort(-scores, kind="stable")[: NEIGHBOURS + 1]
            items = collection.items
            hits = [
                {"id": items["id"].iat[i], "name": items["caption"].iat[i] or file_name(items["path"].iat[i])}
                for i in order
                if items["id"].iat[i] != id
            ]
            rows.append(row | {"hits": hits[:NEIGHBOURS]})
        except UserError as error:
            rows.append(row | {"error": str(error)})
    return {"rows": rows}


def _has(opened: OpenCollection, id: str) -> bool:
    try:
        return opened.published().row(id) >= 0
    except (KeyError, UserError):
        return False


class Speeds:
    """How long an encoder takes for an image here: measured once, on images of its own collection."""

    def __init__(self) -> None:
        self._known: dict[str, float] = {}
        self._lock = threading.Lock()  # one at a time: together they would slow each other down

    def of(self, library: Library, ask: dict[str, Any]) -> dict[str, Any]:
        """Milliseconds an image, preparing included: the median of five batches after a first one."""
        opened = library.collection(ask.get("key"))
        encoder, collection = library.encoder(opened), opened.published()
        with self._lock:
            if encoder.fingerprint not in self._known:
                self._known[encoder.fingerprint] = _milliseconds(encoder, opened, collection)
            return {"milliseconds": self._known[encoder.fingerprint], "images": TIMED}


def _milliseconds(encoder: Encoder, opened: OpenCollection, collection: Collection) -> float:
    ids = [str(id) for id in collection.items["id"].head(TIMED)]
    images = [_preview(opened, id) for id in ids if collection.thumbnail(id) is not None]
    if not images:
        raise UserError("There is no image to measure with.")
    encoder.embed_images(images)
    spent = []
    for _ in range(5):
        began = time.perf_counter()
        encoder.embed_images(images)
        spent.append(1000 * (time.perf_counter() - began) / len(images))
    return round(statistics.median(spent), 2)


def training_runs(library: Library) -> dict[str, Any]:
    """Every run with its curves, the latest first."""
    return {"runs": [vars(run) for run in list_runs(library.runs)[:20]], "folder": library.runs.name}
