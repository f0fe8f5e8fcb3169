"""ASGI middleware that sets the language of each request of the page; the REST API stays English."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.language.current import speaking
from app.language.preference import preferred

API = "/api/"


class Languages:
    """fixed: the language of --language, whatever the browser asks for."""

    def __init__(self, app: ASGIApp, fixed: str | None):
        self.app, self.fixed = app, fixed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(API):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        cookies, accepted = headers.get("cookie", ""), headers.get("accept-language", "")
        with speaking(self.fixed or preferred(cookies, accepted)):
            await self.app(scope, receive, send)
