"""Results to take away: a table, JSON, a list of files, or the previews in a zip."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from app.state.library import Library
from app.state.questions import MOST, Question, asked
from app.tabs.search.tab import answer
from index.search import Hit, hit, hit_fields
from index.storage.tables import csv_text
from training.models.errors import UserError


def export_routes(library: Library) -> APIRouter:
    """GET the results of a question, or POST the ids of chosen images."""
    router = APIRouter()

    @router.get("/export/{key}.{kind}")
    def question(key: str, kind: str, request: Request) -> Response:
        given = request.query_params
        ask: dict[str, Any] = {"collection": key, **{name: given.get(name) for name in ("q", "k", "sort", "line")}}
        ask |= {"like": given.getlist("like"), "images": given.getlist("image")}
        try:
            ask["filters"] = json.loads(given.get("filters") or "[]")
        except (ValueError, RecursionError):
            return PlainTextResponse("The filters of this address are not JSON.", 400)
        return _answer(library, kind, ask)

    @router.post("/export/{key}.{kind}")
    async def chosen(key: str, kind: str, request: Request) -> Response:
        try:
            ask = json.loads(await request.body())
        except (ValueError, RecursionError):
            return PlainTextResponse("What is to be exported was not said as JSON.", 400)
        ids = ask.get("ids") if isinstance(ask, dict) else None
        if not isinstance(ids, list):
            return PlainTextResponse("What is to be exported is a list of ids.", 400)
        return await run_in_threadpool(_answer, library, kind, {"collection": key}, [str(id) for id in ids[:MOST]])

    return router


def _answer(library: Library, kind: str, ask: Mapping[str, Any], ids: Sequence[str] | None = None) -> Response:
    if kind not in KINDS:
        return PlainTextResponse(f"There is no export called {kind}; choose from {', '.join(KINDS)}.", 404)
    try:
        question = asked(library, ask)
        hits = _chosen(question, ids) if ids is not None else list(answer(library, question).hits)
    except UserError as error:
        return PlainTextResponse(str(error), 400)
    make, media = KINDS[kind]
    name = f"gelato-{question.opened.key}-{'chosen' if ids is not None else 'search'}.{kind}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(make(question, hits), media_type=media, headers=headers)


def _chosen(question: Question, ids: Sequence[str]) -> list[Hit]:
    try:
        return [hit(question.collection, question.collection.row(id), 0.0, at) for at, id in enumerate(ids, 1)]
    except KeyError as error:
        raise UserError("One of these images is not in the collection any more; search again.") from error


def _csv(question: Question, hits: Sequence[Hit]) -> str:
    scored = bool(question.terms)
    tags = question.tags
    columns = ("rank", *(["score"] if scored else []), "id", "path", "caption", *(["tags"] if tags else []))
    rows = []
    for h in hits:
        of_hit = ["; ".join(tags.get(h.id, []))] if tags else []
        rows.append((h.rank, *([f"{h.score:.5f}"] if scored else []), h.id, h.path, h.caption, *of_hit))
    return csv_text(columns, rows)


def _json(question: Question, hits: Sequence[Hit]) -> str:
    rows = [hit_fields(question.collection, h) | {"tags": question.tags.get(h.id, [])} for h in hits]
    if not question.local:  # others are not told where on this computer images lie
        rows = [{name: value for name, value in row.items() if name != "source"} for row in rows]
    if not question.terms:
        rows = [{name: value for name, value in row.items() if name != "score"} for row in rows]
    return json.dumps(rows, indent=1, ensure_ascii=False, default=str)


def _files(question: Question, hits: Sequence[Hit]) -> str:
    """One file a line, as its source calls it; on this computer whole paths, where the source is a folder or table."""
    if not question.local:
        return "".join(f"{h.path}\n" for h in hits)
    sources = question.collection.items["source"]
    roots = {source: _root(Path(source)) for source in {str(sources.iat[h.row]) for h in hits}}
    files = ((roots[str(sources.iat[h.row])], h.path) for h in hits)
    return "".join(f"{root / path if root else path}\n" for root, path in files)


def _root(source: Path) -> Path | None:
    if source.is_dir():
        return source
    return source.parent if source.suffix.lower() in (".csv", ".tsv") else None


def _zip(question: Question, hits: Sequence[Hit]) -> bytes:
    """The previews by rank, with the table: originals stay where they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr("results.csv", _csv(question, hits))
        packed.writestr("files.txt", _files(question, hits))
        for h in hits:
            preview = question.collection.thumbnail(h.id)
            if preview is not None:
                name = re.sub(r"[^\w.-]+", "-", h.path.rpartition("/")[2].rpartition(".")[0])[:80].strip("-.") or h.id
                packed.write(preview, f"previews/{h.rank:04d}-{name}.webp")
    return out.getvalue()


KINDS: dict[str, tuple[Callable[[Question, Sequence[Hit]], str | bytes], str]] = {
    "csv": (_csv, "text/csv; charset=utf-8"),
    "json": (_json, "application/json"),
    "txt": (_files, "text/plain; charset=utf-8"),
    "zip": (_zip, "application/zip"),
}
