"""Exports of search results: a table, JSON, a list of files, or the previews in a zip."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from app.state.library import Library
from app.state.search_requests import MOST, PageSearch, run_search
from app.state.validation import validated
from index.collection import Collection
from index.export.originals import source_root
from index.search import Hit, hits_of
from index.storage.layout import LOCAL_COLUMNS
from index.storage.tables import csv_text
from index.storage.tags import read_tags
from training.models.errors import UserError


def export_routes(library: Library) -> APIRouter:
    """GET the results of a question, or POST the ids of chosen images."""
    router = APIRouter()

    @router.get("/export/{key}.{kind}")
    def question(key: str, kind: str, request: Request) -> Response:
        given = request.query_params
        fields: dict[str, Any] = {name: given[name] for name in ("q", "k", "order", "threshold") if name in given}
        fields |= {"collection": key, "like": given.getlist("like"), "image": given.getlist("image")}
        try:
            fields["facets"] = json.loads(given.get("filters") or "[]")
        except (ValueError, RecursionError):
            return PlainTextResponse("The filters of this address are not JSON.", 400)
        return _response(library, kind, fields)

    @router.post("/export/{key}.{kind}")
    async def chosen(key: str, kind: str, request: Request) -> Response:
        try:
            ask = json.loads(await request.body())
        except (ValueError, RecursionError):
            return PlainTextResponse("What is to be exported was not said as JSON.", 400)
        ids = ask.get("ids") if isinstance(ask, dict) else None
        if not isinstance(ids, list):
            return PlainTextResponse("What is to be exported is a list of ids.", 400)
        return await run_in_threadpool(_response, library, kind, {"collection": key}, [str(id) for id in ids[:MOST]])

    return router


def _response(library: Library, kind: str, fields: Mapping[str, Any], ids: Sequence[str] | None = None) -> Response:
    if kind not in KINDS:
        return PlainTextResponse(f"There is no export called {kind}; choose from {', '.join(KINDS)}.", 404)
    try:
        opened = library.collection(fields["collection"])
        if ids is None:
            hits: Sequence[Hit] = run_search(library, validated(PageSearch, fields))[2].hits
        else:
            hits = _chosen(opened.published(), ids)
    except UserError as error:
        return PlainTextResponse(str(error), 400)
    make, media = KINDS[kind]
    name = f"gelato-{opened.key}-{'chosen' if ids is not None else 'search'}.{kind}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(make(Export(opened.published(), hits, library.local)), media_type=media, headers=headers)


def _chosen(collection: Collection, ids: Sequence[str]) -> list[Hit]:
    try:
        return hits_of(collection, ids)
    except KeyError as error:
        raise UserError("One of these images is not in the collection any more; search again.") from error


@dataclass(frozen=True)
class Export:
    """Hits to be exported. local: to this computer, which may see where images lie."""

    collection: Collection
    hits: Sequence[Hit]
    local: bool


def _csv(export: Export) -> str:
    scored = any(hit.score is not None for hit in export.hits)
    tagged = bool(read_tags(export.collection.path))
    columns = ("rank", *(["score"] if scored else []), "id", "path", "caption", *(["tags"] if tagged else []))
    rows = []
    for hit in export.hits:
        tags = ["; ".join(hit.tags)] if tagged else []
        rows.append((hit.rank, *([f"{hit.score:.5f}"] if scored else []), hit.id, hit.path, hit.caption, *tags))
    return csv_text(columns, rows)


def _json(export: Export) -> str:
    hidden = () if export.local else LOCAL_COLUMNS
    rows = [{name: v for name, v in hit.as_json().items() if name not in hidden} for hit in export.hits]
    return json.dumps(rows, indent=1, ensure_ascii=False)


def _files(export: Export) -> str:
    """One file a line, as its source calls it; on this computer whole paths, where the source is a folder or table."""
    if not export.local:
        return "".join(f"{hit.path}\n" for hit in export.hits)
    sources = [str(hit.record["source"]) for hit in export.hits]
    roots = {source: source_root(source) for source in set(sources)}
    files = ((roots[source], hit.path) for source, hit in zip(sources, export.hits, strict=True))
    return "".join(f"{root / path if root else path}\n" for root, path in files)


def _zip(export: Export) -> bytes:
    """The previews by rank, with the table: originals stay where they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr("results.csv", _csv(export))
        packed.writestr("files.txt", _files(export))
        for hit in export.hits:
            preview = export.collection.thumbnail(hit.id)
            if preview is not None:
                stem = hit.path.rpartition("/")[2].rpartition(".")[0]
                name = re.sub(r"[^\w.-]+", "-", stem)[:80].strip("-.") or hit.id
                packed.write(preview, f"previews/{hit.rank:04d}-{name}.webp")
    return out.getvalue()


KINDS: dict[str, tuple[Callable[[Export], str | bytes], str]] = {
    "csv": (_csv, "text/csv; charset=utf-8"),
    "json": (_json, "application/json"),
    "txt": (_files, "text/plain; charset=utf-8"),
    "zip": (_zip, "application/zip"),
}
