"""The Content-Security-Policy: which scripts the page may run, and from where anything may be loaded.

No script of ours is inline. What remains of Gradio's needs two allowances:

- a hash for each inline script of its page. One of them holds the page's configuration, which differs between
  requests, so the hashes are computed from the page that is sent;
- 'unsafe-eval', since Gradio compiles html_template, js_on_load and the js of events with `new Function`.

Its components set style attributes, so styles may be inline.
"""

import base64
import hashlib
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.language.current import language
from app.ui.assets import BASE, CATALOGUES, PAGE
from app.ui.language.widgets import localise

HEADER = "content-security-policy"
PAGES = ("/",)  # what has inline scripts
INLINE = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


def policy(hashes: tuple[str, ...] = ()) -> str:
    """The header's value. hashes: of the inline scripts that may run, such as 'sha256-...' without the quotes."""
    allowed = "".join(f" '{of_script}'" for of_script in hashes)
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' 'unsafe-eval'{allowed}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def script_hashes(page: str) -> tuple[str, ...]:
    """The hash of each inline script of an HTML page, as a policy names it."""
    digests = (hashlib.sha256(script.encode()).digest() for script in INLINE.findall(page.replace("\r\n", "\n")))
    return tuple(f"sha256-{base64.b64encode(digest).decode()}" for digest in digests)


class PagePolicy:
    """ASGI middleware around everything else: pages in the current language, with a policy for their inline scripts.

    fixed_language: the command line chose it, so that the page offers no other.
    """

    def __init__(self, app: ASGIApp, fixed_language: bool = False):
        self.app, self.fixed_language = app, fixed_language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] not in PAGES:
            await self.app(scope, receive, send)
            return
        start, body = await self._answer(scope, receive)
        headers = MutableHeaders(raw=list(start["headers"]))
        if headers.get("content-type", "").startswith("text/html"):
            spoken = language()
            preload = [f"{BASE}/{path}" for path in (PAGE, CATALOGUES.get(spoken)) if path]
            body = localise(body.decode(), spoken, self.fixed_language, preload).encode()
            headers[HEADER] = policy(script_hashes(body.decode()))
            headers["vary"] = "accept-language, cookie"
            headers["content-language"] = spoken
            headers["content-length"] = str(len(body))
        answer = Response(body, start["status"])
        answer.raw_headers = headers.raw
        await GZipMiddleware(answer)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """The start of the answer and its whole body, which is not compressed yet."""
        start: Message = {}
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        plain = [(name, value) for name, value in Headers(scope=scope).raw if name != b"accept-encoding"]
        await self.app({**scope, "headers": plain}, receive, collect)
        return start, b"".join(parts)
