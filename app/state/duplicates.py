"""Duplicates on the page: they are found as a job, looked at a page at a time, moved to a folder, and put back."""

from collections import Counter
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.language.current import _
from app.state.indexing import check_local, update
from app.state.jobs import Job
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.roots import below_roots
from app.state.search_requests import Name, Text
from index.collection import Collection
from index.copies.journal import journals
from index.copies.move_report import Moved
from index.copies.moving import move_copies
from index.copies.returning import undo_move
from index.duplicates import Duplicates, Group, all_duplicates, stored_duplicates
from index.storage.layout import Tier
from training.models.errors import UserError

FIND, PREVIEW, MOVE, UNDO = "duplicates", "moving-preview", "move", "undo-move"  # kinds of jobs
MOST = 100  # groups of a response
MOST_CHANGED = 100_000  # groups that a person may have changed
NAMED = 20  # files that a report names

TIERS: dict[str, Tier | None] = {"exact": None, "same": "same", "similar": "similar"}


class DuplicatesFields(BaseModel):
    """Which duplicates: identical files, copies of the same image, or similar shots too."""

    collection: Name = ""
    tier: Literal["exact", "same", "similar"] = "same"


class GroupsFields(DuplicatesFields):
    """Some of the groups, by their places."""

    start: int = Field(0, ge=0)
    count: int = Field(24, ge=1, le=MOST)


class MoveFields(DuplicatesFields):
    """What goes where. kept: the rows that stay, of the groups that a person changed, by the row proposed to be kept.

    revision: of the collection that rows are of. write: else the report says what would be moved.
    """

    folder: Text
    revision: int
    kept: dict[int, list[int]] = Field({}, max_length=MOST_CHANGED)
    write: bool = False


def overview(library: Library, fields: DuplicatesFields) -> dict[str, Any]:
    """Counts of the groups, null until they are found; jobs that run; whether a move can be undone."""
    opened = library.collection(fields.collection)
    collection = opened.published()
    found = _known(collection, fields.tier)
    running = [job for job in library.jobs.all() if job.about == opened.key and job.state == "running"]
    return {
        "collection": opened.key,
        "images": len(collection),
        "revision": collection.revision,
        "groups": None if found is None else len(found.rows),
        "copies": None if found is None else found.copies,
        "spare": None if found is None else found.spare,
        "finding": any(job.kind == FIND and job.fields == (fields.tier,) for job in running),
        "moving": any(job.kind in (MOVE, UNDO) for job in running),
        "undo": library.local and bool(journals(opened.path)),
        "local": library.local,
    }


def find(library: Library, opened: OpenCollection, tier: str) -> Job:
    """Start to compare the images of a collection; the job that does so already, if one runs."""
    check_local(library)
    collection = opened.published()
    for job in library.jobs.all():
        if (job.kind, job.about, job.fields, job.state) == (FIND, opened.key, (tier,), "running"):
            return job

    def work(job: Job) -> None:
        def report(done: int, total: int) -> None:
            if job.stopping.is_set():
                raise UserError(_("The search for duplicates was stopped."))
            job.done, job.total = done, total

        job.note = _("comparing")
        found = all_duplicates(collection, TIERS[tier], report)
        _held(collection)[tier] = found
        job.note = _("{groups} groups with {copies} copies", groups=len(found.rows), copies=found.copies)

    again = partial(find, library, opened, tier)
    return library.jobs.start(FIND, work, fields=(tier,), about=opened.key, limit=1, again=again)


def page_of_groups(library: Library, fields: GroupsFields) -> dict[str, Any]:
    """Some of the groups, each with its images, the one to keep first; kind: file, image or shot, which they share.

    UserError before they are found.
    """
    collection = library.collection(fields.collection).published()
    found = _found(collection, fields.tier)
    groups = [_described(collection, group) for group in found.groups(fields.start, fields.start + fields.count)]
    return {"groups": groups, "total": len(found.rows), "revision": collection.revision}


def start_move(library: Library, fields: MoveFields) -> Job:
    """Move what does not stay to a folder below the roots, or look at what would be moved."""
    check_local(library)
    opened = library.collection(fields.collection)
    folder = below_roots(library, fields.folder)
    opened.check_idle()
    collection = opened.published()
    if collection.revision != fields.revision:
        raise UserError(_("The collection has changed; look at its duplicates again."))
    groups = _found(collection, fields.tier).choosing(fields.kept)
    if not groups:
        raise UserError(_("All images stay, so there is nothing to move."))

    def work(job: Job) -> Moved:
        def report(done: int, total: int) -> None:
            job.done, job.total = done, total

        moved = move_copies(opened.path, groups, folder, not fields.write, report, job.stopping.is_set)
        job.note = moved.text().splitlines()[0]
        opened.look_again()
        return moved

    return library.jobs.start(MOVE if fields.write else PREVIEW, work, about=opened.key, limit=1)


def move_state(library: Library, id: str) -> dict[str, Any]:
    """How far a move or its preview is and, once it is done, what it moved. UserError once it is gone."""
    job = library.jobs.get(id)
    if job is None or job.kind not in (PREVIEW, MOVE):
        raise UserError(_("That move is not known any more."))
    state = job.as_dict()
    return state | {"report": _report(job.result)} if job.state == "done" else state


def start_undo(library: Library, opened: OpenCollection) -> Job:
    """Put back what was moved last, and index it again."""
    check_local(library)
    opened.check_idle()

    def work(job: Job) -> None:
        job.note = undo_move(opened.path)
        update(library, opened)

    return library.jobs.start(UNDO, work, about=opened.key, limit=1)


def _held(collection: Collection) -> dict[str, Duplicates]:
    """What was found of a state of a collection, by tier."""
    held: dict[str, Duplicates] = collection.derived("duplicates", dict)
    return held


def _known(collection: Collection, tier: str) -> Duplicates | None:
    held = _held(collection)
    if tier not in held:
        stored = stored_duplicates(collection, TIERS[tier])
        if stored is None:
            return None
        held[tier] = stored
    return held[tier]


def _found(collection: Collection, tier: str) -> Duplicates:
    found = _known(collection, tier)
    if found is None:
        raise UserError(_("The duplicates of this collection are not known yet; look for them first."))
    return found


def _described(collection: Collection, group: Group) -> dict[str, Any]:
    images = []
    for row in group.rows:
        record = collection.record(row, ("id", "path", "width", "height", "bytes", "offline"))
        images.append({"row": row} | record | {"offline": bool(record["offline"])})
    return {"kind": group.kind.split()[-1], "images": images}


def _report(moved: Moved) -> dict[str, Any]:
    reasons = Counter(one.reason for one in moved.not_moved).most_common()
    return {
        "folder": moved.folder,
        "dry_run": moved.dry_run,
        "copies": moved.copies,
        "images": len(moved.moved) - moved.sidecars,
        "sidecars": moved.sidecars,
        "bytes": moved.bytes,
        "first": [entry.old for entry in moved.moved[:NAMED]],
        "files": len(moved.moved),
        "renamed": [{"path": one.path, "name": one.name} for one in moved.renamed[:NAMED]],
        "renamed_count": len(moved.renamed),
        "not_moved": [
            {
                "reason": reason,
                "count": amount,
                "first": [one.path for one in moved.not_moved if one.reason == reason][:NAMED],
            }
            for reason, amount in reasons
        ],
    }
