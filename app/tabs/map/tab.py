"""Map: every image of the collection at its place, coloured, named and lassoed."""

import base64
from functools import lru_cache
from typing import Any

import gradio as gr
import numpy as np
from fastapi import Request, Response
from fastapi.responses import FileResponse, PlainTextResponse
from fastapi.routing import APIRouter
from numpy.typing import NDArray

from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.questions import PAGE, read_terms
from app.tabs.search.tab import answered
from app.ui.assets import load_module
from app.ui.inspector.inspector import file_name
from index.collection import Collection
from index.projection.colouring import Colouring, by_column, by_score, by_words, colourable, first_column
from index.projection.regions import name_regions, regions
from index.query import embed_query, with_file_names
from index.storage.tables import csv_text
from index.storage.tags import tag
from training.models.encoder import Encoder, Vectors
from training.models.errors import UserError
from training.models.zero_shot import ClassName, everyday_words, zero_shot_classifier

CHANGED = "The collection has changed meanwhile; the map is being drawn again."


def map_tab(library: Library) -> None:
    """Lay out the tab: one component with a canvas, whose functions answer the questions its script asks."""

    def describe(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(describe_map, library, ask)

    def words(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(map_words, library, ask)

    def colour(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(map_colours, library, ask)

    def images(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(images_of_rows, library, ask)

    def table(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(table_of_rows, library, ask)

    def tagged(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(tag_rows, library, ask)

    gr.HTML(
        html_template="<div class='g-map'></div>",
        js_on_load=load_module("tabs/map/map.js", "map(element, server)"),
        apply_default_css=False,
        server_functions=[describe, words, colour, images, table, tagged],
        elem_id="map",
    )


def describe_map(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """What there is to draw, and how far it can be trusted; starts UMAP where that is possible."""
    opened = library.collection(ask.get("collection"))
    collection = opened.published()
    busy = opened.job is not None and opened.job.state == "running"
    umap, why = library.projections.umap_state(collection, library.jobs, busy)
    wanted = ask.get("method")
    method = "umap" if umap == "ready" and wanted != "pca" else "pca"
    projection = library.projections.projection(collection, method)
    if projection is None:  # taken away between two looks
        method, projection = "pca", library.projections.projection(collection, "pca")
    assert projection is not None
    return {
        "collection": opened.key,
        "revision": collection.revision,
        "images": len(collection),
        "dim": collection.dim,
        "method": method,
        "umap": umap,
        "why": why,
        "explained": projection.explained,
        "kept": projection.kept,
        "columns": colourable(collection.items),
        "first": first_column(collection.items),
        "readsText": library.encoder_state(opened)["readsText"],
    }


def map_words(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """The regions of the map with their words; waits for the encoder."""
    opened, collection = _same(library, ask)
    projection = library.projections.projection(collection, _method(ask))
    if projection is None:
        raise UserError(CHANGED)
    own = regions(projection.points)
    encoder = library.encoder(opened)
    collection.check_encoder(encoder)
    bank = _everyday_bank(encoder) if encoder.reads_text else None
    named = name_regions(projection.points, own, collection.parts, everyday_words(), bank)
    return {"regions": [vars(region) for region in named], "codes": _packed(own.astype(np.uint8))}


@lru_cache(maxsize=4)
def _everyday_bank(encoder: Encoder) -> Vectors:
    """[words, dim]: the everyday words as an encoder reads them, a second's work."""
    return zero_shot_classifier(encoder, [ClassName(word) for word in everyday_words()], ["a photo of a {}."])


def map_colours(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """The colour of every image: by ask["by"], a column, or by the words ask["q"] and images ask["like"].

    Words parted by commas are classes; otherwise they are a query as in the search.
    """
    opened, collection = _same(library, ask)
    words = [part.strip() for part in str(ask.get("q") or "")[:2000].split(",") if part.strip()]
    if not words and not ask.get("like"):
        return _colours(by_column(collection.items, str(ask.get("by"))))
    encoder = library.encoder(opened)
    collection.check_encoder(encoder)
    if len(words) > 1:
        bank = zero_shot_classifier(encoder, [ClassName(word) for word in words], ["a photo of a {}."])
        return _colours(by_words(_scores(collection, bank), words))
    terms = with_file_names(read_terms(library.uploads, {"q": ask.get("q"), "like": ask.get("like")}), collection)
    if not terms:
        raise UserError("There is nothing to colour by; type what to look for.")
    vector = embed_query(terms, collection, encoder)
    said = " ".join(word for term in terms if (word := term.text)) or "like these"
    return _colours(by_score(_scores(collection, vector[None])[:, 0])) | {"said": said}


def _scores(collection: Collection, bank: NDArray) -> NDArray[np.float32]:
    """[N, K] cosines of every image with the rows of bank, a segment at a time."""
    return np.concatenate([np.asarray(part, np.float32) @ bank.T for part in collection.parts])


def _colours(colouring: Colouring) -> dict[str, Any]:
    return {**vars(colouring), "codes": _packed(colouring.codes)}


def _packed(codes: NDArray[np.uint8]) -> str:
    """Small numbers as text: 100,000 of them are 133 kB."""
    return base64.b64encode(codes.tobytes()).decode()


def _method(ask: dict[str, Any]) -> str:
    return "umap" if ask.get("method") == "umap" else "pca"


def _same(library: Library, ask: dict[str, Any]) -> tuple[OpenCollection, Collection]:
    """The collection in the revision that the asking page has drawn: its rows mean nothing in another."""
    opened = library.collection(ask.get("collection"))
    collection = opened.published()
    if ask.get("revision") != collection.revision:
        raise UserError(CHANGED)
    return opened, collection


def _rows(collection: Collection, ask: dict[str, Any]) -> list[int]:
    rows = ask.get("rows")
    if not isinstance(rows, list) or not all(isinstance(r, int) and 0 <= r < len(collection) for r in rows):
        raise UserError("Those images are not on the map.")
    return rows


def images_of_rows(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Images by their place in the collection, for cards; one page of them at most."""
    opened, collection = _same(library, ask)
    part = collection.items.iloc[_rows(collection, ask)[:PAGE]]
    hits = [{"id": r.id, "name": r.caption or file_name(r.path), "score": None} for r in part.itertuples()]
    return {"hits": hits, "collection": opened.key}


def table_of_rows(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Selected images as CSV."""
    _, collection = _same(library, ask)
    part = collection.items.iloc[_rows(collection, ask)]
    return {"csv": csv_text(("id", "path", "caption"), zip(part["id"], part["path"], part["caption"], strict=True))}


def tag_rows(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Give selected images a tag."""
    _, collection = _same(library, ask)
    ids = [str(id) for id in collection.items["id"].iloc[_rows(collection, ask)]]
    tag(collection, ids, str(ask.get("tag") or ""))
    return {"tagged": len(ids)}


def map_routes(library: Library) -> APIRouter:
    """What the map needs as bytes: places, and previews by place."""
    router = APIRouter()

    @router.get("/map/{key}.bin")
    def places(key: str, request: Request) -> Response:
        """x and y of every image, float32, little-endian, in row order."""
        try:
            collection = _asked_for(library, key, request)
            projection = library.projections.projection(collection, _method(dict(request.query_params)))
        except UserError as error:
            return PlainTextResponse(str(error), 404)
        if projection is None:
            return PlainTextResponse(CHANGED, 404)
        headers = {"cache-control": "private, max-age=3600"}
        return Response(
            projection.points.astype("<f4").tobytes(), media_type="application/octet-stream", headers=headers
        )

    @router.get("/map/{key}/{row}.webp")
    def preview(key: str, row: int, request: Request) -> Response:
        try:
            collection = _asked_for(library, key, request)
        except UserError as error:
            return PlainTextResponse(str(error), 404)
        path = collection.thumbnail(str(collection.items["id"].iat[row])) if 0 <= row < len(collection) else None
        if path is None:
            return PlainTextResponse("There is no such image.", 404)
        return FileResponse(path, media_type="image/webp", headers={"cache-control": "private, max-age=86400"})

    return router


def _asked_for(library: Library, key: str, request: Request) -> Collection:
    revision = request.query_params.get("revision", "")
    return _same(library, {"collection": key, "revision": int(revision) if revision.isdigit() else None})[1]
