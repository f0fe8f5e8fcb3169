"""The model hub: whether it can be reached, and which of its files are on this machine."""

import os
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
CONNECT_TIMEOUT = 1.5  # seconds for a connection; a hub that takes longer is as good as away


def reachable() -> bool:
    """Whether the hub, or the proxy on the way to it, takes a connection within CONNECT_TIMEOUT seconds.

    The hub's own client retries an unreachable host for the better part of a minute; this asks first.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return False
    endpoint = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    proxy = urllib.request.getproxies().get(endpoint.scheme)
    to = urlsplit(proxy if proxy and "://" in proxy else f"http://{proxy}") if proxy else endpoint
    answered: list[bool] = []

    def connect() -> None:
        try:
            port = to.port or (443 if to.scheme == "https" else 80)
            socket.create_connection((to.hostname or "", port), timeout=CONNECT_TIMEOUT).close()
            answered.append(True)
        except OSError:
            pass

    # Looking up a host's name has no time limit of its own, so the whole attempt gets one.
    attempt = threading.Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(CONNECT_TIMEOUT + 0.5)
    return bool(answered)


def cached(repository: str, *files: str) -> bool:
    """Whether this machine holds one of the files of a hub repository."""
    from huggingface_hub import try_to_load_from_cache

    return any(isinstance(try_to_load_from_cache(repository, file), str) for file in files)


@contextmanager
def offline() -> Iterator[None]:
    """Within, the hub's client looks only at this machine and never waits for the network."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


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
