"""One guard around everything that the server answers: who may ask, from where, and how much."""

import asyncio
import base64
import binascii
import hmac
import ipaddress
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.content_policy import policy
from training.models.errors import UserError

OPEN = "/healthz"  # the only address that answers without a password
UPLOADS = ("/images", "/api/v1/images", "/api/v1/classify/image")  # what takes a large body
COOKIE, COOKIE_AGE = "gelato", 30 * 86400  # seconds
LARGEST_IMAGE = 25 * 2**20  # bytes
LARGEST_BODY = 2**20  # bytes, anywhere else
BODY_PATIENCE = 20.0  # seconds without a byte of a body that was announced
BODY_WHOLE = 300.0  # seconds until all of it is there
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
    """ASGI middleware. hosts: names that the server may be called by, lower case.

    any_address: also accept literal IP addresses and this machine's own names, for a server that
    listens beyond this machine. users: name to password. token: a secret that programs send as
    `Authorization: Bearer`, and browsers once as ?token=, then as a cookie. With users or a token, nothing
    but GET /healthz answers without one of them.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: set[str],
        users: Mapping[str, str] | None = None,
        any_address: bool = False,
        token: str = "",
    ):
        self.app, self.hosts, self.any_address, self.token = app, hosts, any_address, token.encode()
        self.users = {name.encode(): password.encode() for name, password in (users or {}).items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, _with_headers(send))
        else:  # websockets: the page has none
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = self._refuse(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        limit = LARGEST_IMAGE if scope["path"] in UPLOADS else LARGEST_BODY
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > limit:
            await _too_large(limit)(scope, receive, send)
            return
        await self._bounded(scope, receive, send, limit)

    def _refuse(self, scope: Scope, headers: Headers) -> Response | None:
        """Why the request is not answered, or None if it is."""
        # A page elsewhere can point a name of its own at this machine; then the Host is that name.
        if not self._known_host(headers.get("host", "")):
            return PlainTextResponse("This server does not answer to that name.", 421)
        if scope["path"] == OPEN and scope["method"] == "GET":
            return None
        if self.users or self.token:
            if self.token and scope["method"] == "GET" and (answer := self._exchanged(scope)) is not None:
                return answer
            if not self._known(headers):
                return self._challenge()
        if scope["path"].startswith(CLOSED):
            return PlainTextResponse("Not found", 404)
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and not _same_origin(headers):
            return PlainTextResponse("This request came from another site.", 403)
        return None

    def _known_host(self, host: str) -> bool:
        name = _host_name(host)
        if name in self.hosts:
            return True
        return self.any_address and (_is_address(name) or name.removesuffix(".local") == socket.gethostname().lower())

    def _known(self, headers: Headers) -> bool:
        authorization = headers.get("authorization", "")
        return (bool(self.token) and self._known_token(authorization, headers)) or self._known_user(authorization)

    def _challenge(self) -> PlainTextResponse:
        """A browser asks for a name and a password only where there are any."""
        if self.users:
            challenge = {"www-authenticate": 'Basic realm="Gelato", charset="UTF-8"'}
            return PlainTextResponse("A user name and a password are needed.", 401, challenge)
        sentence = "A token is needed; open the address that was printed when Gelato was started."
        return PlainTextResponse(sentence, 401, {"www-authenticate": 'Bearer realm="Gelato"'})

    def _exchanged(self, scope: Scope) -> Response | None:
        """A cookie for the token in the address, which then goes out of it; None if there is no good token."""
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in asked if name == "token"]
        if not given or not self._is_token(given[-1]):
            return None
        rest = urlencode([(name, value) for name, value in asked if name != "token"])
        place = "/" + quote(scope["path"].lstrip("/\\"))  # never //elsewhere
        answer = RedirectResponse(place + (f"?{rest}" if rest else ""), 303)
        secure = scope.get("scheme") == "https"
        answer.set_cookie(COOKIE, self.token.decode(), httponly=True, samesite="lax", secure=secure, max_age=COOKIE_AGE)
        answer.headers["cache-control"] = "no-store"
        return answer

    def _known_token(self, authorization: str, headers: Headers) -> bool:
        kind, _, given = authorization.partition(" ")
        if kind.lower() == "bearer" and self._is_token(given.strip()):
            return True
        cookies = cookie_parser(headers.get("cookie", ""))
        return self._is_token(cookies.get(COOKIE, ""))

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token)

    def _known_user(self, authorization: str) -> bool:
        kind, _, encoded = authorization.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True) if kind.lower() == "basic" else b""
        except (binascii.Error, ValueError):
            return False
        name, _, password = given.partition(b":")
        # Every user is compared whatever the outcome, so that the time taken tells nothing.
        found = [
            hmac.compare_digest(name, user) & hmac.compare_digest(password, secret)
            for user, secret in self.users.items()
        ]
        return any(found)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        """Answer, unless more than limit bytes arrive (a body may come without saying its length), or too slowly."""
        seen, whole, started, until = 0, False, False, time.monotonic() + BODY_WHOLE
        refused: PlainTextResponse | None = None

        async def counted() -> Message:
            nonlocal seen, whole, refused
            if whole:  # what follows is the end of the connection, for which one may wait long
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), min(BODY_PATIENCE, until - time.monotonic()))
            except TimeoutError as error:
                refused = PlainTextResponse("The request did not arrive in time.", 408, {"connection": "close"})
                raise _Refused from error
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if seen > limit:
                refused = _too_large(limit)
                raise _Refused
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            if refused is None or started:  # FastAPI makes an answer of its own out of our exception
                started = True
                await send(message)

        with suppress(_Refused):
            await self.app(scope, counted, noted)
        if refused is not None and not started:
            await refused(scope, receive, send)


class _Refused(Exception):
    pass


def read_users(path: Path) -> dict[str, str]:
    """user:password, one a line, of an --auth file; UserError if it holds anything else."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}.") from error
    users: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, colon, password = line.partition(":")
        if not colon or not name.strip() or not password:
            raise UserError(f"Line {number} of {path} is not user:password.")
        if name.strip() in users:
            raise UserError(f"Line {number} of {path} names the user {name.strip()!r} again.")
        users[name.strip()] = password
    if not users:
        raise UserError(f"{path} names nobody; it needs a line user:password.")
    return users


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _host_name(host: str) -> str:
    """The name in a Host header, without its port; empty if it is none."""
    if set(host) & set("/@?# \\"):
        return ""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # brackets that do not close
        return ""


def _same_origin(headers: Headers) -> bool:
    """Whether a page of ours sent the request, or no page at all."""
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def _too_large(limit: int) -> PlainTextResponse:
    return PlainTextResponse(f"That is too large; the most is {limit // 2**20} MB.", 413, {"connection": "close"})


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            kept = headers.get("cache-control", "no-cache")
            directives = [d.strip() for d in kept.split(",") if d.strip() not in ("public", "private")]
            headers["cache-control"] = ", ".join(["private", *directives])
        await send(message)

    return sending
