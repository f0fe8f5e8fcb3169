"""Downloads of labels: a table, JSON, and the images in one folder a class, as a zip or by a script."""

from collections.abc import Callable, Iterator

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from app.state.labellings import finished
from app.state.library import Library
from index.export.labels import labelled_originals
from index.labels.export import labels_csv, labels_json, sorting_script
from index.labels.result import LabelResult
from training.models.errors import UserError


def label_routes(library: Library) -> APIRouter:
    """GET the labels of a finished job."""
    router = APIRouter()

    @router.get("/labels/{job}.{kind}")
    def labels(job: str, kind: str) -> Response:
        if kind not in KINDS:
            return PlainTextResponse(f"There is no export called {kind}; choose from {', '.join(KINDS)}.", 404)
        try:
            _, labelling = finished(library, job)
        except UserError as error:
            return PlainTextResponse(str(error), 404)
        if kind == ORIGINALS and not library.local:
            return PlainTextResponse("Originals are given to this computer only; choose the script.", 403)
        make, media, name = KINDS[kind]
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        made = make(labelling.result, library.local)
        if isinstance(made, str):
            return Response(made, media_type=media, headers=headers)
        return StreamingResponse(made, media_type=media, headers=headers)

    return router


def _csv(result: LabelResult, local: bool) -> str:
    return labels_csv(result, origins=True, local=local)


def _json(result: LabelResult, local: bool) -> str:
    return labels_json(result, local=local)


def _script(result: LabelResult, local: bool) -> str:
    return sorting_script(result, local)


def _originals(result: LabelResult, local: bool) -> Iterator[bytes]:
    return labelled_originals(result)


ORIGINALS = "zip"
KINDS: dict[str, tuple[Callable[[LabelResult, bool], str | Iterator[bytes]], str, str]] = {
    "csv": (_csv, "text/csv; charset=utf-8", "labels.csv"),
    "json": (_json, "application/json", "labels.json"),
    "py": (_script, "text/x-python; charset=utf-8", "sort_images.py"),
    ORIGINALS: (_originals, "application/zip", "labels.zip"),
}
