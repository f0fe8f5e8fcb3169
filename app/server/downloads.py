"""Exports of search results: a table, JSON, a list of files, and the thumbnails or originals in a zip."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.state.chosen import ChosenFields, chosen_ids
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.search_requests import TIMEOUT, BrowseFields, PageSearch, run_browse, run_search
from app.state.validation import validated
from index.export.results import (
    Results,
    results_csv,
    results_files,
    results_json,
    results_originals,
    results_zip,
)
from index.search import Hit, hits_of, hits_of_rows, with_copies
from training.models.errors import UserError


def export_routes(library: Library) -> APIRouter:
    """GET the results of a question, every image of a timeline, or a choice by its token; POST what is chosen."""
    router = APIRouter()

    @router.get("/export/{key}.{kind}")
    def question(key: str, kind: str, request: Request) -> Response:
        given = request.query_params
        if "choice" in given:
            return _response(library, kind, "chosen", partial(_held, library, key, given["choice"]))
        names = ("q", "k", "order", "threshold", "group")
        fields: dict[str, Any] = {name: given[name] for name in names if name in given}
        fields["collapse"] = given.get("collapse", "none")  # where images are shown once, their copies are exported too
        fields |= {"collection": key, "like": given.getlist("like"), "image": given.getlist("image")}
        try:
            fields["facets"] = json.loads(given.get("filters") or "[]")
        except (ValueError, RecursionError):
            return PlainTextResponse("The filters of this address are not JSON.", 400)
        return _response(library, kind, "search", partial(_found, library, fields))

    @router.post("/export/{key}.{kind}")
    async def chosen(key: str, kind: str, request: Request) -> Response:
        try:
            fields = json.loads(await request.body())
        except (ValueError, RecursionError):
            return PlainTextResponse("What is to be exported was not said as JSON.", 400)
        if not isinstance(fields, dict) or not isinstance(fields.get("ids", []), list):
            return PlainTextResponse("What is to be exported is a list of ids.", 400)
        find = partial(_chosen, library, {**fields, "collection": key})
        return await run_in_threadpool(_response, library, kind, "chosen", find)

    return router


Find: TypeAlias = Callable[[], tuple[OpenCollection, Sequence[Hit]]]


def _response(library: Library, kind: str, what: str, find: Find) -> Response:
    if kind not in KINDS:
        return PlainTextResponse(f"There is no export called {kind}; choose from {', '.join(KINDS)}.", 404)
    if kind == ORIGINALS and not library.local:
        return PlainTextResponse("Originals are given to this computer only; choose thumbnails.", 403)
    try:
        opened, hits = find()
    except UserError as error:
        return PlainTextResponse(str(error), 400)
    make, media = KINDS[kind]
    name = f"gelato-{opened.key}-{what}.{'originals.zip' if kind == ORIGINALS else kind}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    made = make(Results(opened.published(), hits, library.local))
    if isinstance(made, str | bytes):
        return Response(made, media_type=media, headers=headers)
    return StreamingResponse(made, media_type=media, headers=headers)


def _found(library: Library, fields: Mapping[str, Any]) -> tuple[OpenCollection, Sequence[Hit]]:
    """The results of a search with their copies; without terms and k every file of the timeline."""
    if "k" not in fields and not validated(BrowseFields, fields).has_terms:
        opened, timeline = run_browse(library, validated(BrowseFields, {**fields, "collapse": "none"}))
        return opened, hits_of_rows(timeline.collection, timeline.rows.tolist())
    asked = {name: value for name, value in fields.items() if name != "group"}
    opened, request, result = run_search(library, validated(PageSearch, asked))
    return opened, with_copies(opened.published(), request, result.hits, TIMEOUT)


def _chosen(library: Library, fields: Mapping[str, Any]) -> tuple[OpenCollection, Sequence[Hit]]:
    return _named(*chosen_ids(library, validated(ChosenFields, fields)))


def _held(library: Library, key: str, token: str) -> tuple[OpenCollection, Sequence[Hit]]:
    held = library.choices.get(token)
    if held.key != key:
        raise UserError("These images were chosen in another collection; choose them again.")
    return _named(library.collection(key), held.ids)


def _named(opened: OpenCollection, ids: Sequence[str]) -> tuple[OpenCollection, Sequence[Hit]]:
    try:
        return opened, hits_of(opened.published(), ids)
    except KeyError as error:
        raise UserError("One of these images is not in the collection any more; search again.") from error


ORIGINALS = "originals"
KINDS: dict[str, tuple[Callable[[Results], str | bytes | Iterator[bytes]], str]] = {
    "csv": (results_csv, "text/csv; charset=utf-8"),
    "json": (results_json, "application/json"),
    "txt": (results_files, "text/plain; charset=utf-8"),
    "zip": (results_zip, "application/zip"),
    ORIGINALS: (results_originals, "application/zip"),
}
