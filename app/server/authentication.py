"""Who may use the server: users with passwords, and a token that browsers exchange for a cookie."""

import base64
import binascii
import hmac
import math
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

import anyio
import anyio.to_thread
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Scope

from app.server.login_limits import LoginLimits
from app.server.passwords import Passwords, is_hash
from training.models.errors import UserError

if TYPE_CHECKING:  # it imports pandas, for which `--help` would wait
    from app.server.metrics import Metrics

COOKIE, COOKIE_AGE = "gelato", 30 * 86400  # seconds


class Authentication:
    """Checks credentials. users: name to password, or to its hash. token: a secret.

    Programs send the token as `Authorization: Bearer`. Browsers send it once as ?token= and get a cookie for it.
    Without users and token everybody is accepted. Only passwords are limited: a token is too long to be guessed.
    """

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        token: str = "",
        limits: LoginLimits | None = None,
        metrics: "Metrics | None" = None,
    ):
        self.passwords, self.token = Passwords(users or {}), token.encode()
        self.limits, self.metrics = limits or LoginLimits(), metrics
        self._looking = anyio.Lock()  # one login at a time, so that none is looked at before the one before is counted

    async def refuse(self, scope: Scope, headers: Headers) -> Response | None:
        """The response to a request without valid credentials, or None for one that is accepted."""
        if not (self.passwords or self.token):
            return None
        if self.token and scope["method"] == "GET":
            redirect = self._cookie_for_token(scope)
            if redirect is not None:
                return redirect
        authorization = headers.get("authorization", "")
        if self.token and self._has_token(authorization, headers):
            return None
        login = _name_and_password(authorization) if self.passwords else None
        if login is None:
            return self._challenge()
        if self.passwords.was_verified(*login):
            return None
        async with self._looking:
            return await self._log_in(scope, *login)

    async def _log_in(self, scope: Scope, name: bytes, password: bytes) -> Response | None:
        if self.passwords.was_verified(name, password):  # while this request waited
            return None
        address = (scope.get("client") or ("",))[0]
        wait = math.ceil(self.limits.wait(address, name))
        if wait:
            if self.metrics is not None:
                self.metrics.limited_logins.inc()
            sentence = f"Too many logins failed; try again in {wait} s."
            return PlainTextResponse(sentence, 429, {"retry-after": str(wait)})
        if await anyio.to_thread.run_sync(self.passwords.verify, name, password):  # a hash takes 50 ms
            self.limits.succeeded(address, name)
            return None
        self.limits.failed(address, name)
        if self.metrics is not None:
            self.metrics.failed_logins.inc()
        return self._challenge()

    def _challenge(self) -> PlainTextResponse:
        """Browsers ask for a name and a password only if there are users."""
        if self.passwords:
            challenge = {"www-authenticate": 'Basic realm="Gelato", charset="UTF-8"'}
            return PlainTextResponse("A user name and a password are needed.", 401, challenge)
        sentence = "A token is needed; open the address that was printed when Gelato was started."
        return PlainTextResponse(sentence, 401, {"www-authenticate": 'Bearer realm="Gelato"'})

    def _cookie_for_token(self, scope: Scope) -> Response | None:
        """A redirect to the address without its token, which sets the cookie; None without a valid token."""
        fields = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        tokens = [value for name, value in fields if name == "token"]
        if not tokens or not self._is_token(tokens[-1]):
            return None
        rest = urlencode([(name, value) for name, value in fields if name != "token"])
        path = "/" + quote(scope["path"].lstrip("/\\"))  # never //elsewhere
        response = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
        secure = scope.get("scheme") == "https"
        response.set_cookie(
            COOKIE, self.token.decode(), httponly=True, samesite="lax", secure=secure, max_age=COOKIE_AGE
        )
        response.headers["cache-control"] = "no-store"
        return response

    def _has_token(self, authorization: str, headers: Headers) -> bool:
        kind, _, token = authorization.partition(" ")
        if kind.lower() == "bearer" and self._is_token(token.strip()):
            return True
        return self._is_token(cookie_parser(headers.get("cookie", "")).get(COOKIE, ""))

    def _is_token(self, value: str) -> bool:
        return hmac.compare_digest(value.encode(), self.token)


def _name_and_password(authorization: str) -> tuple[bytes, bytes] | None:
    """What HTTP's basic authentication sends, or None if it is something else."""
    kind, _, encoded = authorization.partition(" ")
    try:
        decoded = base64.b64decode(encoded, validate=True) if kind.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return None
    name, colon, password = decoded.partition(b":")
    return (name, password) if colon else None


def new_token() -> str:
    """GELATO_TOKEN, or a random token; UserError if it is easily guessed or does not fit into an address."""
    token = os.environ.get("GELATO_TOKEN", "")
    if token and not re.fullmatch(r"[\w-]{16,}", token, re.ASCII):
        raise UserError("GELATO_TOKEN is no token; it needs 16 or more letters, digits, - or _.")
    return token or secrets.token_urlsafe(24)


def read_users(path: Path) -> dict[str, str]:
    """user:password or user:hash, one a line, of an --auth file; UserError if it holds anything else."""
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
        try:
            is_hash(password)
        except ValueError as error:
            raise UserError(f"The password in line {number} of {path} cannot be used: {error}.") from error
        users[name.strip()] = password
    if not users:
        raise UserError(f"{path} names nobody; it needs a line user:password.")
    return users
