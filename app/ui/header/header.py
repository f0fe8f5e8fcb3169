"""The line at the top: what is open, what reads it, and whether everything is searchable yet."""

import threading
from typing import Any

import gradio as gr

from app.state.library import Library, Shelf
from index.retrieval.suggestions import suggestions
from training.models.errors import UserError


def header(library: Library) -> gr.HTML:
    """Lay out the header; its value names the collection that the page looks at."""

    def state(ask: dict[str, Any]) -> dict[str, Any]:
        return page_state(library, ask)

    return gr.HTML(
        value={"collection": next(iter(library.shelves))},
        html_template="<header class='g-header'></header>",
        js_on_load="gelato.header(element, props, server)",
        apply_default_css=False,
        server_functions=[state],
        elem_id="header",
    )


def page_state(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a collection that does not depend on a query."""
    try:
        shelf = library.shelf(ask.get("collection"))
        collection = shelf.collection
    except UserError as error:
        return {"error": str(error), "collections": [{"key": s.key, "name": s.name} for s in library.shelves.values()]}
    images = len(collection) if collection is not None else 0
    encoder = library.encoder_state(shelf)
    job = shelf.job
    wrong = encoder["error"] or (job.error if job is not None else "")
    if not wrong and collection is not None and encoder["state"] == "ready":
        try:
            collection.check_encoder(library.encoder(shelf))
        except UserError as mismatch:
            wrong = str(mismatch)
    return {
        "error": wrong,
        "collections": [{"key": s.key, "name": s.name} for s in library.shelves.values()],
        "collection": shelf.key,
        "name": shelf.name,
        "searchable": images,
        "revision": collection.revision if collection is not None else 0,
        "failed": collection.manifest.failed if collection is not None else 0,
        "columns": list(collection.items.columns) if images and collection is not None else [],
        "encoder": encoder,
        "job": job.as_dict() if job is not None else None,
        "chips": _chips(library, shelf),
    }


def _chips(library: Library, shelf: Shelf) -> list[str] | None:
    """What to suggest, or None while that is not known; worked out once, in the background."""
    ready = library.encoder_state(shelf)["state"] == "ready" and (shelf.job is None or shelf.job.state != "running")
    if shelf.chips is None and ready and not shelf.suggesting:
        shelf.suggesting = True
        threading.Thread(target=_suggest, args=(library, shelf), name="suggest", daemon=True).start()
    return None if shelf.chips is None else list(shelf.chips)


def _suggest(library: Library, shelf: Shelf) -> None:
    try:
        shelf.chips = tuple(suggestions(shelf.opened(), library.encoder(shelf)))
    except UserError:  # the page says elsewhere what is wrong
        shelf.chips = ()
