"""install.py: uv or pip, PyTorch's CPU wheels or PyPI's, and where nothing can be installed."""

import ast
import contextlib
import http.server
import os
import re
import sys
import sysconfig
import threading
import time
import venv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import install
from gelato import platforms

ROOT = Path(__file__).parent.parent
TAG = "cp{}{}".format(*sys.version_info[:2])
MACHINE = sysconfig.get_platform().rpartition("-")[2]
VERSIONS = {"torch": "2.9.1", "torchvision": "0.24.1"}
UV = Path(sys.executable).with_name("uv")


def wheel(folder: Path, name: str, local: str, tag: str = TAG) -> None:
    """A tiny wheel of the package in a folder named after it. local: such as "+cpu"."""
    version = VERSIONS[name] + local
    info = f"{name}-{version}.dist-info"
    (folder / name).mkdir(parents=True, exist_ok=True)
    file = f"{name}-{version}-{tag}-{tag}-manylinux_2_17_{MACHINE}.whl"
    with zipfile.ZipFile(folder / name / file, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}-{tag}-manylinux_2_17_{MACHINE}\n")
        archive.writestr(f"{info}/RECORD", "")


Behaviour = Callable[[http.server.BaseHTTPRequestHandler], bool]


def index(folder: Path, behave: Behaviour) -> http.server.ThreadingHTTPServer:
    """A package index (PEP 503) of wheels. behave: answers a request in its own way if it returns True."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object):
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def do_GET(self) -> None:
            if not behave(self):
                super().do_GET()

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def html(text: str) -> Behaviour:
    def behave(handler: http.server.BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        handler.wfile.write(text.encode())
        return True

    return behave


def sound(_: http.server.BaseHTTPRequestHandler) -> bool:
    return False


def hangs(_: http.server.BaseHTTPRequestHandler) -> bool:
    time.sleep(30)
    return True


def drips(handler: http.server.BaseHTTPRequestHandler) -> bool:
    """A byte at a time, so that no socket ever times out."""
    with contextlib.suppress(OSError):  # nobody waits for the end
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n")
        for _ in range(300):
            handler.wfile.write(b" ")
            time.sleep(0.1)
    return True


def not_found(handler: http.server.BaseHTTPRequestHandler) -> bool:
    handler.send_error(404)
    return True


def no_http(handler: http.server.BaseHTTPRequestHandler) -> bool:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    return True


def promises(handler: http.server.BaseHTTPRequestHandler) -> bool:
    """The page of the package is there, its wheels are not."""
    if handler.path.endswith("/"):
        return False
    return not_found(handler)


@pytest.fixture
def pypi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An index in PyPI's place, and a list with a lock in which PyTorch is all that is needed."""
    for name in VERSIONS:
        wheel(tmp_path / "pypi", name, "")
    server = index(tmp_path / "pypi", sound)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(UV.parent), prepend=os.pathsep)
    monkeypatch.setattr(install, "wants_cpu_wheels", lambda: True)
    Path("requirements.txt").write_text("torch>=2.6\ntorchvision>=0.21\n")
    Path("requirements.lock").write_text("".join(f"{name}=={version}\n" for name, version in VERSIONS.items()))
    venv.create(".venv", symlinks=True)
    yield
    server.shutdown()
    server.server_close()


def installed() -> set[str]:
    """The versions of PyTorch's packages in the environment."""
    found = Path(".venv").glob("lib/python*/site-packages/torch*.dist-info")
    return {path.name.removesuffix(".dist-info").partition("-")[2] for path in found}


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        (sound, ""),
        (None, "cannot be reached ("),  # refused
        (hangs, "did not answer within 0.5 s"),
        (drips, "did not answer within 0.5 s"),
        (not_found, "cannot be reached (Not Found)"),
        (no_http, "cannot be reached (SSH-2.0"),
        (html("<h1>Please accept our conditions</h1>"), f"has no wheel of torch 2.9.1 for {TAG} on {MACHINE}"),
        (html(f"torch-2.9.1%2Bcpu-cp27-cp27-linux_{MACHINE}.whl"), "has no wheel of torch 2.9.1"),
        (html(f"torch-2.8.0%2Bcpu-{TAG}-{TAG}-linux_{MACHINE}.whl"), "has no wheel of torch 2.9.1"),
        (promises, "did not give them"),
    ],
)
def test_cpu_wheels_are_installed_or_a_line_says_why_pypi_has_it(behave, said, pypi, tmp_path, monkeypatch, capfd):
    for name in VERSIONS:
        wheel(tmp_path / "cpu", name, "+cpu")
    server = index(tmp_path / "cpu", behave or sound)
    if behave is None:
        server.shutdown()
        server.server_close()
    monkeypatch.setenv("GELATO_CPU_INDEX", f"http://127.0.0.1:{server.server_port}/")
    if "0.5 s" in said:
        monkeypatch.setattr(install, "ANSWER_WITHIN", 0.5)
    began = time.monotonic()
    assert install.main(["--lock", "requirements.lock"]) == 0
    seconds = time.monotonic() - began
    if behave:
        server.shutdown()
        server.server_close()
    lines = [line for line in capfd.readouterr().out.splitlines() if line]
    ending = "" if said else "+cpu"
    assert installed() == {version + ending for version in VERSIONS.values()}
    assert len(lines) == bool(said) and all("PyTorch comes from PyPI" in line and said in line for line in lines)
    assert seconds < 20 or "0.5 s" not in said  # which hangs and drips take


