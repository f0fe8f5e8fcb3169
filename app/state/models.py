"""The models of the page: what there is, what this machine has, and fetching them as jobs."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.language.current import _
from app.state.generations import reencode
from app.state.indexing import check_local
from app.state.jobs import Job
from app.state.library import Library
from app.state.open_collection import OpenCollection
from training.models.downloads.get import get
from training.models.downloads.local import discard as discard_partial
from training.models.downloads.local import drop_folder
from training.models.downloads.local import remove as remove_model
from training.models.downloads.progress import Progress
from training.models.downloads.sentences import OutOfReach, Stopped
from training.models.errors import UserError

GET = "get"  # the kind of its jobs
PAUSE_SECONDS = 3.0  # that a download may take to notice it


def get_model(library: Library, name: str, accept_licence: bool = False, then: OpenCollection | None = None) -> Job:
    """Start or resume to fetch a model. then: a collection to embed with it as soon as it is here.

    The job fails for a name that leads nowhere. UserError while it is being fetched.
    """
    check_local(library)
    if downloading(library, name):
        raise UserError(_("{name} is being fetched already.", name=name))

    def run(job: Job) -> None:
        try:
            get(name, on_progress=_shown(job), stop=job.stopping, accept_licence=accept_licence)
        except Stopped:
            job.note = _("paused")
            return
        except OutOfReach as error:  # which names a command for what Models shows
            raise UserError(
                _(
                    "{name} is not on this machine, its files are not in the folder that Models names, and the model "
                    "hub cannot be reached: {why}.",
                    name=name,
                    why=error.why,
                )
            ) from error
        job.note = _("on this machine now")
        if then is not None:
            reencode(library, then, name)

    again = partial(get_model, library, name, accept_licence, then)
    return library.jobs.start(GET, run, about=name, again=again)


def _shown(job: Job) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        job.done, job.total, job.rate, job.left = progress.done, progress.total or 0, progress.rate, progress.left
        job.note = progress.note

    return report


def downloading(library: Library, name: str) -> Job | None:
    """The job that fetches a model now, or None."""
    running = (job for job in library.jobs.all() if job.kind == GET and job.state == "running")
    return next((job for job in running if job.about == name), None)


def last_download(library: Library, name: str) -> Job | None:
    """The newest of these jobs, running or not."""
    return next((job for job in library.jobs.all() if job.kind == GET and job.about == name), None)


def pause(library: Library, name: str) -> None:
    """Stop fetching a model; what is here stays, and the next get goes on from there."""
    check_local(library)
    job = downloading(library, name)
    if job is None:
        raise UserError(_("{name} is not being fetched.", name=name))
    job.stopping.set()
    deadline = time.monotonic() + PAUSE_SECONDS
    while job.state == "running" and time.monotonic() < deadline:
        time.sleep(0.02)


def cancel(library: Library, name: str) -> int:
    """Stop fetching a model and delete what is partly here; how many bytes that frees."""
    check_local(library)
    if downloading(library, name):
        pause(library, name)
    return discard_partial(name)


def remove(library: Library, name: str) -> int:
    """Delete a model from this machine; how many bytes that frees. UserError while a collection is searched by it."""
    check_local(library)
    for opened in library.collections():
        if opened.encoder_name == name:
            raise UserError(
                _("{name} is searched by {name2}; switch it to another encoder first.", name=opened.name, name2=name)
            )
    return remove_model(name)


def place_for(repository: str, file: str) -> Path:
    """Where a file of a repository of the hub is dropped. UserError for a name that would lead elsewhere."""
    if not file or file != Path(file).name or file.startswith("."):
        raise UserError(_("{file} is not the name of a file.", file=repr(file)))
    return drop_folder(repository) / file
