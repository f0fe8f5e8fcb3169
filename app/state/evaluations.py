"""Encoders measured by the labels of images, as jobs whose results stay."""

from collections.abc import Sequence

from app.language.current import _
from app.state.jobs import Job, TooManyJobs
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.same_images import same_images
from index.retrieval.labelled_comparison import compare_by_labels
from training.models.errors import UserError

EVALUATE = "evaluate"  # the kind of job
MOST_JOBS = 1  # at once: each takes the cores


def start_evaluation(library: Library, first: OpenCollection, source: str) -> Job:
    """Measure the encoders of the images of a collection by labels; the result is a LabelledComparison.

    The job's fields are source and the keys of the collections.
    """
    opened = same_images(library, first)
    collections = [one.published() for one in opened]

    def work(job: Job) -> object:
        def report(done: int, total: int) -> None:
            if job.stopping.is_set():
                raise UserError(_("The evaluation was stopped; it gives no figures."))
            job.done, job.total = done, total

        return compare_by_labels(collections, source, progress=report)

    try:
        fields = (source, [one.key for one in opened])
        return library.jobs.start(EVALUATE, work, fields=fields, about=first.key, limit=MOST_JOBS)
    except TooManyJobs as error:
        raise UserError(_("Other encoders are being evaluated; try again when that is done.")) from error


def last_evaluation(library: Library, first: OpenCollection) -> Job | None:
    """The newest evaluation that began with a collection; None where there is none any more."""
    jobs = (job for job in library.jobs.all() if (job.kind, job.about) == (EVALUATE, first.key))
    return next(jobs, None)


def compared_in(library: Library, job: Job) -> Sequence[OpenCollection]:
    """The collections whose encoders a job evaluates. UserError where one was closed meanwhile."""
    _source, keys = job.fields
    assert isinstance(keys, list)
    return [library.collection(key) for key in keys]
