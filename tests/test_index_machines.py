"""The commands on any machine: code pages, closed and broken streams, a cache without rights, what Windows lacks."""

import ast
import errno
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.command import main as page
from index.__main__ import cli
from index.build import build_collection
from tests.samples import ColourEncoder, noise_image, paint
from training.__main__ import cli as training
from training.models import cache
from training.models.atomic import write_file
from training.models.cache import cache_dir
from training.models.errors import UserError
from training.models.openvino_runtime import save_model

ROOT = Path(__file__).parent.parent
FILES = [path for part in ("app", "index", "training") for path in (ROOT / part).rglob("*.py")]
NOT_ON_WINDOWS = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "crypt")
ATTRIBUTES_NOT_ON_WINDOWS = {
    "os": "fork forkpty getuid geteuid getgid getegid getgroups setuid setsid setpgid getpgid getpgrp getsid killpg "
    "sched_getaffinity sched_setaffinity statvfs fstatvfs sysconf confstr getloadavg mkfifo mknod chown fchown lchown "
    "chroot nice uname wait wait3 wait4 waitid WNOHANG pread pwrite preadv pwritev posix_fallocate posix_fadvise sync "
    "fdatasync lockf openpty getpriority setpriority O_NONBLOCK O_DIRECTORY O_SYNC O_NOFOLLOW register_at_fork "
    "copy_file_range sendfile splice memfd_create pipe2 listxattr getxattr setxattr eventfd fchdir",
    "signal": "SIGKILL SIGHUP SIGQUIT SIGALRM SIGUSR1 SIGUSR2 SIGCHLD SIGPIPE SIGSTOP SIGCONT SIGTSTP alarm setitimer "
    "pthread_kill pthread_sigmask sigwait sigpending siginterrupt pause",
    "time": "tzset clock_gettime",
    "socket": "SO_REUSEPORT MSG_DONTWAIT",
    "select": "poll epoll kqueue",
    "mmap": "MAP_SHARED PROT_READ MADV_DONTNEED",
}
GUARDS = ("AttributeError", "hasattr", "getattr", "os.name == 'nt'", "sys.platform ==", "sys.platform !=")


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    folder = tmp_path_factory.mktemp("machines")
    paint(folder / "images" / "Ünter dem Łódź 東京 🍨.png", "red")
    noise_image(1).save(folder / "images" / "b.png")
    (folder / "images" / "b.txt").write_text("Москва – “quoted” 🍨", encoding="utf-8")
    (folder / "images" / "broken ☃.png").write_bytes(b"no image")
    build_collection([folder / "images"], folder / "c.gelato", ColourEncoder())
    return folder / "c.gelato"


COMMANDS = [
    ["search", "{}", "東京 🍨"],
    ["search", "{}", "red", "--json"],
    ["search", "{}", "--where", "width > 1"],
    ["search", "{}", "--where", "Łódź > 1"],
    ["search", "nowhere 東京.gelato", "red"],
    ["info", "{}"],
    ["info", "{}", "--json"],
    ["verify", "{}"],
    ["duplicates", "{}"],
    ["label", "{}", "--classes", "червоний,🍨", "--json"],
    ["remove", "{}", "--where", "width > 999"],
    ["nonsense ☃"],
    ["--help"],
]


class Broken(io.RawIOBase):
    """A pipe whose reader has gone."""

    def writable(self):
        return True

    def write(self, _):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def run(monkeypatch, command, words, stdout, stderr):
    """The exit code of a command that writes to these streams."""
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(sys, "stderr", stderr)
    with pytest.raises(SystemExit) as ended:
        command.main(words, prog_name="gelato")
    return ended.value.code or 0


@pytest.mark.parametrize(
    "encoding", ["ascii", "cp1252", *(pytest.param(name, marks=pytest.mark.slow) for name in ("cp437", "shift_jis"))]
)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_any_text_can_be_printed_in_any_code_page(collection, monkeypatch, tmp_path, words, encoding):
    monkeypatch.chdir(tmp_path)
    written, errors = io.BytesIO(), io.BytesIO()
    streams = [io.TextIOWrapper(to, encoding=encoding, write_through=True) for to in (written, errors)]
    code = run(monkeypatch, cli, [word.format(collection) for word in words], *streams)
    assert code in (0, 1, 2) and b"Traceback" not in errors.getvalue()
    if "--json" in words:
        json.loads(written.getvalue().decode(encoding))
    [stream.detach() for stream in streams]


