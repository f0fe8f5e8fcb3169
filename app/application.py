"""The whole web application: the server with the page mounted into it, behind access control."""

from collections.abc import Mapping

from starlette.types import ASGIApp

from app.page import mount_page
from app.server.server import guarded, make_server
from app.state.library import Library


def make_application(
    library: Library,
    host: str,
    users: Mapping[str, str],
    public_host: str | None = None,
    token: str = "",
    language: str | None = None,
) -> ASGIApp:
    """host: where it listens. users: name to password. public_host: a tunnel's name. token: a secret.

    language: the code of the only language that is spoken; without it, the browser's.
    """
    server = make_server(library)
    mount_page(server, library)
    return guarded(server, host, users, public_host, token, language)
