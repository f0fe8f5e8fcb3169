"""What the encoder menu and the landing offer for a collection: encoders that are here, and the recommended one."""

from typing import Any

from app.state.library import Library
from app.state.model_list import STARTER, list_models
from app.state.open_collection import OpenCollection


def encoder_choices(library: Library, opened: OpenCollection) -> list[dict[str, Any]]:
    """The serving encoder, those that the collection or this machine has, and the recommended model.

    state: serving, ready to be switched to, here (on this machine), or absent.
    """
    choices = []
    for entry in list_models(library, opened).models:
        generation = entry.generation
        state: str = generation.state if generation is not None and generation.state != "partial" else "absent"
        if state == "absent" and entry.state == "ready":
            state = "here"
        if state == "absent" and not entry.recommended:
            continue
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
    """The recommended model with its size and time, while nobody has chosen one; None as long as it is not known.

    Nothing waits for the network, and nothing is fetched.
    """
    if not (library.local and images and opened.encoder_name == STARTER and not opened.busy):
        return None
    facts = library.model_facts
    if not facts.online(again=False):
        return None
    best = facts.recommended(images)
    duration = facts.durations([best.name], images).get(best.name) if best is not None else None
    if best is None or duration is None:
        return None
    return {"name": best.name, "bytes": best.download_bytes, "seconds": duration.seconds, "images": images}
