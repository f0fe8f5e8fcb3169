"""Every request is counted, timed and logged by the pattern of its address."""

import re
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.metrics import Metrics
from app.server.request_log import log_request, request_id

ID = re.compile(r"[\w.-]{1,64}", re.ASCII)  # of a request, as a proxy may send it
OTHER = "other"  # the route of what no route answers, or what was refused before
CUT = 499  # the status of a request whose client went away before there was one, as nginx counts it


class Observed:
    """ASGI middleware around everything. A request's id is that of X-Request-ID, or a new one; the answer has it."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        id = given if ID.fullmatch(given) else secrets.token_hex(8)
        seen = scope["gelato.seen"] = {"route": OTHER}  # middlewares copy the scope, so what is inside fills this in
        status = CUT

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = id
            await send(message)

        token, begun = request_id.set(id), time.perf_counter()
        try:
            with self.metrics.running.track_inprogress():
                await self.app(scope, receive, sending)
        finally:
            request_id.reset(token)
            seconds = time.perf_counter() - begun
            self.metrics.count(scope["method"], seen["route"], status, seconds)
            log_request(id, scope["method"], seen["route"], status, seconds)


class Routed:
    """ASGI middleware next to the routes: tells Observed which of them answered."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            path = getattr(scope.get("route"), "path", "")
            if path and "gelato.seen" in scope:
                scope["gelato.seen"]["route"] = path
