"""Map: every image of the collection at its place, coloured, named and lassoed."""

import base64
import shlex
from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import FileResponse, PlainTextResponse
from fastapi.routing import APIRouter

from app.language.current import _
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.search_requests import PAGE, QueryFields
from app.state.validation import validated
from app.ui.command.command import index_command, places
from app.ui.component import tab_component
from index.collection import Collection
from index.projection.colouring import Colouring, by_column, by_query, by_text, colourable, first_column
from index.projection.regions import named_regions
from index.storage.tables import csv_text
from index.storage.tags import tag
from training.models.errors import UserError

Fields = Mapping[str, Any]


def changed() -> str:
    """What is said of a map of an earlier revision."""
    return _("The collection has changed meanwhile; the map is being drawn again.")


def map_tab(library: Library) -> None:
    """Lay out the tab: one component with a canvas, whose script calls these functions."""
    tab_component(
        library,
        "map",
        describe=describe_map,
        regions=map_regions,
        colour=map_colours,
        images=images_of_rows,
        table=table_of_rows,
        tag=tag_rows,
    )


def describe_map(library: Library, fields: Fields) -> dict[str, Any]:
    """What there is to draw, and how far it can be trusted; starts UMAP where that is possible."""
    opened = library.collection(fields.get("collection"))
    collection = opened.published()
    busy = opened.job is not None and opened.job.state == "running"
    umap, why = library.projections.umap_state(collection, library.jobs, busy)
    wanted = fields.get("method")
    method = "umap" if umap == "ready" and wanted != "pca" else "pca"
    projection = library.projections.projection(collection, method)
    if projection is None:  # taken away between two looks
        method, projection = "pca", library.projections.projection(collection, "pca")
    assert projection is not None
    folders = places(library, [opened])
    return {
        "command": index_command("map", *folders, "--method", method, "--out", "map.csv") if folders else "",
        "collection": opened.key,
        "revision": collection.revision,
        "images": len(collection),
        "dim": collection.dim,
        "method": method,
        "umap": umap,
        "why": why,
        "explained": projection.explained,
        "preserved": projection.preserved,
        "columns": colourable(collection.items),
        "first": first_column(collection.items),
        "readsText": library.encoder_state(opened)["readsText"],
    }


def map_regions(library: Library, fields: Fields) -> dict[str, Any]:
    """The regions of the map with their words; waits for the encoder."""
    opened, collection = _same_revision(library, fields)
    projection = library.projections.projection(collection, _method(fields))
    if projection is None:
        raise UserError(changed())
    encoder = library.encoder(opened)
    collection.check_encoder(encoder)
    regions, codes = named_regions(collection, projection.points, encoder)
    return {"regions": [vars(region) for region in regions], "codes": _base64(codes.tobytes())}


def map_colours(library: Library, fields: Fields) -> dict[str, Any]:
    """The colour of every image: by fields["by"], a column, or by the texts q and the images like.

    Texts separated by commas are classes; otherwise they are a query as in the search. options: of the command, "" for
    images.
    """
    opened, collection = _same_revision(library, fields)
    query = validated(QueryFields, {"q": fields.get("q") or "", "like": fields.get("like") or []})
    text = query.q.strip(" ,")
    if not text and not query.like:
        column = str(fields.get("by"))
        return _colours(by_column(collection.items, column), f"--colour-by={column}")
    encoder = library.encoder(opened)
    collection.check_encoder(encoder)
    if query.like:
        terms = query.terms(library.uploads)
        name = " ".join(term.text for term in terms if term.text) or _("like these")
        return _colours(by_query(collection, encoder, terms)) | {"said": name}
    colouring = by_text(collection, encoder, text)
    return _colours(colouring, f"--colour-text={text}") | ({"said": text} if colouring.kind == "scale" else {})


def _colours(colouring: Colouring, *options: str) -> dict[str, Any]:
    return {**vars(colouring), "codes": _base64(colouring.codes.tobytes()), "options": shlex.join(options)}


def _base64(codes: bytes) -> str:
    """Small numbers as text: 100,000 of them are 133 kB."""
    return base64.b64encode(codes).decode()


def _method(fields: Fields) -> str:
    return "umap" if fields.get("method") == "umap" else "pca"


def _same_revision(library: Library, fields: Fields) -> tuple[OpenCollection, Collection]:
    """The collection in the revision that the page has drawn: its rows mean nothing in another."""
    opened = library.collection(fields.get("collection"))
    collection = opened.published()
    if fields.get("revision") != collection.revision:
        raise UserError(changed())
    return opened, collection


def _rows(collection: Collection, fields: Fields) -> list[int]:
    rows = fields.get("rows")
    if not isinstance(rows, list) or not all(isinstance(r, int) and 0 <= r < len(collection) for r in rows):
        raise UserError(_("Those images are not on the map."))
    return rows


def images_of_rows(library: Library, fields: Fields) -> dict[str, Any]:
    """Images by their place in the collection, for cards; one page of them at most."""
    opened, collection = _same_revision(library, fields)
    ids = collection.column("id")
    rows = _rows(collection, fields)[:PAGE]
    hits = [{"id": ids.iat[row], "name": collection.display_name(row), "score": None} for row in rows]
    return {"hits": hits, "collection": opened.key}


def table_of_rows(library: Library, fields: Fields) -> dict[str, Any]:
    """Selected images as CSV."""
    collection = _same_revision(library, fields)[1]
    names = ("id", "path", "caption")
    columns = [collection.column(name).iloc[_rows(collection, fields)] for name in names]
    return {"csv": csv_text(names, zip(*columns, strict=True))}


def tag_rows(library: Library, fields: Fields) -> dict[str, Any]:
    """Give selected images a tag."""
    collection = _same_revision(library, fields)[1]
    ids = [str(id) for id in collection.column("id").iloc[_rows(collection, fields)]]
    tag(collection, ids, str(fields.get("tag") or ""))
    return {"tagged": len(ids)}


def map_routes(library: Library) -> APIRouter:
    """What the map needs as bytes: places, and thumbnails by place."""
    router = APIRouter()

    @router.get("/map/{key}.bin")
    def places(key: str, request: Request) -> Response:
        """x and y of every image, float32, little-endian, in row order."""
        try:
            collection = _collection_of(library, key, request)
            projection = library.projections.projection(collection, _method(dict(request.query_params)))
        except UserError as error:
            return PlainTextResponse(str(error), 404)
        if projection is None:
            return PlainTextResponse(changed(), 404)
        headers = {"cache-control": "private, max-age=3600"}
        return Response(
            projection.points.astype("<f4").tobytes(), media_type="application/octet-stream", headers=headers
        )

    @router.get("/map/{key}/{row}.webp")
    def thumbnail(key: str, row: int, request: Request) -> Response:
        try:
            collection = _collection_of(library, key, request)
        except UserError as error:
            return PlainTextResponse(str(error), 404)
        path = collection.thumbnail(str(collection.column("id").iat[row])) if 0 <= row < len(collection) else None
        if path is None:
            return PlainTextResponse(_("There is no such image."), 404)
        return FileResponse(path, media_type="image/webp", headers={"cache-control": "private, max-age=86400"})

    return router


def _collection_of(library: Library, key: str, request: Request) -> Collection:
    revision = request.query_params.get("revision", "")
    return _same_revision(library, {"collection": key, "revision": int(revision) if revision.isdigit() else None})[1]
