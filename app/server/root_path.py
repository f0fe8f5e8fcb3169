"""A proxy that serves the page below a path: requests may come with the path or without it, and answers name it."""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from training.models.errors import UserError

PATH = re.compile(r"(/[\w.~-]+)+", re.ASCII)


def root_path_of(text: str) -> str:
    """--root-path as it is used: empty, or /photos without a slash at its end. UserError if it is no path."""
    path = "/" + text.strip("/") if text.strip("/") else ""
    if path and (not PATH.fullmatch(path) or {".", ".."} & set(path.split("/"))):
        raise UserError(f"--root-path {text} is no path of an address; it looks like /photos.")
    return path


class RootPath:
    """ASGI middleware around everything: the application knows nothing of the path that the proxy has put before it.

    path: such as /photos; empty for none. It is taken off requests that have it, and put before the addresses of
    redirects and into the paths of cookies. The page's own addresses are relative.
    """

    def __init__(self, app: ASGIApp, path: str):
        self.app, self.path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.path or scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        if scope["path"] == self.path and scope["method"] in ("GET", "HEAD"):  # relative addresses need the slash
            query = scope["query_string"].decode("latin-1")
            redirect = RedirectResponse(f"{self.path}/{'?' if query else ''}{query}", 308)
            await redirect(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._prefix(MutableHeaders(scope=message), host)
            await send(message)

        await self.app(self._without_path(scope), receive, sending)

    def _without_path(self, scope: Scope) -> Scope:
        """scope of a request as it would be without the proxy."""
        if not scope["path"].startswith(f"{self.path}/"):
            return scope
        without = {**scope, "path": scope["path"][len(self.path) :]}
        raw, prefix = scope.get("raw_path"), self.path.encode()
        if raw is not None and raw.startswith(prefix):  # the characters of the path are never escaped
            without["raw_path"] = raw[len(prefix) :]
        return without

    def _prefix(self, headers: MutableHeaders, host: str) -> None:
        location = headers.get("location")
        if location is not None:
            parts = urlsplit(location)
            ours = parts.netloc.lower() in ("", host.lower()) and parts.path.startswith("/")
            if ours and not f"{parts.path}/".startswith(f"{self.path}/"):
                headers["location"] = parts._replace(path=self.path + parts.path).geturl()
        cookies = headers.getlist("set-cookie")
        if cookies:
            del headers["set-cookie"]
            for cookie in cookies:
                headers.append("set-cookie", re.sub(r"(?i)(; ?path=)/(?=;|$)", rf"\g<1>{self.path}/", cookie))