@pytest.mark.parametrize(
    "command, words",
    [
        (training, ["--help"]),
        (training, ["claims", "--help"]),
        (training, ["nonsense ☃"]),
        (training, ["clip", "--data", "☃"]),
        (page, ["--help"]),
        (page, ["--log", "☃"]),
        (page, ["--auth", "☃"]),
    ],
)
def test_the_other_commands_print_in_any_code_page_too(monkeypatch, command, words):
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="cp1252", write_through=True) for _ in range(2)]
    assert run(monkeypatch, command, words, *streams) in (0, 1, 2)
    [stream.detach() for stream in streams]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_closed_streams_and_broken_pipes_end_a_command_quietly(collection, monkeypatch, tmp_path, words):
    monkeypatch.chdir(tmp_path)
    words = [word.format(collection) for word in words]
    assert run(monkeypatch, cli, words, None, None) in (0, 1, 2)
    sys.stdout.close()  # what took the place of the closed ones
    sys.stderr.close()
    errors = io.StringIO()
    broken = io.TextIOWrapper(io.BufferedWriter(Broken(), 1), encoding="utf-8", write_through=True)
    assert run(monkeypatch, cli, words, broken, errors) in (0, 1, 2)
    broken.detach().detach()
    assert "Traceback" not in errors.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["{} | true", "{} >&-", "{} 2>&-", "{} >&- 2>&-", "{} > /dev/full", "{} | head -c 9"])
def test_real_pipes_and_closed_streams_show_no_traceback(collection, shell):
    command = f"'{sys.executable}' -m index info '{collection}'"
    environment = os.environ | {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(shell.format(command), shell=True, cwd=ROOT, env=environment, capture_output=True)
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr


@pytest.mark.parametrize("kind", ["a file in its place", "no rights", "no home", "full"])
def test_a_cache_that_cannot_be_written_is_replaced_by_a_temporary_one(monkeypatch, tmp_path, caplog, kind):
    cache._writable.cache_clear()
    monkeypatch.setenv("GELATO_CACHE", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if kind == "no home":
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    elif kind == "full":
        monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "full"))
        monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    elif kind == "no rights":  # root has them all, but not in /proc
        monkeypatch.setenv("GELATO_CACHE", "/proc/gelato")
    else:
        (tmp_path / "file").write_text("", encoding="utf-8")
        monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "file"))
    folder = cache_dir("texts")
    (folder / "a").write_text("kept", encoding="utf-8")
    assert cache_dir("texts") == folder and (cache_dir("texts") / "a").exists()
    [warning] = caplog.messages
    assert "temporary" in warning and "GELATO_CACHE" in warning and "\n" not in warning
    cache._writable.cache_clear()


def test_where_no_temporary_folder_can_be_made_either_a_sentence_says_what_would_work(monkeypatch, tmp_path):
    cache._writable.cache_clear()
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    with pytest.raises(UserError, match="set GELATO_CACHE"):
        cache_dir("texts")
    cache._writable.cache_clear()


def test_an_export_that_the_disk_has_no_room_for_is_a_sentence_and_leaves_nothing(tmp_path):
    def save(_, path, **__):
        path.write_text("half of it", encoding="utf-8")
        raise RuntimeError("basic_ios::clear: iostream error")

    with pytest.raises(UserError, match="MB free; make room"):
        save_model(SimpleNamespace(save_model=save), None, tmp_path / "tower.xml", half=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["this process", "a child"])
def test_a_cache_that_can_only_be_read_is_still_read(monkeypatch, tmp_path, where):
    held = tmp_path / "held"
    for name in ("texts/a.json", "texts/b.sqlite", "collections/demo.gelato/manifest.json"):
        (held / name).parent.mkdir(parents=True, exist_ok=True)
        (held / name).write_text("kept", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in held.rglob("*")}
    monkeypatch.setenv("GELATO_CACHE", str(held))
    real = tempfile.TemporaryFile

    def refused(*_, dir=None, **rest):
        if dir is not None and Path(dir).is_relative_to(held):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(*_, dir=dir, **rest)

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    cache._writable.cache_clear()
    folder = cache_dir("texts")
    if where == "a child":
        script = "from training.models.cache import cache_dir; print(cache_dir('texts')); cache_dir('collections')"
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
        assert done.stdout.strip() == str(folder) and not done.stderr
    else:
        cache_dir("collections")
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == dict.fromkeys(
        ("a.json", "b.sqlite"), "kept"
    )
    assert (folder.parent / "collections/demo.gelato/manifest.json").read_text(encoding="utf-8") == "kept"
    write_file(folder / "a.json", b"new")
    (folder / "b.sqlite").write_text("new", encoding="utf-8")
    assert cache_dir("texts", "deeper").is_dir() and (cache_dir("texts") / "a.json").read_bytes() == b"new"
    assert {path: path.stat().st_mtime_ns for path in held.rglob("*")} == before
    assert (held / "texts/a.json").read_text(encoding="utf-8") == "kept"
    cache._writable.cache_clear()


