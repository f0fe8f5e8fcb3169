"""What a collection says of its images beside what lies on disk: tags of images that are absent, changed files."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from index.collection import Collection
from index.ingest.opening import rules_of, tables_of
from index.maintenance.verify import MOST_NAMED, Fault
from index.storage.annotations import reading
from index.storage.known_images import last_places, unattached
from training.data.source import Item
from training.data.sources import open_source
from training.models.errors import UserError


def absent_images(path: Path) -> list[str]:
    """A sentence about tags and corrections of images that are not in the collection; none where there are none.

    They are no fault: they wait for their images.
    """
    ids = Collection.open(path).column("id")
    with reading(path) as connection:
        if connection is None or not (absent := unattached(connection, ids)):
            return []
        places = last_places(connection, absent[:MOST_NAMED])
    named = ", ".join(f"{id} ({places[id]})" if id in places else id for id in absent[:MOST_NAMED])
    more = ", ..." if len(absent) > MOST_NAMED else ""
    what = f"{len(absent):,} images with tags or corrections are not in the collection: {named}{more}"
    return [f"{what}. What was said of them waits for their return; to delete it: remove {path} --forget --id ID"]


def find_differences(path: Path, progress: Callable[[int, int], object] = lambda done, total: None) -> list[Fault]:
    """The files of a collection's sources that are not as its rows say: gone, changed, or out of reach.

    Reads every file. progress is called with rows done and their total.
    """
    collection = Collection.open(path)
    rows = collection.frame(["id", "source", "path", "hash"])
    faults: list[Fault] = []
    done = 0
    for name, of_source in rows.groupby("source", sort=True):
        repair = f"build {name} --into {path} brings the collection up to date"
        try:
            source = open_source(str(name), rules_of(path), tables_of(path, str(name)))
            items: Mapping[str, Item] = {item.path: item for item in source}
        except UserError as error:
            faults.append(
                Fault("out of reach", str(name), f"{len(of_source):,} images are out of reach: {error}", repair)
            )
            done += len(of_source)
            continue
        found: dict[str, list[str]] = {"gone": [], "changed": []}
        for row in of_source.itertuples():
            kind = _difference(items.get(row.path), row.hash)
            if kind:
                found[kind].append(str(row.path))
            done += 1
            progress(done, len(rows))
        faults += [_fault(kind, str(name), paths, repair) for kind, paths in found.items() if paths]
    return faults


def _difference(item: Item | None, content: str) -> str:
    if item is None:
        return "gone"
    try:
        return "" if sha256(item.read()).hexdigest() == content else "changed"
    except (OSError, UserError):
        return "changed"


def _fault(kind: str, source: str, paths: list[str], repair: str) -> Fault:
    named = ", ".join(paths[:MOST_NAMED]) + (", ..." if len(paths) > MOST_NAMED else "")
    what = "are not there any more" if kind == "gone" else "have another content than the collection says"
    return Fault(kind, source, f"{len(paths):,} files {what} ({named})", repair)
