"""Models: choose an encoder, fetch it, embed the collection with it, switch, compare, go back."""

from collections.abc import Mapping
from typing import Any

from app.language.current import _
from app.state import generations as work
from app.state import models
from app.state.library import Library
from app.state.model_list import as_dict, list_models
from app.ui.component import tab_component
from training.evaluation.runs import list_runs
from training.models.errors import UserError

RUNS = 20  # offered in the form


def models_tab(library: Library) -> None:
    """Lay out the tab: one component, whose script calls these functions."""
    tab_component(library, "models", overview=overview, act=act)


def overview(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The models for the collection that the page looks at, and what is done with them now."""
    opened = library.collection(str(fields.get("collection") or ""))
    found = list_models(library, opened)
    job = found.reencoding
    return {
        "local": library.local,
        "online": found.online,
        "absence": library.model_facts.absence if library.local and found.online is False else "",
        "key": opened.key,
        "name": opened.name,
        "images": found.images,
        "encoder": found.encoder,
        "previous": found.previous,
        "models": [as_dict(entry, library.local) for entry in found.models],
        "job": job.as_dict() | {"encoder": job.fields[0]} if job is not None else None,
        "runs": [str(library.runs / run.name) for run in list_runs(library.runs)[:RUNS]],
    }


def act(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """One of: get, pause, cancel, remove (a model by name); reencode, stop, switch, back, compare, delete.

    With all of the zoo: reencode-zoo, compare-zoo.
    """
    action, name = str(fields.get("action")), str(fields.get("name") or "").strip()
    opened = library.collection(str(fields.get("collection") or ""))
    if action in ("get", "reencode", "pause", "cancel", "remove", "switch", "compare", "delete") and not name:
        raise UserError(
            _("Name a model: one of the list, ARCHITECTURE/FILE, hf-hub:ORGANISATION/REPOSITORY, or a run.")
        )
    if action == "get":
        return {"job": models.get_model(library, name, bool(fields.get("licence")), opened).id}
    if action == "reencode":
        return {"job": work.reencode(library, opened, name).id}
    if action == "compare":
        return {"a": opened.key, "b": work.compare(library, opened, name).key}
    if action == "reencode-zoo":
        return {"job": work.reencode_zoo(library, opened).id}
    if action == "compare-zoo":
        return {"a": opened.key, "b": work.compare_zoo(library, opened).key}
    if action == "stop":
        work.stop_reencoding(library, opened)
    elif action == "pause":
        models.pause(library, name)
    elif action == "cancel":
        models.cancel(library, name)
    elif action == "remove":
        models.remove(library, name)
    elif action == "switch":
        work.switch(library, opened, name)
    elif action == "back":
        work.back(library, opened)
    elif action == "delete":
        work.delete(library, opened, name)
    else:
        raise UserError(_("There is nothing called {action} to do with a model.", action=repr(action)))
    return {"key": opened.key}
