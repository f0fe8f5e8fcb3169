"""Collections: what is open, how it is, and what can be done with it."""

from collections.abc import Mapping
from typing import Any

from app.language.current import _
from app.state import indexing as work
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.ui.component import tab_component
from app.ui.index_form.index_form import list_folder, offer_folders, start_index
from index.collection import Collection
from index.retrieval.ranking import nearest_of
from index.storage.info import account_of, info_of, passed_over
from training.models.errors import UserError

COVER = 4  # images on a card
PROBLEMS = 200  # shown of the files that gave no image


def collections_tab(library: Library) -> None:
    """Lay out the tab: one component, whose script calls these functions."""
    tab_component(
        library,
        "collections",
        overview=all_collections,
        act=act,
        problems=unread_images,
        index=start_index,
        folders=offer_folders,
        listing=list_folder,
    )


def all_collections(library: Library) -> dict[str, Any]:
    """A card for every collection, and whether this page may be asked to change collections."""
    return {"cards": [_card(library, opened) for opened in library.collections()], "local": library.local}


def _card(library: Library, opened: OpenCollection) -> dict[str, Any]:
    encoder = library.encoder_state(opened)
    card: dict[str, Any] = {
        "key": opened.key,
        "name": opened.name,
        "path": str(opened.path) if library.local else "",
        "encoder": encoder["name"],
        "problem": encoder["error"],
        "job": opened.job.as_dict() if opened.job is not None else None,
        "deletable": library.local and work.deletable(opened),
        "images": 0,
    }
    try:
        collection = opened.collection
    except UserError as error:  # it is damaged
        return card | {"problem": str(error)}
    if not collection:
        return card
    ids = [str(collection.column("id").iat[row]) for row in collection.spread_rows(COVER)]
    return card | {
        "images": len(collection),
        "failed": collection.manifest.failed,
        "watching": opened.watching,
        "dim": collection.dim,
        "precision": collection.manifest.precision,
        "cover": ids,
        **collection.derived("card", lambda: _facts(collection)),
        **({"sources": sorted(str(s) for s in collection.column("source").unique())[:20]} if library.local else {}),
    }


def _facts(collection: Collection) -> dict[str, Any]:
    """What it takes a while to find out, once for each published state."""
    info, modified = info_of(collection), (collection.path / "manifest.json").stat().st_mtime
    search = nearest_of(collection).facts
    return {
        "files": info["files"]["total"],
        "account": account_of(collection),
        "passedOver": passed_over(collection) + info["offline"],
        "bytes": info["bytes"],
        "segments": info["segments"],
        "updated": modified,
        "search": search["kind"],
        "recall": search.get("recall_at_10"),
    }


def act(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """One of: update, watch, unwatch, verify, close, delete."""
    action = str(fields.get("action"))
    opened = library.collection(str(fields.get("key")))
    if action == "update":
        return {"job": work.update(library, opened).id}
    if action in ("watch", "unwatch"):
        work.watch(library, opened, on=action == "watch")
        return {"key": opened.key}
    if action == "verify":
        return {"job": work.verify(library, opened).id}
    if action == "close":
        work.close(library, opened)
    elif action == "delete":
        work.delete(library, opened)
    else:
        raise UserError(_("There is nothing called {action} to do with a collection.", action=repr(action)))
    return {"key": opened.key}


def unread_images(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The files that gave no image, each with kind and reason, unreadable ones first."""
    collection = library.collection(str(fields.get("key"))).published()
    failures = collection.failures
    failures = failures.loc[(failures["kind"] != "unreadable").sort_values(kind="stable").index]
    rows = failures.head(PROBLEMS)[["path", "kind", "reason"]].to_dict("records")
    return {"problems": rows, "total": len(failures), "name": collection.name}
