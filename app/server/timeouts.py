"""Slow clients: how long a connection may take to send the head of a request, and how many there may be."""

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_TIMEOUT = 15.0  # seconds until the head of a request is there; uvicorn itself would wait for ever
MOST_CONNECTIONS = 512  # of all clients together; further ones get 503


def server_config(server: ASGIApp, log_level: str, timeout_graceful_shutdown: int, **more: Any) -> uvicorn.Config:
    """How the server is run: neither one connection nor many can block it.

    timeout_graceful_shutdown: in seconds. more: settings of uvicorn.
    """
    return uvicorn.Config(
        server,
        http=SlowClientProtocol,
        limit_concurrency=MOST_CONNECTIONS,
        server_header=False,
        ws="none",
        log_level=log_level,
        timeout_graceful_shutdown=timeout_graceful_shutdown,
        log_config=None,  # its messages go where ours go
        access_log=False,  # app/server/observed.py has one
        **more,
    )


class SlowClientProtocol(H11Protocol):
    """Closes a connection on which the head of the next request does not arrive in time."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._awaits_head():
            self._start_timer()
        else:
            self._stop_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _awaits_head(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_TIMEOUT, self._close_if_late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close_if_late(self) -> None:
        self._timer = None
        if self._awaits_head() and not self.transport.is_closing():
            self.transport.close()
