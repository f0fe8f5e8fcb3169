"""python app.py: its options, what it checks before it serves, and what it leaves behind."""

import asyncio
import inspect
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import gradio
import httpx
import pytest
from click.testing import CliRunner

from app.command import Options, main, reach
from app.server.authentication import read_users
from app.server.listening import listen
from app.server.starting import without_stub_files
from app.state.first_use import TOWERS, FirstUse
from index.build import build_collection
from tests.samples import ColourEncoder
from training.models.errors import UserError
from training.models.starter import FIRST_BATCHES

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "names nobody"), ("ana", "Line 1"), ("\nana:", "Line 2"), (":x", "Line 1"), ("ana:x\nana:y", "again")],
)
def test_a_malformed_auth_file_is_told_by_its_line(tmp_path, text, says):
    (tmp_path / "users").write_text(text)
    with pytest.raises(UserError, match=says):
        read_users(tmp_path / "users")


def test_an_auth_file_may_have_colons_in_a_password(tmp_path):
    (tmp_path / "users").write_text("ana:a:b\n\nbob: c\n")
    assert read_users(tmp_path / "users") == {"ana": "a:b", "bob": " c"}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--images", "nowhere"], 1, "nowhere"),
        (["--images", "empty"], 1, "no images"),
        (["--collection", "nowhere"], 1, "does not exist"),
        (["--auth", "nowhere"], 1, "cannot be read"),
        (["--auth", "empty.txt"], 1, "names nobody"),
        (["--host", "0.0.0.0"], 1, "--auth"),
        (["--share"], 1, "--auth"),
        (["--allow-host", "photos.example"], 1, "--auth"),
        (["--root-path", "/photos"], 1, "--auth"),
        (["--token", "--root-path", "/pho tos"], 1, "/photos"),
        (["--ssl-certfile", "nowhere"], 1, "cannot be read"),
        (["--ssl-certfile", "empty.txt"], 1, "PEM"),
        (["--ssl-keyfile", "empty.txt"], 1, "--ssl-certfile"),
        (["--port", "banana"], 2, "banana"),
        (["--unknown"], 2, "--unknown"),
    ],
)
def test_a_mistake_is_one_sentence_and_no_traceback(tmp_path, monkeypatch, arguments, code, says):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").touch()
    done = CliRunner().invoke(main, [*arguments, "--no-browser"])
    assert done.exit_code == code and says in done.output
    assert "Traceback" not in done.output and len(done.stderr.strip().splitlines()) <= (1 if code == 1 else 4)


@pytest.mark.parametrize(
    ("host", "share", "credentials", "asked", "allowed"),  # share "proxy": --allow-host
    [
        ("127.0.0.1", False, False, False, ("local", "originals", "desktop")),
        ("localhost", False, False, False, ("local", "originals", "desktop")),
        ("::1", False, False, True, ("local", "originals", "desktop")),
        ("127.0.0.1", False, True, False, ("local",)),
        ("127.0.0.1", False, True, True, ("local", "originals")),
        ("127.0.0.1", True, True, False, ()),
        ("127.0.0.1", True, True, True, ("originals",)),
        ("0.0.0.0", False, True, False, ()),
        ("0.0.0.0", False, True, True, ("originals",)),
        ("192.168.1.7", False, True, False, ()),
        ("photos.example", False, True, False, ()),
        ("127.0.0.1", "proxy", True, False, ()),
        ("127.0.0.1", "proxy", True, True, ("originals",)),
    ],
)
def test_who_can_reach_the_page_decides_what_it_gives_out(host, share, credentials, asked, allowed):
    others = {"collections": (), "images": None, "encoder": None, "port": 0, "auth": None, "token": False}
    others["allow_hosts"] = ("photos.example",) if share == "proxy" else ()
    options = Options(host=host, share=share is True, originals=asked, no_browser=True, port_is_fixed=False, **others)
    assert reach(options, credentials) == {name: name in allowed for name in ("local", "originals", "desktop")}


def test_a_taken_port_is_told_if_it_was_asked_for_and_passed_over_if_not(capsys):
    first = listen("127.0.0.1", 0, True)
    first.listen()
    port = first.getsockname()[1]
    try:
        with pytest.raises(UserError, match="taken"):
            listen("127.0.0.1", port, True)
        second = listen("127.0.0.1", port, False)
        assert second.getsockname()[1] > port
        assert f"Port {port} is taken" in capsys.readouterr().out
        second.close()
    finally:
        first.close()


def test_answers_do_not_wait_for_the_acknowledgement_of_their_first_packet():
    async def nodelay() -> int:
        listening = listen("127.0.0.1", 0, True)
        seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def met(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(met, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            answer = await seen
            writer.close()
            await writer.wait_closed()
        return answer

    assert asyncio.run(nodelay()) == 1


def test_the_command_serves_its_page_and_leaves_nothing_behind(squares, tmp_path):
    build_collection([squares], tmp_path / "squares.gelato", ColourEncoder())
    environment = os.environ | {"GELATO_CACHE": str(tmp_path / "cache"), "PYTHONUNBUFFERED": "1"}
    stale = tmp_path / "cache" / "page" / "999999999"
    stale.mkdir(parents=True)
    command = [sys.executable, "app.py", "--collection", str(tmp_path / "squares.gelato"), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline()).group()
            answer = _get_patiently(url)
            assert answer.status_code == 200 and "Gelato" in answer.text
            assert not stale.exists() and len(list(stale.parent.iterdir())) == 1
        finally:
            process.terminate()
            process.wait(20)
    assert not list(stale.parent.iterdir())


def _get_patiently(url: str) -> httpx.Response:
    for _ in range(200):
        try:
            return httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"{url} did not answer")


def test_a_component_of_gradio_that_is_made_without_stub_files_has_its_events(monkeypatch):
    real = inspect.getfile
    monkeypatch.setattr("gradio.component_meta.Path.write_text", lambda *a, **k: pytest.fail("a stub file"))
    with without_stub_files():
        made = type("Made", (gradio.HTML,), {"EVENTS": ["change"], "__module__": "gradio.made"})
        assert inspect.getfile(CliRunner) == real(CliRunner)
    assert inspect.getfile is real and callable(made.change)


def test_the_first_use_exports_both_towers_of_the_starter():
    assert set(TOWERS) == set(FIRST_BATCHES)


def test_an_encoder_that_was_used_here_before_needs_no_helper(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    (tmp_path / "encoders").mkdir()
    (tmp_path / "encoders" / "starter").touch()
    assert not FirstUse().exporting
