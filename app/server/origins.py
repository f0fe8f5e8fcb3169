"""Which host names the server answers to, and from which sites requests may come."""

import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers


class Hosts:
    """The names that a Host header may hold.

    A page elsewhere can point a host name of its own at this machine (DNS rebinding); the Host header is then
    that name. names: in lower case. any_address: also accept literal IP addresses and this machine's own name,
    for a server that listens beyond this machine.
    """

    def __init__(self, names: set[str], any_address: bool = False):
        self.names, self.any_address = names, any_address

    def accept(self, header: str) -> bool:
        """Whether the server answers to this Host header."""
        name = _host_name(header)
        if name in self.names:
            return True
        return self.any_address and (_is_address(name) or name.removesuffix(".local") == socket.gethostname().lower())


def same_origin(headers: Headers) -> bool:
    """Whether a page of this server sent the request, or no page at all."""
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none")


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


def _host_name(header: str) -> str:
    """The name in a Host header, without its port; empty if there is none."""
    if set(header) & set("/@?# \\"):
        return ""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:  # brackets that do not close
        return ""
