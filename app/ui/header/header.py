"""The line at the top: what is open, what reads it, and whether everything is searchable yet."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from app.state.encoder_choices import encoder_choices, first_offer
from app.state.generations import switch
from app.state.job_control import job_list
from app.state.library import Library
from app.ui.component import component
from index.storage.annotation_cache import annotations_version
from index.storage.info import account_of, passed_over
from training.models.errors import UserError


def header(library: Library) -> gr.HTML:
    """Lay out the header; its value names the collection that the page looks at."""
    return component(
        library,
        "header",
        "<header class='g-header'></header>",
        "ui/header/header.js",
        "header(element, props, server)",
        {"state": page_state, "encoders": encoders, "switchEncoder": switch_encoder},
        value={"collection": library.collection(None).key},
    )


def encoders(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The choices of the encoder menu."""
    return {"models": encoder_choices(library, library.collection(fields.get("collection")))}


def switch_encoder(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Let another generation of the collection serve."""
    opened = library.collection(fields.get("collection"))
    switch(library, opened, str(fields.get("name")))
    return {"key": opened.key}


def page_state(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows of a collection that does not depend on a query."""
    try:
        opened = library.collection(fields.get("collection"))
        collection = opened.collection
    except UserError as error:
        return {"error": str(error), "collections": [{"key": s.key, "name": s.name} for s in library.collections()]}
    images = len(collection) if collection is not None else 0
    encoder = library.encoder_state(opened)
    job = opened.job
    wrong = encoder["error"] or (job.error if job is not None else "")
    if not wrong and collection is not None and encoder["state"] == "ready":
        try:
            collection.check_encoder(library.encoder(opened))
        except UserError as mismatch:
            wrong = str(mismatch)
    return {
        "error": wrong,
        "collections": [{"key": s.key, "name": s.name} for s in library.collections()],
        "collection": opened.key,
        "name": opened.name,
        "searchable": images,
        "local": library.local,
        "originals": library.originals,
        "desktop": library.desktop,
        "offersIndexing": library.local and library.only_demo,
        "revision": collection.revision if collection is not None else 0,
        "thumbnails": collection.thumbnails if collection is not None else "",
        "annotations": annotations_version(opened.path),
        "failed": collection.manifest.failed if collection is not None else 0,
        "passedOver": passed_over(collection) if collection is not None else 0,
        "offline": int(collection.offline.sum()) if collection is not None else 0,
        "account": account_of(collection) if collection is not None else "",
        "columns": collection.columns if images and collection is not None else [],
        "encoder": encoder,
        "offer": first_offer(library, opened, images),
        "job": job.as_dict() if job is not None else None,
        "jobs": job_list(library),
        "chips": opened.suggested(library.encoder(opened) if encoder["state"] == "ready" else None),
    }
