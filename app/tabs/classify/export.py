"""Labels to take away: a table, JSON, and a script that sorts images into one folder a class."""

import json
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from app.state.library import Library
from app.tabs.classify.collection import finished
from app.tabs.classify.form import sureness_of
from index.labels.export import COLUMNS, label_rows, sorting_script
from index.labels.labelling import Labelling
from index.storage.tables import csv_text
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
        make, media, name = KINDS[kind]
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(make(labelling, library.local), media_type=media, headers=headers)

    return router


def _rows(labelling: Labelling, local: bool) -> list[dict[str, Any]]:
    """Every image; from another computer a source is its name alone."""
    rows = list(label_rows(labelling))
    for row in rows if not local else ():
        row["source"] = Path(row["source"]).name
    return rows


def _csv(labelling: Labelling, local: bool) -> str:
    columns = (*COLUMNS, *(["labels"] if labelling.asked.independent else []))
    rows = _rows(labelling, local)
    for row in rows:
        row |= {name: f"{row[name]:.4f}" for name in ("probability", "margin") if row[name] is not None}
        row |= {"labels": "; ".join(row["labels"])} if "labels" in row else {}
    return csv_text(columns, ([row[name] for name in columns] for row in rows))


def _json(labelling: Labelling, local: bool) -> str:
    asked, learned = labelling.asked, labelling.classifier.adapter is not None
    about = {
        "encoder": labelling.classifier.encoder.name,
        "fingerprint": labelling.classifier.encoder.fingerprint,
        "classes": [{"name": c.name, "synonyms": list(c.synonyms)} for c in asked.classes],
        "templates": list(asked.templates),
        "prompt_hash": labelling.prompt_hash,
        "any_of_these": asked.independent,
        "calibration": sureness_of(labelling.classifier),
        "learned_from_corrections": learned,
        "corrections": len(labelling.known.corrected),
    }
    return json.dumps(about | {"labels": _rows(labelling, local)}, ensure_ascii=False, indent=1)


def _script(labelling: Labelling, local: bool) -> str:
    return sorting_script(labelling, local)


KINDS = {
    "csv": (_csv, "text/csv; charset=utf-8", "labels.csv"),
    "json": (_json, "application/json", "labels.json"),
    "py": (_script, "text/x-python; charset=utf-8", "sort_images.py"),
}
