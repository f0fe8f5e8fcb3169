"""Who may use the server: users with passwords, and a token that browsers exchange for a cookie."""

import base64
import binascii
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Scope

from training.models.errors import UserError

COOKIE, COOKIE_AGE = "gelato", 30 * 86400  # seconds


class Authentication:
    """Checks credentials. users: name to password. token: a secret.

    Programs send the token as `Authorization: Bearer`. Browsers send it once as ?token= and get a cookie for it.
    Without users and token everybody is accepted.
    """

    def __init__(self, users: Mapping[str, str] | None = None, token: str = ""):
        self.users = {name.encode(): password.encode() for name, password in (users or {}).items()}
        self.token = token.encode()

    def refuse(self, scope: Scope, headers: Headers) -> Response | None:
        """The response to a request without valid credentials, or None for one that is accepted."""
        if not (self.users or self.token):
            return None
        if self.token and scope["method"] == "GET":
            redirect = self._cookie_for_token(scope)
            if redirect is not None:
                return redirect
        authorization = headers.get("authorization", "")
        if (self.token and self._has_token(authorization, headers)) or self._has_password(authorization):
            return None
        return self._challenge()

    def _challenge(self) -> PlainTextResponse:
        """Browsers ask for a name and a password only if there are users."""
        if self.users:
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

    def _has_password(self, authorization: str) -> bool:
        kind, _, encoded = authorization.partition(" ")
        try:
            decoded = base64.b64decode(encoded, validate=True) if kind.lower() == "basic" else b""
        except (binascii.Error, ValueError):
            return False
        name, _, password = decoded.partition(b":")
        # Every user is compared whatever the outcome, so that the time taken reveals nothing.
        matches = [
            hmac.compare_digest(name, user) & hmac.compare_digest(password, secret)
            for user, secret in self.users.items()
        ]
        return any(matches)


def new_token() -> str:
    """GELATO_TOKEN, or a random token; UserError if it is easily guessed or does not fit into an address."""
    token = os.environ.get("GELATO_TOKEN", "")
    if token and not re.fullmatch(r"[\w-]{16,}", token, re.ASCII):
        raise UserError("GELATO_TOKEN is no token; it needs 16 or more letters, digits, - or _.")
    return token or secrets.token_urlsafe(24)


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