SCRIPT = """
import os, signal, sys, importlib
for name in %r:
    sys.modules[name] = None
for module, names in %r.items():
    for name in set(names.split()) - {"register_at_fork", "fork", "WNOHANG", "poll"}:  # which Python itself needs
        vars(importlib.import_module(module)).pop(name, None)
import app.command, index.__main__, training.__main__, index.ingest.throughput, training.engine.trainer
from app.server.environment import set_environment
from index.build import build_collection
from index.collection import Collection
from index.search import SearchRequest, search
from index.query import parse_query
from pathlib import Path
from tests.samples import ColourEncoder, paint
import os
def kill(pid, number): raise AssertionError('on Windows this would stop a process')
os.kill = kill
set_environment()
folder = Path(sys.argv[1])
paint(folder / 'images' / 'red.png', 'red')
build_collection([folder / 'images'], folder / 'c.gelato', ColourEncoder())
print(search(Collection.open(folder / 'c.gelato'), ColourEncoder(), SearchRequest(parse_query('red'))).hits[0].path)
"""


@pytest.mark.slow
def test_a_build_and_a_search_need_no_module_that_windows_lacks(tmp_path):
    (tmp_path / "cache" / "page" / "1").mkdir(parents=True)  # left by a run that was killed
    environment = os.environ | {"GELATO_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", SCRIPT % (NOT_ON_WINDOWS, ATTRIBUTES_NOT_ON_WINDOWS), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "red.png", done.stderr
    assert not (tmp_path / "cache" / "page" / "1").exists()


def test_no_source_stops_a_process_to_see_it_and_none_imports_what_windows_lacks():
    wrong = []
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong += [f"{path}: {name}" for name in names if name.partition(".")[0] in NOT_ON_WINDOWS]
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            kills = [node for node in ast.walk(function) if is_kill(node)]
            guarded = kills and "os.name == 'nt'" in ast.unparse(function)
            wrong += [f"{path}: os.kill" for _ in kills if not guarded]
    assert not wrong


def test_what_windows_lacks_in_a_module_is_asked_for_before_it_is_used():
    wrong = []
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            guarded = any(guard in ast.unparse(function) for guard in GUARDS)
            used = (node for node in ast.walk(function) if isinstance(node, ast.Attribute) and not guarded)
            wrong += [f"{path}: {ast.unparse(node)}" for node in used if is_missing_on_windows(node)]
    assert not wrong


def is_missing_on_windows(node):
    module = node.value.id if isinstance(node.value, ast.Name) else ""
    return node.attr in ATTRIBUTES_NOT_ON_WINDOWS.get(module, "").split()


def is_kill(call):
    if not isinstance(call, ast.Call):
        return False
    zero = [one for one in call.args if isinstance(one, ast.Constant) and one.value == 0]
    return isinstance(call.func, ast.Attribute) and call.func.attr == "kill" and bool(zero)


TEXT_METHODS = {"read_text", "write_text"}


def test_every_text_file_is_opened_with_its_encoding():
    """A file read in the code page of the machine is another text on another machine."""
    wrong = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or any(k.arg in ("encoding", None) for k in node.keywords):
                continue
            if ast.unparse(node.func).startswith("super()."):  # write_text of click's help is no file's
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            method = isinstance(node.func, ast.Attribute)
            mode = node.args[0 if method else 1] if len(node.args) > (0 if method else 1) else None
            opened = (
                name == "open" and isinstance(mode, ast.Constant) and mode.value in ("r", "w", "a", "x", "r+", "w+")
            )
            text = name in TEXT_METHODS and len(node.args) < (2 if name == "write_text" else 1)
            if text or opened:
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not wrong
