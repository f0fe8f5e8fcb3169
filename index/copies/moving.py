"""Move copies of images to a folder, where a person may look at them; the best copy of each group stays.

Nothing is deleted and nothing overwritten. What a person said of a copy is said of the one that stays, too.
"""

import os
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.copies.groups import Progress
from index.copies.journal import Entry, Taken, journals, move_file, put_back, read_journal, write_journal
from index.copies.move_report import Moved
from index.duplicates import Group
from index.export.names import Names, safe_parts
from index.export.originals import original_file
from index.export.report import NotExported, Renamed
from index.export.same_image import Built, has_changed
from index.maintenance.dropping import drop_rows
from index.storage.annotations import Connection, writing
from index.storage.cells import as_text
from index.storage.errors import write_errors
from index.storage.tables import csv_text
from index.storage.undo import MOVE, log_action
from index.storage.writer import Writer
from training.data.sidecars import sidecars_of
from training.models.atomic import write_file
from training.models.errors import UserError

SAID = {"tags": "name", "corrections": "label"}  # columns of what is said of images, by table
BUILT = ("id", "source", "path", "bytes", "stamp", "hash", "pixel_hash")


@dataclass(frozen=True)
class _Copy:
    """A file that has to move. stays: the row of the copy that stays in its place."""

    row: int
    stays: int
    file: Path
    entries: tuple[Entry, ...]  # the image first, then its sidecars
    renamed: Renamed | None


