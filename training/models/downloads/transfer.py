"""One file of the hub: looked up, fetched by ranges into a partial file, checked, moved into the hub's cache.

The hub's own client deletes what it has of a file when its process ends (huggingface_hub 2.4), and retries an
unreachable host for most of a minute. So its session, headers, errors and cache are used here, and its loop is not.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from training.models import hub
from training.models.atomic import replace_file
from training.models.downloads.hub_cache import blob_path, checksum, partial_path, repository_folder
from training.models.downloads.sentences import KEPT, Stopped, sentence
from training.models.errors import UserError
from training.models.hub_contact import endpoint, is_forbidden, shown

if TYPE_CHECKING:
    from httpx2 import Response

T = TypeVar("T")

PLAIN = re.compile(r"\w[\w.-]*", re.ASCII)  # no separators, and nothing that leads upwards

CONNECT_SECONDS = 2.5  # for a connection, and
READ_SECONDS = 15.0  # for the next byte: a hub that is slow is not away
TRIES = 5  # without a new byte in between; then the user is told
LONGEST_WAIT = 900.0  # seconds; a hub that asks for more is not waited for
BUSY = (408, 429, 500, 502, 503, 504)  # what may be over in a moment


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository at a commit. etag: its checksum, as the hub says it. size in bytes, None if unknown."""

    repository: str
    path: str
    commit: str
    etag: str
    size: int | None


class Watcher:
    """What a transfer reports to, and asks whether it should stop."""

    def __init__(self, on_bytes: Callable[[int], None], on_note: Callable[[str], None], stop: Event):
        self.on_bytes, self.on_note, self.stop = on_bytes, on_note, stop

    def check(self) -> None:
        """Stopped if the user has asked for it."""
        if self.stop.is_set():
            raise Stopped(f"Stopped; {KEPT}.")

    def wait(self, seconds: float, why: str) -> None:
        """Sleep, saying why, unless the user stops it."""
        self.on_note(f"{why}; trying again in {seconds:.0f} s")
        self.stop.wait(seconds)
        self.check()
        self.on_note("")


def look_up(repository: str, names: tuple[str, ...], revision: str, watcher: Watcher) -> RemoteFile | None:
    """The first of the files called names that a repository has, None without one. UserError if that cannot be seen."""
    for name in names:
        found = _patiently(partial(_head, repository, name, revision), repository, watcher)
        if found is not None:
            return found
    return None


def _head(repository: str, path: str, revision: str) -> RemoteFile | None:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, RemoteEntryNotFoundError, RepositoryNotFoundError

    url = hf_hub_url(repository, path, revision=revision, endpoint=endpoint())
    try:
        found = get_hf_file_metadata(url, timeout=READ_SECONDS, endpoint=endpoint())
    except RemoteEntryNotFoundError:
        return None
    except RepositoryNotFoundError:
        raise
    except HfHubHTTPError as error:
        if error.response.status_code == 404:  # of mirrors, which do not say what there is not
            return None
        raise
    # Both become names in the cache, and a mirror may send anything.
    if not all(value and PLAIN.fullmatch(value) for value in (found.etag, found.commit_hash)):
        raise UserError(
            f"{shown()} does not answer as a model hub does (no checksum for {path}); check HF_ENDPOINT "
            f"and whether a proxy or a login page of the network stands in between."
        )
    assert found.etag and found.commit_hash
    return RemoteFile(repository, path, found.commit_hash, found.etag, found.size)


def fetch(file: RemoteFile, watcher: Watcher) -> Path:
    """The file's blob in the hub's cache: what is missing of it is fetched. UserError if that fails; see sentences."""
    blob, part = blob_path(file.repository, file.etag), partial_path(file.repository, file.etag)
    blob.parent.mkdir(parents=True, exist_ok=True)
    with _locked(file):
        if not blob.is_file():
            if file.size is None or not part.is_file() or part.stat().st_size != file.size:
                _patiently(partial(_stream, file, part, watcher), file.repository, watcher, part)
            _check(file, part, watcher)
            replace_file(part, blob)
    watcher.on_bytes(blob.stat().st_size)
    return blob


