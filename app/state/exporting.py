"""Exports that the page writes into folders of this computer: looked at first, then written, each as a job."""

from dataclasses import asdict
from functools import partial
from typing import Any, Literal

from app.language.current import _
from app.state.chosen import ChosenFields, chosen_ids
from app.state.indexing import check_local
from app.state.jobs import Job
from app.state.library import Library
from app.state.roots import below_roots
from app.state.search_requests import Name, Text
from index.export.export import ExportRequest, export
from index.export.labels import labels_of
from index.export.selection import Selection
from training.models.errors import UserError

MOST_JOBS = 2  # exports at once
NAMED = 20  # of the files that get another name or are not exported


class ExportFields(ChosenFields):
    """What is exported where. out: a folder; "" only for xmp, beside the originals. labels: one folder each: tags,
    corrections, or "" for the folders of the source. write: else the report says what would be written."""

    to: Literal["folders", "xmp"]
    out: Text = ""
    labels: Name = ""
    write: bool = False


def start_export(library: Library, fields: ExportFields) -> Job:
    """Export what is chosen, every file of it. UserError for a folder that may not be written to."""
    check_local(library)
    opened, ids = chosen_ids(library, fields)
    if fields.labels not in ("", "tags", "corrections"):
        raise UserError(_("Folders are those of the source, of tags or of corrections."))
    out = below_roots(library, fields.out) if fields.out or fields.to == "folders" else None
    collection = opened.published()
    labels = labels_of(collection, fields.labels) if fields.labels and fields.to == "folders" else None
    rows = collection.rows(ids)
    request = ExportRequest(fields.to, out, dry_run=not fields.write)

    def work(job: Job) -> dict[str, Any]:
        def progress(number: int) -> None:
            if job.stopping.is_set():
                raise UserError(_("The export was stopped; what is written stays."))
            job.done, job.total = number, len(rows)

        chosen = Selection.of(collection, rows, labels, progress)
        report = export(chosen, request)
        job.done = job.total = len(rows)
        job.note = report.text().splitlines()[0]
        return asdict(report)

    kind = "export" if fields.write else "preview"
    again = partial(start_export, library, fields)
    return library.jobs.start(kind, work, about=opened.key, limit=MOST_JOBS, again=again)


def export_state(library: Library, id: str) -> dict[str, Any]:
    """How far an export is and, once it is done, its counts and the first of its files. UserError once it is gone."""
    job = library.jobs.get(id)
    if job is None or job.kind not in ("export", "preview"):
        raise UserError(_("That export is not known any more."))
    state = job.as_dict()
    if job.state != "done":
        return state
    report = dict(job.result)
    for name in ("renamed", "not_exported"):
        report[f"{name}_count"], report[name] = len(report[name]), report[name][:NAMED]
    return state | {"report": report}
