"""What the encoder menu and the landing offer for a collection: encoders that are here, and the recommended one."""

from typing import Any

from app.state.library import Library
from app.state.model_list import STARTER, list_models
from app.state.open_collection import OpenCollection
from training.models.encoders import RENAMED


def encoder_choices(library: Library, opened: OpenCollection) -> list[dict[str, Any]]:
    """The serving encoder, those that the collection or this machine has, and the recommended model.

    state: serving, ready to be switched to, here (on this machine), or absent.
    """
    choices, found = [], list_models(library, opened)
    for entry in found.models:
        generation = entry.generation
        state: str = generation.state if generation is not None and generation.state != "partial" else "absent"
        if state == "absent" and entry.state == "ready":
            state = "here"
        if state == "absent" and not (entry.recommended and found.online is not False):
            continue
        if state == "here" and entry.zoo is not None:
            continue  # the zoo is for comparing: ten lines of the menu that would answer a search worse
        choices.append(
            {
                "name": entry.name,
                "state": state,
                "fingerprint": generation.fingerprint if generation is not None else "",
                "bytes": entry.model.download_bytes if entry.model is not None else None,
                "recommended": entry.recommended,
            }
        )
    return sorted(choices, key=lambda choice: ("serving", "ready", "here", "absent").index(choice["state"]))


def first_offer(library: Library, opened: OpenCollection, images: int) -> dict[str, Any] | None:
    """What would answer better than the serving encoder, with its size and time; None as long as that is not known.

    For a collection by earlier weights of the default, which replaces names, it is the default; for one by the default,
    the recommended model, since nobody has chosen one. Nothing waits for the network, and nothing is fetched.
    """
    if not (library.local and images and not opened.busy):
        return None
    facts, replaces = library.model_facts, ""
    if opened.encoder_name in RENAMED.values():
        name, size, replaces = STARTER, 0, opened.encoder_name
    elif opened.encoder_name == STARTER and facts.online(again=False):
        best = facts.recommended(images)
        if best is None:
            return None
        name, size = best.name, best.download_bytes
    else:
        return None
    duration = facts.durations([name], images).get(name)
    if duration is None:
        return None
    return {"name": name, "replaces": replaces, "bytes": size, "seconds": duration.seconds, "images": images}
