"""Slow requests: how long a connection may take to say what it wants, and how many there may be."""

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_PATIENCE = 15.0  # seconds until a request's head is there; uvicorn itself would wait for ever
MOST_CONNECTIONS = 512  # of all visitors together; more are told to come back


def settings(server: ASGIApp, **more: Any) -> uvicorn.Config:
    """How the server is served: one connection cannot hold it, nor many."""
    return uvicorn.Config(
        server, http=Patient, limit_concurrency=MOST_CONNECTIONS, server_header=False, ws="none", **more
    )


class Patient(H11Protocol):
    """Ends a connection on which a request has begun, or none has, and whose head does not arrive in time."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._idle():
            self._wait()
        else:
            self._wait_no_more()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_PATIENCE, self._give_up)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if self._idle() and not self.transport.is_closing():
            self.transport.close()
