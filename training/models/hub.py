"""The model hub: whether it can be reached, and which of its files are on this machine."""

import os
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
_switching = threading.Lock()
_offline = {"blocks": 0, "before": 0}  # threads within offline(), and how the client was set before
CONNECT_TIMEOUT = 1.5  # seconds for a connection; a hub that takes longer is as good as away


def endpoint() -> str:
    """The hub's address, or that of the mirror in HF_ENDPOINT."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def is_forbidden() -> bool:
    """Whether HF_HUB_OFFLINE says not to ask the hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def has_token() -> bool:
    """Whether requests carry a token: HF_TOKEN, or one that `hf auth login` stored."""
    from huggingface_hub import get_token

    return get_token() is not None


def use_certificates() -> None:
    """Let the hub's client trust the certificates of REQUESTS_CA_BUNDLE, which it does not read itself."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if bundle and not os.environ.get("SSL_CERT_FILE") and not os.environ.get("SSL_CERT_DIR"):
        os.environ["SSL_CERT_DIR" if os.path.isdir(bundle) else "SSL_CERT_FILE"] = bundle


def reachable() -> bool:
    """Whether the hub, or the proxy on the way to it, takes a connection within CONNECT_TIMEOUT seconds.

    The hub's own client retries an unreachable host for the better part of a minute; this asks first.
    """
    if is_forbidden():
        return False
    to = urlsplit(endpoint())
    proxies = urllib.request.getproxies()
    proxy = proxies.get(to.scheme) or proxies.get("all")
    if proxy and not urllib.request.proxy_bypass(to.hostname or ""):
        to = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
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
