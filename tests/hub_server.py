"""A server that speaks as the Hugging Face hub does, with faults on demand, and small checkpoints for it to serve."""

import hashlib
import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "c0ffee" + "0" * 34
LFS = (".safetensors", ".bin", ".model")  # stored apart from git, and served from another host

Fault = str | Callable[["Handler", bytes], None]


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]

    @property
    def range(self) -> str:
        return self.headers.get("range", "")


@dataclass
class Hub:
    """What is served, and what has been asked. repositories: name to path to content; aliases: old name to new."""

    repositories: dict[str, dict[str, bytes]]
    aliases: dict[str, str] = field(default_factory=dict)
    gated: dict[str, str] = field(default_factory=dict)  # repository to the token that may read it
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    requests: list[Request] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)  # what the storage holds
    ranges: bool = True
    root: str = ""  # the path of a mirror, below which it serves
    url: str = ""
    storage: str = ""

    def fault(self, path: str, kind: str, times: int = 1) -> None:
        """The next requests for the content of a file end in: drop, wrong, stall, 429:SECONDS, or a status like 503."""
        self.faults[path] += [kind] * times

    @contextmanager
    def secured(self, context: ssl.SSLContext) -> Iterator[None]:
        """Within, the hub speaks TLS."""
        server = Server(self)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HF_ENDPOINT", f"https://127.0.0.1:{server.server_port}")
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                server.server_close()
                thread.join()

    def asked(self, method: str, ending: str) -> list[Request]:
        return [request for request in self.requests if request.method == method and request.path.endswith(ending)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.respond()

    def do_GET(self) -> None:
        self.respond()

    def respond(self) -> None:
        hub, path = self.server.hub, unquote(urlsplit(self.path).path)
        hub.requests.append(Request(self.command, path, {k.lower(): v for k, v in self.headers.items()}))
        if path.startswith("/storage/"):
            return self.content(path.rpartition("/")[2], hub.stored[path.removeprefix("/storage/")])
        repository, _, rest = path.removeprefix(hub.root).strip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        if repository in hub.aliases:
            return self.empty(307, {"Location": f"/{hub.aliases[repository]}/resolve/{revision}/{file}"})
        if repository in hub.gated and self.headers.get("Authorization") != f"Bearer {hub.gated[repository]}":
            return self.empty(403 if "Authorization" in self.headers else 401, {"X-Error-Code": "GatedRepo"})
        if repository not in hub.repositories:
            return self.empty(401, {"X-Error-Code": "RepoNotFound"})
        if file not in hub.repositories[repository]:
            return self.empty(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        if revision not in ("main", COMMIT):
            return self.empty(404, {"X-Error-Code": "RevisionNotFound"})
        self.resolve(repository, file, hub.repositories[repository][file])

    def resolve(self, repository: str, file: str, content: bytes) -> None:
        """Small files at once; large ones by a redirect to the storage, whose answer to HEAD is this one's headers."""
        faults = self.server.hub.faults[f"HEAD {file}"] if self.command == "HEAD" else []
        if faults and (kind := faults.pop(0)):
            return self.refuse(kind)
        if not file.endswith(LFS):
            etag = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
            return self.content(file, content, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})
        place = f"{repository}/{file}"
        self.server.hub.stored[place] = content
        self.empty(
            302,
            {
                "Location": f"{self.server.hub.storage}/storage/{place}?signature=secret",
                "X-Linked-ETag": f'"{hashlib.sha256(content).hexdigest()}"',
                "X-Linked-Size": str(len(content)),
                "X-Repo-Commit": COMMIT,
            },
        )

    def content(self, file: str, content: bytes, headers: dict[str, str] | None = None) -> None:
        hub = self.server.hub
        start, status = 0, 200
        asked = self.headers.get("Range", "")
        if asked and hub.ranges:
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            status = 206 if start < len(content) else 416
        faults = hub.faults[file] if self.command == "GET" else []
        kind = faults.pop(0) if faults else ""
        if kind[:1].isdigit():
            return self.refuse(kind)
        sent = content[start:]
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if kind == "wrong":
            sent = bytes(byte ^ 1 for byte in sent)
        if kind in ("drop", "stall"):
            self.wfile.write(sent[: len(sent) * 2 // 5])
            self.wfile.flush()
            if kind == "stall":
                self.server.released.wait(20)
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if kind == "slow":
            for at in range(0, len(sent), max(1, len(sent) // 20)):
                self.wfile.write(sent[at : at + max(1, len(sent) // 20)])
                time.sleep(0.05)
            return
        self.wfile.write(sent)

    def refuse(self, kind: str) -> None:
        status, _, seconds = kind.partition(":")
        self.empty(int(status), {"Retry-After": seconds} if seconds else {})

    def empty(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in (headers | {"Content-Length": "0"}).items():
            self.send_header(key, value)
        self.end_headers()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: Hub):
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub, self.released = hub, threading.Event()

    def handle_error(self, *_: object) -> None:
        """A client that goes away is what is tested."""


@contextmanager
def imitated_hub(repositories: dict[str, dict[str, bytes]], cache: Path, **settings: object) -> Iterator[Hub]:
    """A hub and its storage, two hosts of this machine, which this process takes for the Hugging Face hub.

    cache: an empty folder, for the hub's cache and Gelato's.
    """
    from huggingface_hub import close_session, constants

    hub = Hub(repositories, **settings)  # type: ignore[arg-type]
    servers = [Server(hub), Server(hub)]
    hub.url, hub.storage = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, args=(0.02,)) for server in servers]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setenv("GELATO_CACHE", str(cache / "gelato"))
        patch.setattr(constants, "HF_HUB_CACHE", str(cache / "hub"))
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        patch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))
        for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
            patch.delenv(name, raising=False)
        for thread in threads:
            thread.start()
        try:
            yield hub
        finally:
            for server in servers:
                server.released.set()
                server.shutdown()
                server.server_close()
            for thread in threads:
                thread.join()
            close_session()
