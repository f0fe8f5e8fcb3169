"""The encoders of the open collections: what is known of each, and how fast it is here."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.language.current import _
from app.state.images import thumbnail_of
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.same_images import encoder_label, is_run
from index.collection import Collection
from training.evaluation.latency import milliseconds_per_image
from training.evaluation.runs import Run, list_runs, read_run
from training.models.errors import UserError
from training.models.zoo import zoo_model

SAMPLES = 12  # images of a collection that are offered as queries
TIMED = 8  # images in a batch, to say how long one takes


def comparable_collections(library: Library) -> dict[str, Any]:
    """Every collection with what is known of its encoder."""
    runs = {str(library.runs / run.name): run for run in list_runs(library.runs)}
    return {"collections": [_facts(library, opened, runs) for opened in library.comparable()]}


def _facts(library: Library, opened: OpenCollection, runs: Mapping[str, Run]) -> dict[str, Any]:
    state, collection = library.encoder_state(opened), None
    with suppress(UserError):  # a damaged one has a row without images; its own page says what is wrong
        collection = opened.collection
    run, of_zoo = runs.get(opened.encoder_name.rstrip("/")), zoo_model(opened.encoder_name)
    if run is None and is_run(opened.encoder_name):
        run = read_run(Path(opened.encoder_name))
    if of_zoo is not None:
        run = read_run(of_zoo.folder)
    facts = {
        "key": opened.key,
        "name": opened.name,
        "images": len(collection) if collection is not None else 0,
        "encoder": encoder_label(opened),
        "state": state["state"],
        "error": state["error"],
        "readsText": state["readsText"],
        "dim": state.get("dim"),
        "runtime": state.get("runtime", ""),
        "precision": state.get("precision", ""),
        "parameters": None,
        "size": None,
        "figures": run.figures if run else {},
        "samples": _samples(collection) if collection is not None else [],
    }
    if state["state"] == "ready":
        encoder = library.encoder(opened)
        facts["size"] = encoder.image_size
        facts["parameters"] = (run.parameters if run else None) or encoder.parameters
    return facts


def _samples(collection: Collection) -> list[dict[str, str]]:
    """A few images from all over a collection, to search with."""
    ids = collection.column("id")
    return [{"id": ids.iat[row], "name": collection.display_name(row)} for row in collection.spread_rows(SAMPLES)]


class Speeds:
    """How long an encoder takes for an image here: measured once, on images of its own collection."""

    def __init__(self) -> None:
        self._measured: dict[str, float] = {}  # by fingerprint
        self._lock = threading.Lock()  # one at a time: together they would slow each other down

    def measure(self, library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Milliseconds an image of the encoder of the collection fields["key"]."""
        opened = library.collection(fields.get("key"))
        encoder, collection = library.encoder(opened), opened.published()
        with self._lock:
            if encoder.fingerprint not in self._measured:
                ids = [str(id) for id in collection.column("id").head(TIMED)]
                images = [thumbnail_of(opened, id) for id in ids if collection.thumbnail(id) is not None]
                if not images:
                    raise UserError(_("There is no image to measure with."))
                self._measured[encoder.fingerprint] = milliseconds_per_image(encoder, images)
            return {"milliseconds": self._measured[encoder.fingerprint], "images": TIMED}
