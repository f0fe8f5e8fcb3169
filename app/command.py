"""python app.py: its options, what is checked before the page is served, start and stop."""

import shutil
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.language.names import LANGUAGES
from app.server.authentication import new_token, read_users
from app.server.environment import set_environment
from app.server.listening import address_of, listen, open_tunnel
from app.server.origins import is_loopback
from app.server.passwords import password_hash
from app.server.request_log import FORMATS, set_up_logging
from app.server.root_path import root_path_of
from app.server.starting import without_garbage_collection, without_stub_files
from app.server.tls import check_certificate
from app.state.desktop import has_screen
from app.state.first_use import FirstUse
from app.stopping import Stopping, stopping_on_signals
from training.models.console import Command, fail
from training.models.errors import UserError

if TYPE_CHECKING:
    from app.server.running import Server


def print_password_line(ctx: click.Context, _: click.Parameter, user: str | None) -> None:
    """Ask for a password and print USER:HASH; from a pipe, its first line is the password."""
    if user is None:
        return
    if ":" in user or not user.strip() or not user.isprintable():
        fail(UserError(f"{user!r} cannot be the name of a user: it has a colon, or nothing to be seen."))
    terminal = sys.stdin.isatty()
    asked = (
        click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        if terminal
        else sys.stdin.readline().rstrip("\r\n")
    )
    if not asked:
        fail(UserError("A password is needed."))
    click.echo(f"{user.strip()}:{password_hash(asked)}")
    ctx.exit()