def _stream(file: RemoteFile, part: Path, watcher: Watcher) -> None:
    """Append what is missing of a file to its partial file."""
    from httpx2 import Timeout
    from huggingface_hub import get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

    have = part.stat().st_size if part.is_file() else 0
    url = hf_hub_url(file.repository, file.path, revision=file.commit, endpoint=endpoint())
    headers = build_hf_headers() | {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    timeout = Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    with get_session().stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        if response.status_code == 416:  # there is no more of it
            return
        hf_raise_for_status(response)
        if have and not _goes_on_at(response, have):
            have = 0  # ranges are not served: from the beginning
        with part.open("ab" if have else "wb") as out:
            try:
                for chunk in response.iter_bytes():
                    out.write(chunk)
                    have += len(chunk)
                    watcher.on_bytes(have)
                    watcher.check()
            finally:
                out.flush()
                os.fsync(out.fileno())
    if file.size is not None and have < file.size:
        raise ConnectionError(f"it ended after {have:,} of {file.size:,} bytes")


def _goes_on_at(response: "Response", start: int) -> bool:
    return response.status_code == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _check(file: RemoteFile, part: Path, watcher: Watcher) -> None:
    """UserError, and the file is deleted, if its content is not what the hub says it is."""
    watcher.on_note("checking")
    found = checksum(part, file.etag)
    size = part.stat().st_size
    if (found is not None and found != file.etag) or (file.size is not None and size != file.size):
        part.unlink()
        raise UserError(
            f"{file.path} of {file.repository} came damaged (its checksum is not the hub's) and was deleted; "
            f"try again, and if that repeats, without the mirror in HF_ENDPOINT or the proxy."
        )
    watcher.on_note("")


def _patiently(act: Callable[[], T], repository: str, watcher: Watcher, part: Path | None = None) -> T:
    """act(), tried again after what may pass: lost connections, a busy hub. UserError with a sentence for the rest."""
    from httpx2 import TransportError
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    tries, have = 0, -1
    while True:
        watcher.check()
        now = part.stat().st_size if part and part.is_file() else 0
        tries, have = (1, now) if now > have else (tries + 1, have)
        try:
            return act()
        except HfHubHTTPError as error:
            wait = _wait_of(error.response, tries)
            if error.response.status_code not in BUSY or tries >= TRIES or wait > LONGEST_WAIT:
                raise UserError(sentence(error, repository)) from error
            watcher.wait(wait, f"the hub is busy ({error.response.status_code})")
        except OfflineModeIsEnabled as error:  # a model is being loaded in another thread, which must not ask the hub
            if is_forbidden():
                raise UserError(sentence(error, repository)) from error
            tries = 0
            watcher.stop.wait(0.5)
        except (TransportError, ConnectionError) as error:
            if tries >= TRIES or _is_lasting(error) or not hub.reachable():
                raise UserError(sentence(error, repository)) from error
            watcher.wait(min(0.5 * 2 ** (tries - 1), 8.0), "the connection was lost")
        except OSError as error:
            raise UserError(sentence(error, repository)) from error


def _wait_of(response: "Response", tries: int) -> float:
    """Seconds to wait: what the hub asks for, else longer each time."""
    from huggingface_hub.utils import parse_ratelimit_headers

    limit = parse_ratelimit_headers(response.headers)
    if limit is not None and limit.remaining == 0:
        return limit.reset_in_seconds + 1.0
    asked = response.headers.get("Retry-After", "").strip()
    return float(asked) if asked.isdigit() else float(2 ** (tries - 1))


def _is_lasting(error: Exception) -> bool:
    """Whether trying again is in vain: certificates and proxies do not change in a moment."""
    return type(error).__name__ in ("ProxyError", "UnsupportedProtocol") or "certificate" in str(error).lower()


@contextmanager
def _locked(file: RemoteFile) -> Iterator[None]:
    """The lock that the hub's client takes for the same blob. UserError if another process holds it."""
    from filelock import FileLock, Timeout
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE).expanduser() / ".locks" / repository_folder(file.repository).name
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{file.etag}.lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise UserError(f"Another process is fetching {file.repository} already; wait for it, or stop it.") from error
    try:
        yield
    finally:
        lock.release()
