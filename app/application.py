"""The whole web application: the server with the page mounted into it, behind access control."""

from collections.abc import Collection, Mapping

from starlette.types import ASGIApp

from app.page import mount_page
from app.server.metrics import Metrics
from app.server.root_path import RootPath
from app.server.server import guarded, make_server
from app.state.library import Library


def make_application(
    library: Library,
    host: str,
    users: Mapping[str, str],
    hosts: Collection[str] = (),
    token: str = "",
    language: str | None = None,
) -> ASGIApp:
    """host: where it listens. users: name to password. hosts: further names that it answers to. token: a secret.

    language: the code of the only language that is spoken; without it, the browser's.
    """
    metrics = Metrics(library)
    server = make_server(library, metrics)
    queue = mount_page(server, library)
    metrics.waiting = lambda: len(queue)
    return RootPath(guarded(server, host, users, hosts, token, language, metrics), library.root_path)
