"""python app.py: what it may be asked for, and everything that can be wrong before a page is served."""

import errno
import logging
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from app.server.authentication import read_users
from app.server.origins import is_loopback
from training.models.cache import cache_dir
from training.models.console import fail
from training.models.errors import UserError

PORTS = 50  # tried after the usual one


@click.command()
@click.option(
    "--collection",
    "collections",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A collection made by `python -m index build`; may be given several times.",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Index this folder of images, and search what is indexed so far.",
)
@click.option("--encoder", metavar="NAME", help="What turns images and words into vectors.  [default: starter]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=7860, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one.")
@click.option(
    "--auth", type=click.Path(path_type=Path), metavar="FILE", help="Lines user:password; nothing answers without them."
)
@click.option(
    "--token", is_flag=True, help="Nothing answers without a token, printed in the address; GELATO_TOKEN sets it."
)
@click.option("--share", is_flag=True, help="Also open a public link through Gradio's tunnel; needs --auth or --token.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.pass_context
def main(ctx: click.Context, **options: Any) -> None:
    """Search and label images in the browser.

    Without an argument the page opens on a demo collection, which is built on the first run.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    fixed = ctx.get_parameter_source("port") == click.core.ParameterSource.COMMANDLINE
    try:
        serve(**options, port_is_fixed=fixed)
    except UserError as error:
        fail(error)


def serve(
    collections: tuple[Path, ...],
    images: Path | None,
    encoder: str | None,
    host: str,
    port: int,
    auth: Path | None,
    token: bool,
    share: bool,
    no_browser: bool,
    port_is_fixed: bool,
) -> None:
    """Serve the page until the process is told to stop."""
    users = read_users(auth) if auth else {}
    secret = own_token() if token else ""
    guards = "needs --auth FILE with lines user:password, or --token"
    if share and not (users or secret):
        raise UserError(f"--share makes the page public, so it {guards}.")
    if not is_loopback(host) and not (users or secret):
        raise UserError(f"--host {host} lets others reach the page, so it {guards}.")
    listening = listen(host, port, port_is_fixed)
    port = listening.getsockname()[1]
    temporary = quiet_gradio()
    helpers = [] if collections or encoder not in (None, "starter") else first_use()

    # Only now, so that --help and mistakes answer at once: these bring pandas and Gradio.
    import uvicorn

    from app.application import make_application
    from app.server.timeouts import server_config
    from app.state.library import Library
    from app.state.opening import open_collections
    from training.models.encoder import Encoder
    from training.models.encoders import load_encoder

    def load(name: str) -> Encoder:
        for helper in helpers:
            helper.wait()
        return load_encoder(name)

    library = Library(load, local=is_loopback(host) and not share)
    library.first_use = bool(helpers)
    try:
        open_collections(library, collections, images, encoder)
        public = _tunnel(port) if share else None
        name = public.removeprefix("https://") if public else None
        server = make_application(library, host, users, public_host=name, token=secret)
        address = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        asking = f"?token={secret}" if secret else ""
        url = f"http://{address}:{port}/{asking}"
        click.echo(f"Gelato is at {url}" + (f" and at {public}/{asking}" if public else "") + " (Ctrl-C ends it)")
        if not no_browser and _has_screen():
            threading.Thread(target=partial(_open_browser, url), daemon=True).start()
        library.start()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what follows `finally` is done then, too
        config = server_config(server, log_level="warning", timeout_graceful_shutdown=2)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        for helper in helpers:
            helper.kill()  # what it was making is under a temporary name
            helper.wait()
        library.stop()
        listening.close()
        shutil.rmtree(temporary, ignore_errors=True)


def own_token() -> str:
    """GELATO_TOKEN, or a new one; UserError if it is easily guessed or does not fit into an address."""
    given = os.environ.get("GELATO_TOKEN", "")
    if given and not re.fullmatch(r"[\w-]{16,}", given, re.ASCII):
        raise UserError("GELATO_TOKEN is no token; it needs 16 or more letters, digits, - or _.")
    return given or secrets.token_urlsafe(24)


def listen(host: str, port: int, fixed: bool) -> socket.socket:
    """A socket on the port, or on the next free one if the port was not asked for; UserError if there is none."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UserError(f"--host {host} is not an address of this machine: {error.strerror}.") from error
    for candidate in [port] if fixed or port == 0 else range(port, port + PORTS):
        # Said to be TCP, since asyncio switches Nagle's algorithm off only then: answers would wait 40 ms otherwise.
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


def first_use() -> list[subprocess.Popen[bytes]]:
    """Processes that use the embedded default for the first time on this computer; none if it was used before.

    The first use exports its two towers: ten seconds and more, holding Python's lock. In processes of
    their own that goes on while Gradio is imported and the page is drawn, which come first.
    """
    used = cache_dir("encoders") / "starter"
    if used.exists():
        return []
    used.touch()  # should it not come to an end, the export is done where it is needed
    root = Path(__file__).parent.parent
    commands = [[sys.executable, "-m", "training.models.starter", half] for half in ("ear", "eye")]
    return [subprocess.Popen(c, cwd=root, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for c in commands]


def quiet_gradio() -> Path:
    """Settings that libraries read from the environment: no telemetry, and a temporary folder of this run's own.

    Folders that killed runs left behind are removed. Returns this run's folder.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin take the core of whoever asks next
    # Nobody looks at its statistics, which it would work out anew from the last 10,000 events with each event.
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**62)
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    runs = cache_dir("page")
    for folder in runs.iterdir():
        if folder.name.isdigit() and not _is_running(int(folder.name)):
            shutil.rmtree(folder, ignore_errors=True)
    own = cache_dir("page", str(os.getpid()))
    os.environ["GRADIO_TEMP_DIR"] = str(own)
    return own


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _tunnel(port: int) -> str:
    """A public address that leads to port, through Gradio's tunnel; UserError if there is none to be had."""
    from gradio import networking

    try:
        return networking.setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), None, None)
    except Exception as error:  # the tunnel raises whatever its downloads and its program do
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise UserError(f"No public link could be had ({reason}); the page works without --share.") from error


def _has_screen() -> bool:
    if os.name == "nt" or sys.platform == "darwin":
        return sys.stdout.isatty()
    return sys.stdout.isatty() and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open_browser(url: str) -> None:
    time.sleep(1.0)  # the server answers by then
    webbrowser.open(url)