@click.command(cls=Command)
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
    help="Index this folder; the images indexed so far can be searched meanwhile.",
)
@click.option("--encoder", metavar="NAME", help="The model that embeds images and texts.  [default: starter]")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", default=7860, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 means any free port."
)
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="A name by which a proxy or others reach the page; may be given several times. Needs --auth or --token.",
)
@click.option(
    "--root-path",
    default="",
    metavar="PATH",
    help="The path below which a proxy serves the page, such as /photos. Needs --auth or --token.",
)
@click.option(
    "--ssl-certfile", type=click.Path(path_type=Path), metavar="FILE", help="Serve over TLS with this certificate."
)
@click.option("--ssl-keyfile", type=click.Path(path_type=Path), metavar="FILE", help="The key of the certificate.")
@click.option(
    "--auth",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Require a login; the file has lines user:password, or user:hash as --hash-password makes them.",
)
@click.option(
    "--hash-password",
    metavar="USER",
    is_eager=True,
    expose_value=False,
    callback=print_password_line,
    help="Ask for a password, print the line of USER for the file of --auth, and exit.",
)
@click.option(
    "--token", is_flag=True, help="Require a token. The printed address contains it; GELATO_TOKEN sets its value."
)
@click.option("--share", is_flag=True, help="Also open a public link through Gradio's tunnel; needs --auth or --token.")
@click.option(
    "--originals",
    is_flag=True,
    help="Show and give out the images themselves, where others can reach the page (--host, --auth, --token, --share); "
    "without it they get thumbnails.",
)
@click.option(
    "--roots",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The page offers folders below this one, and writes exports there; may be given several times.  "
    "[default: the home folder]",
)
@click.option(
    "--language",
    type=click.Choice(list(LANGUAGES)),
    help="The language of the page, for everyone; without it, that of each browser, which its user may change.",
)
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of training runs that Compare shows.  [default: runs]",
)
@click.option(
    "--unload-after",
    default=15.0,
    show_default=True,
    type=click.FloatRange(0),
    metavar="MINUTES",
    help="Drop encoders from memory that nobody used for so long; the next search loads them again. 0: never.",
)
@click.option("--log", type=click.Choice(FORMATS), help="Write a line a request to stderr, as text or as JSON.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.pass_context
def main(ctx: click.Context, **options: Any) -> None:
    """Search and label images in the browser.

    Without an argument the page opens on a demo collection, which is built on the first run.
    """
    set_up_logging(options["log"])
    fixed = ctx.get_parameter_source("port") == click.core.ParameterSource.COMMANDLINE
    try:
        serve(Options(**options, port_is_fixed=fixed))
    except UserError as error:
        fail(error)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says. port_is_fixed: it named the port, so no other one will do."""

    collections: Sequence[Path]
    images: Path | None
    encoder: str | None
    host: str
    port: int
    allow_hosts: Sequence[str] = ()
    root_path: str = ""
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    auth: Path | None
    token: bool
    share: bool
    originals: bool
    roots: Sequence[Path] = ()
    language: str | None = None
    runs: Path | None = None
    unload_after: float = 0.0
    log: str | None = None
    no_browser: bool
    port_is_fixed: bool


def serve(options: Options) -> None:
    """Serve the page until the process is stopped."""
    users, token = _credentials(options)
    check_certificate(options.ssl_certfile, options.ssl_keyfile)
    root_path_of(options.root_path)
    listening = listen(options.host, options.port, options.port_is_fixed)
    with closing(listening), stopping_on_signals() as stopping:
        with without_garbage_collection():
            server = _started(options, users, token, listening, stopping)
        server.run()


def _started(
    options: Options, users: Mapping[str, str], token: str, listening: socket.socket, stopping: Stopping
) -> "Server":
    """The server of the page, whose library has opened its collections and begun its jobs."""
    host, port = options.host, listening.getsockname()[1]
    temporary = set_environment()
    stopping.at_end(partial(shutil.rmtree, temporary, ignore_errors=True))
    uses_starter = not options.collections and options.encoder in (None, "starter")
    first_use = FirstUse() if uses_starter else None
    if first_use is not None:
        stopping.at_end(first_use.stop)

    # Only now, so that --help and mistakes take no time: these import pandas and Gradio.
    with without_stub_files():
        from app.application import make_application
    from app.server.running import Server
    from app.state.library import Library
    from app.state.memory import MemoryAtRest
    from app.state.opening import open_collections
    from training.models.encoder import Encoder
    from training.models.encoders import load_encoder

    def load(name: str) -> Encoder:
        if first_use is not None:
            first_use.wait()
        return load_encoder(name)

    library = Library(load, **reach(options, bool(users or token)))
    stopping.at_end(library.stop)
    library.root_path = root_path_of(options.root_path)
    if options.roots:
        library.roots = tuple(options.roots)
    if options.runs is not None:
        library.runs = options.runs
    if options.unload_after:
        stopping.at_end(MemoryAtRest(library, 60 * options.unload_after).stop)
    library.first_use = first_use is not None and first_use.exporting
    open_collections(library, options.collections, options.images, options.encoder)
    public = open_tunnel(port) if options.share else None
    hosts = [*options.allow_hosts, *([public.removeprefix("https://")] if public else [])]
    application = make_application(library, host, users, hosts, token, options.language)
    server = Server(application, listening, options.ssl_certfile, options.ssl_keyfile)
    stopping.at_end(server.stop)
    stopping.at_end(library.jobs.ask_to_stop)  # while the last responses are sent
    _announce(address_of(host, port, options.ssl_certfile is not None), public, token, not options.no_browser)
    library.start()
    return server


def reach(options: Options, credentials: bool) -> dict[str, bool]:
    """What the page may do by who can reach it, as Library takes it. credentials: whether it asks for any."""
    local = is_loopback(options.host) and not options.share and not _proxied(options)
    desktop = local and not credentials  # whoever has credentials may sit elsewhere, behind a tunnel
    return {"local": local, "originals": desktop or options.originals, "desktop": desktop}


def _proxied(options: Options) -> bool:
    """Whether others reach the page through a proxy, though it listens on this machine only."""
    return bool(options.allow_hosts or options.root_path)


def _credentials(options: Options) -> tuple[dict[str, str], str]:
    """Users and token; UserError if others can reach the page and there are none."""
    users = read_users(options.auth) if options.auth else {}
    token = new_token() if options.token else ""
    if not (users or token):
        needs = "needs --auth FILE with lines user:password, or --token"
        if options.share:
            raise UserError(f"--share makes the page public, so it {needs}.")
        if _proxied(options):
            option = "--allow-host" if options.allow_hosts else "--root-path"
            raise UserError(f"{option} is for a proxy that lets others reach the page, so it {needs}.")
        if not is_loopback(options.host):
            raise UserError(f"--host {options.host} lets others reach the page, so it {needs}.")
    return users, token


def _announce(address: str, public: str | None, token: str, browser: bool) -> None:
    """Print the addresses of the page, and open a browser if there is a screen."""
    query = f"?token={token}" if token else ""
    also = f" and at {public}/{query}" if public else ""
    click.echo(f"Gelato is at {address}{query}{also} (Ctrl-C ends it)")
    if browser and sys.stdout.isatty() and has_screen():
        threading.Thread(target=partial(_open_browser, f"{address}{query}"), daemon=True).start()


def _open_browser(url: str) -> None:
    time.sleep(1.0)  # the server listens by then
    webbrowser.open(url)