def test_what_is_there_is_kept_and_the_index_is_not_asked_again(pypi, tmp_path, monkeypatch, capfd):
    asked: list[str] = []
    server = index(tmp_path / "cpu", lambda handler: bool(asked.append(handler.path)))
    for name in VERSIONS:
        wheel(tmp_path / "cpu", name, "+cpu")
    monkeypatch.setenv("GELATO_CPU_INDEX", f"http://127.0.0.1:{server.server_port}")
    assert install.main([]) == 0 and asked
    asked.clear()
    assert install.main([]) == 0 and not asked
    assert installed() == {f"{version}+cpu" for version in VERSIONS.values()}
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("there", [[], ["nvidia-smi"], ["/dev/nvidiactl"]])
def test_a_gpu_needs_the_wheels_of_pypi(there, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(install.shutil, "which", lambda name: name if name in there else None)
    monkeypatch.setattr(install.os.path, "exists", lambda path: path in there)
    assert install.wants_cpu_wheels() == (not there)


@pytest.mark.parametrize(
    ("uv", "pip", "calls", "said"),
    [
        ("exit 0", "exit 0", ["uv"], ""),
        ("exit 1", "exit 0", ["uv", "python"], "uv, which is faster, failed."),  # a mirror that only pip is told of
        (None, "exit 0", ["python", "uv"], ""),  # pip installs uv
        (None, 'case "$*" in *" uv") exit 1; esac', ["python", "python"], "uv, which is faster, is not to be had."),
        ("exit 1", "exit 1", ["uv", "python"], "Error: the packages could not be installed"),
    ],
)
def test_uv_installs_and_where_that_does_not_work_pip(uv, pip, calls, said, tmp_path, monkeypatch, capfd):
    environment, programs = tmp_path / ".venv/bin", tmp_path / "programs"
    environment.mkdir(parents=True)
    programs.mkdir()
    gets_uv = calls == ["python", "uv"]
    for path, end in ((environment / "python", pip), (programs / "uv", uv), (environment / "uv", gets_uv and "exit 0")):
        if end:
            path.write_text(f"#!/bin/sh\necho {path.name} >> {tmp_path}/calls\n{end}\n")
            path.chmod(0o755)
    if gets_uv:  # pip, which is not run here, brings it
        monkeypatch.setattr(Path, "exists", lambda path: path.name != "uv" and os.path.exists(path))
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(install.shutil, "which", lambda name: str(programs / name) if uv else None)
    code = install.main(["--venv", str(tmp_path / ".venv"), "--torch", "default", "requirements.txt"])
    answer = capfd.readouterr()
    assert code == ("Error" in said) and said in answer.out + answer.err
    assert (tmp_path / "calls").read_text().split() == calls


@pytest.mark.parametrize(
    ("system", "machine", "python", "libc", "said"),
    [
        ("darwin", "x86_64", (3, 12), "", "no packages for Macs with Intel processors"),
        ("linux", "i686", (3, 12), "x86_64-linux-gnu", "no packages for linux on i686"),
        ("linux", "x86_64", (3, 12), "x86_64-linux-musl", "no packages for Linux with musl"),
        ("linux", "x86_64", (3, 10), "x86_64-linux-gnu", "needs Python 3.11 or newer, and this is 3.10"),
        ("linux", "x86_64", (3, 14), "x86_64-linux-gnu", ""),
        ("linux", "aarch64", (3, 11), "aarch64-linux-gnu", ""),
        ("darwin", "arm64", (3, 13), "", ""),
        ("win32", "AMD64", (3, 11), "", ""),
        ("freebsd14", "amd64", (3, 11), "", ""),  # who knows
    ],
)
def test_a_machine_without_packages_is_told_so_in_one_sentence(
    system, machine, python, libc, said, monkeypatch, capsys
):
    monkeypatch.setattr(platforms.sys, "platform", system)
    monkeypatch.setattr(platforms.platform, "machine", lambda: machine)
    monkeypatch.setattr(platforms.sys, "version_info", python)
    monkeypatch.setattr(platforms.sysconfig, "get_config_var", lambda _: libc)
    reason = platforms.why_unsupported()
    assert said in reason and bool(said) == bool(reason)
    if said:
        assert install.main([]) == 1
        assert capsys.readouterr().err == f"Error: {reason}\n"


def test_a_python_that_is_too_old_can_read_the_sentence_about_it():
    for file in (
        ROOT / "install.py",
        ROOT / "gelato/platforms.py",
        ROOT / "gelato/output.py",
        ROOT / "gelato/__init__.py",
    ):
        ast.parse(file.read_text(), feature_version=(3, 8))


def lines(path: Path) -> list[str]:
    """The requirements of a list or lock, without those of the lists that it includes."""
    found = (re.sub(r"(^|\s)#.*", "", line).strip() for line in path.read_text().splitlines())
    return [line for line in found if line and not line.startswith("-r")]


def test_the_lock_pins_what_the_lists_ask_for_and_names_no_registry():
    pins = [Requirement(line) for line in lines(ROOT / "requirements.lock")]
    assert not re.search(r"://|--\w", (ROOT / "requirements.lock").read_text())
    assert all(len(pin.specifier) == 1 and str(pin.specifier).startswith("==") for pin in pins)
    versions = {pin.name: Version(str(pin.specifier)[2:]) for pin in pins}
    for file in ROOT.glob("requirements*.txt"):
        for wanted in map(Requirement, lines(file)):
            name = re.sub(r"[-_.]+", "-", wanted.name).lower()
            assert name in versions, f"{name} of {file.name} is not locked: run make lock"
            assert wanted.specifier.contains(versions[name]), f"{name} {versions[name]}: run make lock"
