"""The socket that the server listens on, and a public address that leads to it."""

import errno
import os
import secrets
import socket

import click

from training.models.errors import UserError

PORTS = 50  # that are tried after the default one


def listen(host: str, port: int, fixed: bool) -> socket.socket:
    """A socket on port, or on the next free one unless fixed; UserError if there is none."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UserError(f"--host {host} is not an address of this machine: {error.strerror}.") from error
    for candidate in [port] if fixed or port == 0 else range(port, port + PORTS):
        # Explicitly TCP, since asyncio switches Nagle's algorithm off only then: responses would wait 40 ms otherwise.
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name != "nt":  # on Windows it would let two servers share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((address[0], candidate))
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRINUSE:
                continue
            raise UserError(f"Cannot listen at {host} port {candidate}: {error.strerror}.") from error
        if candidate != port and port:
            click.echo(f"Port {port} is taken; using {candidate}.")
        return sock
    if fixed:
        raise UserError(f"Port {port} is taken; leave --port out to get a free one.")
    raise UserError(f"The ports {port} to {port + PORTS - 1} are all taken; name a free one with --port.")


def address_of(host: str, port: int, tls: bool = False) -> str:
    """The URL at which a browser on this machine reaches the server."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http{'s' if tls else ''}://{name}:{port}/"


def open_tunnel(port: int) -> str:
    """A public URL that leads to port, through Gradio's tunnel; UserError if that fails."""
    from gradio import networking

    try:
        return networking.setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), None, None)
    except Exception as error:  # the tunnel raises whatever its downloads and its program do
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise UserError(f"No public link could be had ({reason}); the page works without --share.") from error