def move_copies(
    path: Path,
    groups: Sequence[Group],
    folder: Path,
    dry_run: bool = False,
    progress: Progress = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> Moved:
    """Move all but the first of each group to folder; groups are of the collection at path.

    progress: called with files looked at or moved and their total: each is looked at first, then moved. stop: asked
    before each; what is moved by then stays moved. UserError if folder lies inside a source or the collection, or
    nothing can be written, or while another process writes to the collection.
    """
    folder = Path(os.path.abspath(folder.expanduser()))
    collection = Collection.open(path)
    _check_outside(collection, folder)
    report = Moved(str(folder), sum(len(group.rows) - 1 for group in groups), dry_run)
    watch = _Watch(report.copies * (1 if dry_run else 2), progress, stop)
    plan = list(_plan(collection, groups, folder, report, watch))
    if watch.stopped:  # nothing has moved yet
        raise UserError("It was stopped before anything was moved.")
    if dry_run:
        for copy in plan:
            _count(report, copy, collection)
        return report
    if plan:
        with Writer(path) as writer:
            _move(collection, plan, folder, report, watch)
            drop_rows(writer, _rows_that_moved(writer.before))
    return report


class _Watch:
    """Tells how far a call is, and hears that it should stop."""

    def __init__(self, total: int, progress: Progress, stop: Callable[[], bool]):
        self.done, self.total, self.progress, self.stop = 0, total, progress, stop
        self.stopped = False

    def goes_on(self) -> bool:
        """Before each file: whether it is its turn."""
        self.stopped = self.stopped or self.stop()
        if not self.stopped:
            self.done += 1
            self.progress(min(self.done, self.total), self.total)
        return not self.stopped


def _rows_that_moved(collection: Collection) -> NDArray[np.intp]:
    """The rows whose files were moved, maybe by a call that was killed: an emptied folder looks like a lost drive."""
    entries = [entry for name in journals(collection.path) for entry in read_journal(collection.path, name)]
    gone = {entry.old for entry in entries if os.path.lexists(entry.new) and not os.path.lexists(entry.old)}
    places = collection.frame(["source", "path"]).itertuples(index=False, name=None)
    return np.flatnonzero([os.path.join(*place) in gone for place in places])


def _move(collection: Collection, plan: list[_Copy], folder: Path, report: Moved, watch: _Watch) -> None:
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    with write_errors(collection.path):
        write_journal(collection.path, f"{name}.json", [entry for copy in plan for entry in copy.entries])
    ids = collection.column("id")
    pairs = {(str(ids.iat[copy.row]), str(ids.iat[copy.stays])) for copy in plan}
    with writing(collection.path) as connection:
        given = {table: _pass_on(connection, table, column, pairs) for table, column in SAID.items()}
        log_action(connection, MOVE, {"journal": f"{name}.json", "given": given, "folder": str(folder)})
    records = collection.frame(["source", "path"])
    for copy in plan:
        source, path = records.iloc[copy.row]
        reason = _move_one(copy) if watch.goes_on() else "the move was stopped"
        if reason:
            report.not_moved.append(NotExported(source, path, reason))
        else:
            _count(report, copy, collection)
    rows = [(entry.old, entry.new) for entry in report.moved]
    if rows:
        report.table = str(folder / f"moved-{name}.csv")
        with write_errors(folder):
            write_file(Path(report.table), csv_text(("from", "to"), rows).encode())


def _move_one(copy: _Copy) -> str:
    """Move an image with its sidecars, all or none; why none was moved, or ""."""
    done: list[Entry] = []
    try:
        for entry in copy.entries:
            move_file(Path(entry.old), Path(entry.new))
            done.append(entry)
        return ""
    except Taken as taken:
        reason = f"there is a file called {taken} meanwhile"
    except OSError as error:
        reason = f"it cannot be moved: {error.strerror or error}"
    for entry in done:
        with suppress(OSError, Taken):
            put_back(entry)
    return reason


def _pass_on(connection: Connection, table: str, column: str, pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Say of the second of each pair what is said of the first; what was not said of it before, [id, text] each."""
    given = []
    for moved, stays in sorted(pairs):
        if moved == stays:
            continue
        for (text,) in connection.execute(f"SELECT {column} FROM {table} WHERE id = ?", (moved,)).fetchall():
            done = connection.execute(f"INSERT OR IGNORE INTO {table} (id, {column}) VALUES (?, ?)", (stays, text))
            if done.rowcount:
                given.append([stays, str(text)])
    return given


def _count(report: Moved, copy: _Copy, collection: Collection) -> None:
    report.moved += copy.entries
    report.sidecars += len(copy.entries) - 1
    report.bytes += int(collection.column("bytes").iat[copy.row])
    if copy.renamed:
        report.renamed.append(copy.renamed)


def _plan(
    collection: Collection, groups: Sequence[Group], folder: Path, report: Moved, watch: _Watch
) -> Iterator[_Copy]:
    """What moves where; what cannot move goes into the report."""
    rows = collection.frame(BUILT)
    names, listings, most = Names(), _Listings(), collection.max_megapixels
    for group in groups:
        best = rows.iloc[group.rows[0]]
        stays = original_file(best["source"], best["path"])
        trouble = _trouble_of_best(best, stays, most)
        for row in group.rows[1:]:
            if not watch.goes_on():
                return
            record = rows.iloc[row]
            file = original_file(record["source"], record["path"])
            reason = trouble or _reason(record, file, stays, most)
            if reason or file is None:
                report.not_moved.append(NotExported(record["source"], record["path"], reason))
                continue
            yield _planned(row, group.rows[0], record, file, folder, names, listings)


def _planned(
    row: int, stays: int, record: pd.Series, file: Path, folder: Path, names: Names, listings: "_Listings"
) -> _Copy:
    wanted = safe_parts(record["path"])
    beside = listings.of(file)
    for parts in names.free(wanted, record["id"]):
        target = folder.joinpath(*parts)
        targets = [target, *(target.with_name(_renamed(name, file, target)) for name in beside)]
        if not any(os.path.lexists(one) for one in targets):
            break
        names.take(parts)
    for one in targets:
        names.take(one.relative_to(folder).parts)
    olds = [file, *(file.with_name(name) for name in beside)]
    entries = tuple(Entry(str(old), str(new), str(file)) for old, new in zip(olds, targets, strict=True))
    renamed = Renamed(record["source"], record["path"], "/".join(parts)) if parts != wanted else None
    return _Copy(row, stays, file, entries, renamed)


def _renamed(sidecar: str, file: Path, target: Path) -> str:
    """The name of a sidecar beside its image, whose name became that of target."""
    for old, new in ((file.name, target.name), (file.stem, target.stem)):
        if sidecar.startswith(old):
            return new + sidecar.removeprefix(old)
    return sidecar


class _Listings:
    """The sidecars of the images of folders, those left out that belong to several images."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, list[str]]] = {}

    def of(self, file: Path) -> list[str]:
        if file.parent not in self._folders:
            found = sidecars_of(entry.name for entry in os.scandir(file.parent) if entry.is_file())
            owners = Counter(name for names in found.values() for name in names)
            own: defaultdict[str, list[str]] = defaultdict(list)
            for owner, names in found.items():
                own[owner] = [name for name in names if owners[name] == 1]
            self._folders[file.parent] = own
        return self._folders[file.parent][file.name]


def _trouble_of_best(record: pd.Series, file: Path | None, most: float) -> str:
    """Why the copies of an image must stay: the one to keep is not what the build saw. "" if it is."""
    if file is None:
        return "" if _in_archive(record) else "the copy to keep is not within reach"
    return "the copy to keep has changed since the last build; build again" if _changed(file, record, most) else ""


def _reason(record: pd.Series, file: Path | None, stays: Path | None, most: float) -> str:
    """Why a copy cannot be moved; "" if it can."""
    source = Path(record["source"])
    if not source.exists():
        return "its source is not there"
    if not source.is_dir() or _in_archive(record):
        return "it lies inside an archive, or a table lists it; neither is changed"
    if file is None:
        return "its file is gone"
    if file.is_symlink():
        return "it is a link"
    if stays is not None and file.resolve() == stays.resolve():
        return "it is the file that stays, by another path"
    if not os.access(file.parent, os.W_OK):
        return "its folder is read-only; copies are moved out of folders that may be written to"
    return "it shows another image since the last build; build again" if _changed(file, record, most) else ""


def _in_archive(record: pd.Series) -> bool:
    """Whether an image lies inside a file that is there: a shard, or a table of images."""
    source = Path(record["source"])
    return source.is_file() or any((source / above).is_file() for above in PurePosixPath(record["path"]).parents)


def _changed(file: Path, record: pd.Series, most: float) -> bool:
    try:
        stamp, hash, pixels = (as_text(record[name]) for name in ("stamp", "hash", "pixel_hash"))
        return has_changed(file, Built(stamp, hash, pixels, most))
    except OSError:
        return True


def _check_outside(collection: Collection, folder: Path) -> None:
    """UserError if the next build would find the copies again."""
    place = folder.resolve()
    if place.is_relative_to(collection.path.resolve()):
        raise UserError(f"{folder} lies inside the collection; choose another folder.")
    for source in collection.column("source").unique():
        root = Path(source)
        if root.is_dir() and place.is_relative_to(root.resolve()):
            raise UserError(f"{folder} lies inside the source {source}, so the next build would index them again.")
