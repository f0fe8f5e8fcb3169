"""How large the body of a request may be, and how long it may take to arrive."""

import asyncio
import time
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.state.uploads import LARGEST as LARGEST_IMAGE

UPLOADS = ("/images", "/api/v1/images", "/api/v1/classify/image")  # addresses that take a large body
MODEL_FILES = "/models/files/"  # where files of models are put, by a page of this computer
LARGEST_MODEL = 16 * 2**30  # bytes
LARGEST_BODY = 2**20  # bytes, at any other address
IDLE_TIMEOUT = 20.0  # seconds without a byte of a body that was announced
BODY_TIMEOUT = 300.0  # seconds until the whole body is there


async def limited(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Call app, unless the body of the request is too large or arrives too slowly: then 413 or 408."""
    limit = LARGEST_IMAGE if scope["path"] in UPLOADS else LARGEST_BODY
    if scope["path"].startswith(MODEL_FILES) and scope["method"] == "PUT":
        limit = LARGEST_MODEL
    length = Headers(scope=scope).get("content-length", "0")
    if not length.isdigit() or int(length) > limit:
        await _too_large(limit)(scope, receive, send)
    else:
        await _Body(app, scope, receive, send, limit).handle()


class _Refused(Exception):
    """Ends the app's reading of a body that is refused."""


class _Body:
    """One request, whose body is counted as it arrives: it may come without a Content-Length."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, limit: int):
        self.app, self.scope, self.receive, self.send, self.limit = app, scope, receive, send, limit
        self.size, self.complete, self.responding = 0, False, False
        self.deadline = time.monotonic() + BODY_TIMEOUT
        self.refusal: PlainTextResponse | None = None

    async def handle(self) -> None:
        with suppress(_Refused):
            await self.app(self.scope, self._receive, self._send)
        if self.refusal is not None and not self.responding:
            await self.refusal(self.scope, self.receive, self.send)

    async def _receive(self) -> Message:
        if self.complete:  # what follows is the end of the connection, which may take long
            return await self.receive()
        try:
            timeout = min(IDLE_TIMEOUT, self.deadline - time.monotonic())
            message = await asyncio.wait_for(self.receive(), timeout)
        except TimeoutError as error:
            self.refusal = PlainTextResponse("The request did not arrive in time.", 408, {"connection": "close"})
            raise _Refused from error
        self.size += len(message.get("body", b""))
        self.complete = not message.get("more_body", False)
        if self.size > self.limit:
            self.refusal = _too_large(self.limit)
            raise _Refused
        return message

    async def _send(self, message: Message) -> None:
        if self.refusal is None or self.responding:  # FastAPI turns our exception into a response of its own
            self.responding = True
            await self.send(message)


def _too_large(limit: int) -> PlainTextResponse:
    return PlainTextResponse(f"That is too large; the most is {limit // 2**20} MB.", 413, {"connection": "close"})
