"""The server while it runs, and how it ends: responses that are being sent have a moment, streams are cut."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from app.server.timeouts import server_config

GRACE = 2  # seconds for responses that are being sent; the page's stream of events never ends by itself


class Server:
    """Serves an application on a socket until `stop`; over TLS with a certificate."""

    def __init__(
        self, application: ASGIApp, listening: socket.socket, certificate: Path | None = None, key: Path | None = None
    ):
        tls = {"ssl_certfile": certificate, "ssl_keyfile": key}
        self._server = _Quiet(server_config(application, "warning", GRACE, **tls))
        self._listening = listening
        self._ended = threading.Event()
        self._ended.set()

    def run(self) -> None:
        """Serve until `stop` is called, from any thread."""
        self._ended.clear()
        try:
            self._server.run(sockets=[self._listening])
        finally:
            self._ended.set()

    def stop(self) -> None:
        """Take no more requests, and return once those that run are answered or cut."""
        # What uvicorn says of each request that it cuts is no fault.
        for name in ("uvicorn.error", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._server.should_exit = True
        self._ended.wait(GRACE + 2)


class _Quiet(uvicorn.Server):
    """A server that leaves the signals to app/stopping.py."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
