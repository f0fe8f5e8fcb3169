"""Encoders measured by labels or captions of images, as jobs whose results stay."""

from collections.abc import Sequence

from app.language.current import _
from app.state.jobs import Job, TooManyJobs
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.same_images import same_images
from index.retrieval.caption_comparison import compare_by_captions
from index.retrieval.labelled_comparison import compare_by_labels
from training.models.errors import UserError

EVALUATE = "evaluate"  # the kind of job
LABELS, CAPTIONS = "labels", "captions"  # what encoders are compared by
MOST_JOBS = 1  # at once: each takes the cores


def start_evaluation(library: Library, first: OpenCollection, by: str, source: str) -> Job:
    """Measure the encoders of the images of a collection; the result is a LabelledComparison or a CaptionComparison.

    by: LABELS or CAPTIONS, in the column source. The job's fields are by, source and the keys of the collections.
    """
    opened = same_images(library, first)

    def work(job: Job) -> object:
        def report(done: int, total: int) -> None:
            if job.stopping.is_set():
                raise UserError(_("The evaluation was stopped; it gives no figures."))
            job.done, job.total = done, total

        if by == LABELS:
            return compare_by_labels([one.published() for one in opened], source, progress=report)
        able = [(one, encoder) for one in opened if (encoder := library.encoder(one)).reads_text]
        if len(able) < 2:
            raise UserError(_("Captions compare encoders that read text, and fewer than two of these do."))
        job.fields = (by, source, [one.key for one, _encoder in able])
        collections, encoders = [one.published() for one, _encoder in able], [encoder for _one, encoder in able]
        return compare_by_captions(collections, encoders, source, progress=report)

    try:
        fields = (by, source, [one.key for one in opened])
        return library.jobs.start(EVALUATE, work, fields=fields, about=first.key, limit=MOST_JOBS)
    except TooManyJobs as error:
        raise UserError(_("Other encoders are being evaluated; try again when that is done.")) from error


def last_evaluation(library: Library, first: OpenCollection) -> Job | None:
    """The newest evaluation that began with a collection; None where there is none any more."""
    jobs = (job for job in library.jobs.all() if (job.kind, job.about) == (EVALUATE, first.key))
    return next(jobs, None)


def compared_in(library: Library, job: Job) -> Sequence[OpenCollection]:
    """The collections whose encoders a job evaluates. UserError where one was closed meanwhile."""
    _by, _source, keys = job.fields
    assert isinstance(keys, list)
    return [library.collection(key) for key in keys]
