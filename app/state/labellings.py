"""Whole collections being labelled, as jobs that outlive the page."""

import time

from app.language.current import _
from app.state.jobs import Job, TooManyJobs
from app.state.library import Library
from app.state.open_collection import OpenCollection
from index.labels.labelling import Labelling
from index.labels.queue import Member
from index.labels.request import LabelRequest
from training.models.errors import UserError

MOST_JOBS = 2  # collections that are labelled at once
FIRST_WAIT = 1.2  # seconds that the first response waits for the labels: most are there by then


def start_labelling(
    library: Library, opened: OpenCollection, request: LabelRequest, fields: tuple[object, ...] = ()
) -> Job:
    """Label every image of a collection in the background. fields: of the form, to show it again with the labels."""
    collection = opened.published()

    def work(job: Job) -> Labelling:
        def report(done: int, total: int) -> None:
            if job.stopping.is_set():
                raise UserError(_("Labelling was stopped; its labels are discarded."))
            job.done, job.total = done, total

        report(0, len(collection))
        encoder = library.encoder(opened)
        earlier = next((job.result for job in library.jobs.all() if _labelled(job, opened)), None)
        return Labelling(collection, library.classifiers.embeddings(encoder), request, report, earlier)

    try:
        job = library.jobs.start("label", work, fields=fields, about=opened.key, limit=MOST_JOBS)
    except TooManyJobs as error:
        raise UserError(_("Other collections are being labelled; try again when they are done.")) from error
    until = time.monotonic() + FIRST_WAIT
    while job.state == "running" and time.monotonic() < until:
        time.sleep(0.01)
    return job


def _labelled(job: Job, opened: OpenCollection) -> bool:
    return (job.kind, job.state, job.about) == ("label", "done", opened.key)


def finished(library: Library, id: str | None) -> tuple[Job, Labelling]:
    """A job that is done, and its labels."""
    job = labelling_job(library, id)
    if job.state == "failed":
        raise UserError(job.error)
    if job.state != "done":
        raise UserError(_("The labels are not ready yet."))
    return job, job.result


def second_member(library: Library, key: object, labelling: Labelling) -> Member:
    """The collection with that key and its classifier by the same classes, to disagree with a labelling."""
    other = library.collection(str(key or ""))
    classifier = library.classifiers.classifier(other, library.encoder(other), labelling.request)
    return other.published(), classifier


def labelling_job(library: Library, id: str | None) -> Job:
    """The job that labels a collection; UserError once it is gone."""
    job = library.jobs.get(id or "")
    if job is None or job.kind != "label":
        raise UserError(_("Those labels are no longer there; label the collection again."))
    return job
