"""Fetch a model: `get` brings what is missing of it, resumes what is partly there, and says what goes wrong."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

from training.models import hub
from training.models.downloads.hub_cache import blob_path, link, partial_path, repository_folder
from training.models.downloads.importing import import_from
from training.models.downloads.local import (
    ModelStatus,
    drop_folder,
    hub_needs,
    mark_what_is_missing,
    missing_needs,
    status,
    where_to_copy,
)
from training.models.downloads.needs import Need
from training.models.downloads.progress import Progress
from training.models.downloads.sentences import OutOfReach, check_licence, sentence
from training.models.downloads.transfer import RemoteFile, Watcher, fetch, look_up
from training.models.errors import UserError
from training.models.hub_contact import absence

REPORT_SECONDS = 0.2  # between reports
RATE_SECONDS = 5.0  # over which the rate is taken
SPARE = 200_000_000  # bytes that a download leaves free

Report = Callable[[Progress], None]


def get(
    name: str,
    *,
    on_progress: Report | None = None,
    stop: Event | None = None,
    accept_licence: bool = False,
) -> ModelStatus:
    """Fetch what is missing of the model called name, so that load_encoder(name) needs no network.

    stop: set by another thread, it pauses the download with Stopped; the next get goes on from there.
    LicenceNotAccepted for weights with a restricted licence unless accept_licence. UserError if it cannot be fetched;
    within 3 seconds if there is no network.
    """
    if not missing_needs(name):
        return status(name)
    check_licence(name, accept_licence)
    if any(drop_folder(need.repository).is_dir() for need in hub_needs(name)):
        import_from(name, None, accept_licence=True)
        if not missing_needs(name):
            return status(name)
    if why := absence(hub_needs(name)[0].repository):
        raise OutOfReach(name, where_to_copy(name), why)
    hub.check_token()
    meter = _Meter(on_progress)
    watcher = Watcher(meter.bytes, meter.say, stop or Event())
    done: set[Need] = set()
    while wanted := [need for need in hub_needs(name) if need not in done]:  # a configuration may name more
        try:
            _fetch_all(name, wanted, meter, watcher)
        except OSError as error:  # of the folders of the hub's cache
            raise UserError(sentence(error, wanted[0].repository)) from error
        done.update(wanted)
    mark_what_is_missing(name)
    meter.report(force=True)
    return status(name)


def _fetch_all(name: str, needs: list[Need], meter: "_Meter", watcher: Watcher) -> None:
    """Look up the files of needs, the small ones first, and fetch them."""
    commits: dict[str, str] = {}
    found: list[RemoteFile] = []
    for need in needs:
        if hub.cached_file(need.repository, *need.names):
            continue
        file = look_up(need.repository, need.names, commits.get(need.repository, "main"), watcher)
        if file is None and need.required:
            raise UserError(
                f"{need.repository} has none of {', '.join(need.names)}, so {name} cannot be fetched from there."
            )
        if file is not None:
            commits[need.repository] = file.commit
            found.append(file)
    found.sort(key=lambda file: file.size or 0)
    _check_space(found)
    meter.expect(found)
    for file in found:
        meter.begin(file)
        fetch(file, watcher)
        link(file.repository, file.path, file.commit, file.etag)
        meter.finish(file)


def _check_space(files: list[RemoteFile]) -> None:
    """UserError if the disk of the hub's cache has no room for what is missing of files."""
    missing = sum((file.size or 0) - _have(file) for file in files)
    if not missing:
        return
    folder = repository_folder(files[0].repository)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < missing + SPARE:
        raise UserError(
            f"The disk of {folder} has {free / 1e6:,.0f} MB free, and {missing / 1e6:,.0f} MB are to be fetched "
            f"({SPARE / 1e6:,.0f} MB are left free): make room, or set HF_HOME to a folder on a larger disk."
        )


def _have(file: RemoteFile) -> int:
    """Bytes of a file that are here already."""
    for path in (blob_path(file.repository, file.etag), partial_path(file.repository, file.etag)):
        if path.is_file():
            return path.stat().st_size
    return 0


@dataclass
class _Meter:
    """Adds up the bytes of several files and reports them, not too often."""

    on_progress: Report | None
    total: int | None = None
    before: int = 0  # bytes of files that are done
    now: int = 0  # bytes of the current one
    file: str = ""
    note: str = ""
    samples: list[tuple[float, int]] = field(default_factory=list)
    reported: float = 0.0

    def expect(self, files: list[RemoteFile]) -> None:
        sizes = [file.size for file in files]
        self.total = None if None in sizes else self.before + sum(size or 0 for size in sizes)

    def begin(self, file: RemoteFile) -> None:
        self.file, self.now, self.samples = file.path, _have(file), []
        self.report(force=True)

    def finish(self, file: RemoteFile) -> None:
        self.before, self.now = self.before + self.now, 0

    def bytes(self, now: int) -> None:
        self.now = now
        self.report()

    def say(self, note: str) -> None:
        self.note = note
        self.report(force=True)

    def report(self, force: bool = False) -> None:
        clock = time.monotonic()
        if not force and clock - self.reported < REPORT_SECONDS:
            return
        self.reported = clock
        done = self.before + self.now
        self.samples = [*(s for s in self.samples if clock - s[0] < RATE_SECONDS), (clock, done)]
        since, then = self.samples[0]
        rate = max(0.0, (done - then) / (clock - since)) if clock > since else 0.0
        left = (self.total - done) / rate if rate and self.total is not None else None
        if self.on_progress is not None:
            self.on_progress(Progress(self.file, done, self.total, rate, left, self.note))
