"""The jobs as every tab shows them: which there are, and what a person may do with one."""

import time
from typing import Any

from app.language.current import _
from app.state.generations import REENCODE
from app.state.indexing import check_local, update
from app.state.jobs import Job
from app.state.library import Library
from training.models.errors import UserError

OF_ANYONE = ("label", "umap", "evaluate")  # kinds that change no data: whoever reaches the page may stop them
INSIDE = ("preview", "moving-preview")  # kinds that are shown where they were started, and nowhere else


def job_list(library: Library) -> list[dict[str, Any]]:
    """The jobs that run, and of those that ended the newest of each kind on each collection; the newest first.

    name: of the collection or model that it works on. encoder: what embeds it now, "" without one. age: seconds since
    it started. stops: whether the page may stop it. confirm: only of the last job of a collection.
    """
    opened = library.collections()
    names = {one.key: one.name for one in opened}
    latest = {one.job.id for one in opened if one.job is not None}
    found: dict[object, Job] = {}
    for job in library.jobs.all():
        if job.kind not in INSIDE:
            found.setdefault(job.id if job.state == "running" else (job.kind, job.about), job)
    return [_facts(library, job, names, latest) for job in found.values()]


def _facts(library: Library, job: Job, names: dict[str, str], latest: set[str]) -> dict[str, Any]:
    return job.as_dict() | {
        "name": names.get(job.about, job.about),
        "encoder": str(job.fields[0]) if job.kind == REENCODE else "",
        "age": round(time.monotonic() - job.started, 1),
        "stops": library.local or job.kind in OF_ANYONE,
        "resumes": library.local and job.resumes,
        "confirm": library.local and job.confirm and job.id in latest,
    }


def job_named(library: Library, id: str) -> Job:
    """UserError if it is not stored any more."""
    job = library.jobs.get(id)
    if job is None:
        raise UserError(_("That job is not known any more."))
    return job


def stop_job(library: Library, id: str) -> None:
    """Tell a job to stop; finished work stays."""
    job = job_named(library, id)
    if job.kind not in OF_ANYONE:
        check_local(library)
    job.stopping.set()


def resume_job(library: Library, id: str) -> None:
    """Go on with a job that was stopped or failed."""
    check_local(library)
    job = job_named(library, id)
    if not job.resumes or job.again is None:
        raise UserError(_("There is nothing left to do of that job."))
    job.again()
    library.jobs.forget(job)


def confirm_job(library: Library, id: str) -> None:
    """Update a collection again, and let the images go that a source does not have any more."""
    job = job_named(library, id)
    update(library, library.collection(job.about), prune=True)
    library.jobs.forget(job)
