"""What the page does to whole collections: index, update, verify, close, delete."""

import logging
import shutil
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from app.language.current import _, spelt
from app.state.jobs import Job
from app.state.library import Library
from app.state.open_collection import Build, OpenCollection
from index.build import build_collection
from index.ingest.demo import build_demo
from index.ingest.opening import check_has_images
from index.ingest.plan import LosesImages
from index.ingest.report import BuildProgress, BuildReport
from index.ingest.summary import summary
from index.maintenance.verify import Fault, find_faults
from index.storage.accounts import passed_over_text
from index.storage.cached import cached_collection
from index.watch import watch_sources
from training.models.cache import cache_dir
from training.models.encoder import Encoder
from training.models.errors import UserError

log = logging.getLogger(__name__)


def build_of(source: str | Path, tell: Callable[[str], object] = lambda _: None) -> Build:
    """A build that brings a collection up to date with source. tell: gets its summary, a line at a time."""

    def build(into: Path, encoder: Encoder, job: Job, prune: bool) -> BuildReport:
        report = _build([source], into, encoder, job, prune)
        for line in summary(report):
            tell(line)
        return _noted(job, report)

    return build


def build_of_demo(images: Path) -> Build:
    """A build that brings the demo up to date."""

    def build(into: Path, encoder: Encoder, job: Job, prune: bool) -> BuildReport:
        return _noted(job, build_demo(images, into, encoder, progress=progress_of(job), stop=job.stopping.is_set))

    return build


def index_folder(library: Library, source: str, encoder: str, name: str = "") -> OpenCollection:
    """Start to build a collection of the images at source, in the cache. UserError if there are none."""
    check_local(library)
    if not source.strip():
        raise UserError(_("Name the folder, table or tar shards to index."))
    check_has_images(source.strip())
    place = Path(source.strip()).expanduser()
    title = name.strip() or place.resolve().stem or "images"
    into = cached_collection(title, place, encoder)
    opened = library.add_built(title, into, encoder, build_of(source.strip()))
    library.bring_up_to_date(opened)
    return opened


def _build(sources: Sequence[str | Path], into: Path, encoder: Encoder, job: Job, prune: bool) -> BuildReport:
    """Build for a job; where most of a source is gone, the job asks a person to confirm it."""
    try:
        return build_collection(
            sources, into, encoder, prune=prune, progress=progress_of(job), stop=job.stopping.is_set
        )
    except LosesImages as error:
        job.confirm = True
        raise UserError(_("{what} If they were deleted, confirm it in Collections.", what=error.what)) from error


def update(library: Library, opened: OpenCollection, prune: bool = False) -> Job:
    """Bring a collection up to date with the sources that its images came from.

    prune: more than half of a source's images may go; a person has confirmed it.
    """
    check_local(library)
    opened.check_idle()
    if opened.build is not None:
        return library.bring_up_to_date(opened, prune)
    sources = sorted(opened.published().column("source").unique())
    encoder = library.encoder(opened)
    opened.published().check_encoder(encoder)

    def work(job: Job) -> BuildReport:
        return _noted(job, _build(sources, opened.path, encoder, job, prune))

    return opened.start_job(library.jobs, "update", work, partial(update, library, opened))


def watch(library: Library, opened: OpenCollection, on: bool) -> None:
    """Bring a collection up to date whenever its folders change, until it is switched off or closed."""
    check_local(library)
    if not on:
        opened.watch.set()
        return
    if opened.watching:
        return
    sources = sorted(opened.published().column("source").unique())
    stop = opened.watch = threading.Event()

    def rebuild() -> None:
        while opened.busy and not stop.wait(1.0):
            pass
        if not stop.is_set():
            update(library, opened)

    def ended() -> bool:
        return stop.is_set() or opened.closed

    work = partial(
        watch_sources, sources, opened.path, rebuild, ended, lambda why: log.warning("%s: %s", opened.name, why)
    )
    threading.Thread(target=work, name="watch", daemon=True).start()


def verify(library: Library, opened: OpenCollection) -> Job:
    """Read every file of a collection again; the job's result is its faults."""
    opened.check_idle()

    def work(job: Job) -> list[Fault]:
        def report(done: int, total: int) -> None:
            job.done, job.total = done, total

        faults = find_faults(opened.path, report)
        first = str(faults[0]) if faults else ""
        job.note = (
            _("no faults") if not faults else _("{n} faults, the first: {first}", n=spelt(len(faults)), first=first)
        )
        return faults

    return library.jobs.start("verify", work, about=opened.key, again=partial(verify, library, opened))


def close(library: Library, opened: OpenCollection) -> None:
    """Close a collection; it stays on disk."""
    check_local(library)
    library.close(opened)


def delete(library: Library, opened: OpenCollection) -> None:
    """Close a collection that this page built and delete it from disk. The images stay where they are."""
    if not deletable(opened):
        raise UserError(
            _(
                "{name} was not made by this page, so it is not deleted here; delete {path} yourself.",
                name=opened.name,
                path=opened.path,
            )
        )
    close(library, opened)
    opened.release()
    shutil.rmtree(opened.path, ignore_errors=True)


def deletable(opened: OpenCollection) -> bool:
    """Whether the collection lies in our own cache, so that it can be built again."""
    return opened.path.resolve().is_relative_to(cache_dir("collections").resolve())


def check_local(library: Library) -> None:
    """UserError where others can reach the page: what is stored here is changed from this computer only."""
    if not library.local:
        raise UserError(_("Collections are changed from this computer only: others can reach this page."))


def progress_of(job: Job) -> Callable[[BuildProgress], None]:
    """Copies the progress of a build into its job."""

    def report(progress: BuildProgress) -> None:
        job.done, job.total, job.failed = progress.done, progress.total, progress.failed
        job.rate, job.left = progress.rate, progress.left

    return report


def _noted(job: Job, report: BuildReport) -> BuildReport:
    """report, whose counts become the note of the job."""
    parts = {
        _("added"): report.added,
        _("changed"): report.updated,
        _("moved"): report.moved,
        _("gone"): report.removed,
    }
    counts = ", ".join(f"{spelt(count)} {what}" for what, count in parts.items() if count) or _("nothing changed")
    passed = passed_over_text(report.passed_over)
    counts += _("; of {files} files {passed}", files=spelt(report.files["total"]), passed=passed) if passed else ""
    counts = " ".join([counts, *report.notes])
    job.note = _("stopped; finished segments are saved: {counts}", counts=counts) if report.stopped else counts
    if report.problems:
        raise UserError(" ".join(report.problems))
    return report
