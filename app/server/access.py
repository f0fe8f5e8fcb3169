"""One guard around everything that the server answers: who may use it, from where, and how much."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.authentication import Authentication
from app.server.content_policy import policy
from app.server.health import OPEN
from app.server.limits import limited
from app.server.origins import Hosts, same_origin

CLOSED = ("/gradio_api/upload", "/gradio_api/file", "/gradio_api/proxy", "/gradio_api/stream", "/proxy=")

HEADERS = {
    "content-security-policy": policy(),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """ASGI middleware that refuses what hosts, authentication or the limits of a body refuse."""

    def __init__(self, app: ASGIApp, hosts: Hosts, authentication: Authentication | None = None):
        self.app, self.hosts, self.authentication = app, hosts, authentication or Authentication()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            send = _with_headers(send)
            refusal = await self._refuse(scope, Headers(scope=scope))
            if refusal is not None:
                await refusal(scope, receive, send)
            else:
                await limited(self.app, scope, receive, send)
        else:  # websockets: the page has none
            await send({"type": "websocket.close", "code": 1008})

    async def _refuse(self, scope: Scope, headers: Headers) -> Response | None:
        """The response to a request that is refused, or None."""
        if not self.hosts.accept(headers.get("host", "")):
            return PlainTextResponse("This server does not answer to that name.", 421)
        if scope["path"] in OPEN and scope["method"] == "GET":
            return None
        refusal = await self.authentication.refuse(scope, headers)
        if refusal is not None:
            return refusal
        if scope["path"].startswith(CLOSED):
            return PlainTextResponse("Not found", 404)
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and not same_origin(headers):
            return PlainTextResponse("This request came from another site.", 403)
        return None


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            cache = headers.get("cache-control", "no-cache")
            directives = [d.strip() for d in cache.split(",") if d.strip() not in ("public", "private")]
            headers["cache-control"] = ", ".join(["private", *directives])
        await send(message)

    return sending
