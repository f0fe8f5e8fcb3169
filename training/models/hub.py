"""The model hub's client: which of its files are on this machine, and using it with and without the network."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from training.models.errors import UserError
from training.models.hub_contact import absence

T = TypeVar("T")
_switching = threading.Lock()
_offline = {"blocks": 0, "before": 0}  # threads within offline(), and how the client was set before


def has_token() -> bool:
    """Whether requests carry a token: HF_TOKEN, or one that `hf auth login` stored."""
    from huggingface_hub import get_token

    return get_token() is not None


def check_token() -> None:
    """UserError for a token that no header can carry: the client's own error would show it."""
    from huggingface_hub import get_token

    token = get_token() or ""
    if not (token.isascii() and token.isprintable()):
        raise UserError(
            "The token in HF_TOKEN, or that of `hf auth login`, has characters that no token has; copy it again."
        )


def reachable() -> bool:
    """Whether a hub answers; see absence."""
    return not absence()


def cached_file(repository: str, *files: str) -> Path | None:
    """The first of the files of a hub repository that this machine holds, or None."""
    from huggingface_hub import try_to_load_from_cache

    found = (try_to_load_from_cache(repository, file) for file in files)
    return next((Path(path) for path in found if isinstance(path, str)), None)


@contextmanager
def offline() -> Iterator[None]:
    """Within, the hub's client looks only at this machine and never waits for the network."""
    from huggingface_hub import constants

    with _switching:  # threads overlap: the last to leave switches back
        _offline["blocks"] += 1
        if _offline["blocks"] == 1:
            _offline["before"] = constants.HF_HUB_OFFLINE
            constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        with _switching:
            _offline["blocks"] -= 1
            if not _offline["blocks"]:
                constants.HF_HUB_OFFLINE = bool(_offline["before"])


def made_with(make: Callable[[], T]) -> T:
    """make(), which may need files of the hub: from what this machine holds, else from the hub if it is there.

    What make raises for files that it cannot have, within seconds.
    """
    try:
        with offline():
            return make()
    except (OSError, RuntimeError, ValueError):
        if not reachable():
            raise
    return make()
