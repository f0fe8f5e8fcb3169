"""The installed package: what the wheel holds, the command gelato, and its work outside a checkout."""

import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
import venv
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import click
import pytest
from click.testing import CliRunner
from hatchling.build import build_sdist, build_wheel
from PIL import Image

from gelato import __version__
from gelato.command import COMMANDS, main
from training.data.shard_index import ALONE
from training.models import commands
from training.models.commands import as_started
from training.models.console import Commands
from training.models.errors import UserError

ROOT = Path(__file__).parent.parent
NEXT = "Next: python app.py, python -m index info and python -m training.models.starter"


def built(build: Callable[[str], str], sources: Path, into: Path) -> Path:
    """What a hook of the backend builds of a folder of sources."""
    with contextlib.chdir(sources):  # where a backend is called: PEP 517
        return into / build(str(into))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(build_wheel, ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return message_from_bytes(archive.read(f"gelato-{__version__}.dist-info/METADATA"))


def tracked(*folders: str) -> set[str]:
    """The files of folders in this checkout, without what Python leaves there."""
    files = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}


def test_the_wheel_holds_all_files_of_the_three_folders_below_one_name(names: set[str]):
    expected = {f"gelato/_src/{name}" for name in tracked("app", "index", "training")} | tracked("gelato")
    assert {name for name in names if ".dist-info/" not in name} == expected
    for needed in ("app/ui/favicon.png", "training/models/starter.safetensors", "training/models/starter.md"):
        assert f"gelato/_src/{needed}" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_needs_what_the_lists_of_requirements_name(metadata: Message):
    needs = metadata.get_all("Requires-Dist") or []
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    assert len([need for need in needs if "extra ==" not in need]) == len([line for line in lines if line])
    assert any(need.startswith("umap-learn") and "extra == 'map'" in need for need in needs)
    assert not any("requirements" in need for need in needs)


def test_every_list_of_optional_requirements_is_an_extra(metadata: Message):
    lists = {path.stem.partition("-")[2] for path in ROOT.glob("requirements-*.txt")} - {"dev"}
    assert set(metadata.get_all("Provides-Extra") or []) == lists


def test_the_source_distribution_builds_the_same_wheel(names: set[str], tmp_path: Path):
    with tarfile.open(built(build_sdist, ROOT, tmp_path)) as archive:
        archive.extractall(tmp_path, filter="data")
    again = built(build_wheel, tmp_path / f"gelato-{__version__}", tmp_path)
    assert set(zipfile.ZipFile(again).namelist()) == names


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--version"], None, f"gelato {__version__}"),
        (["--help"], None, "Commands:"),
        ([], None, "Commands:"),
        (["serach"], 2, "Error: There is no command 'serach'. Choose from: app,"),
    ],
)
def test_the_command_answers_by_itself(arguments, code, said, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gelato", *arguments])
    try:
        main()
        assert code is None
    except SystemExit as end:
        assert end.code == code
    answer = capsys.readouterr()
    assert said in answer.out + answer.err


def test_the_help_names_every_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gelato"])
    main()
    listed = capsys.readouterr().out.partition("Commands:")[2]
    assert all(f"\n  {name} " in listed for name in COMMANDS)


def test_messages_name_the_command_that_was_started(monkeypatch):
    @click.group(cls=Commands)
    def cli() -> None: ...

    @cli.command(help=NEXT)
    @click.option("--from", help=NEXT)
    def ask(**_: str) -> None:
        raise UserError(NEXT)

    expected = "Next: gelato app, gelato index info and python -m training.models.starter"
    for command, said in (("", NEXT), ("gelato", expected)):
        monkeypatch.setenv("GELATO_COMMAND", command)
        assert as_started(NEXT) == said
        assert said in CliRunner().invoke(cli, ["ask"]).output
        words = " ".join(CliRunner().invoke(cli, ["ask", "--help"]).output.split())
        assert words.count(said) == 2


@pytest.mark.parametrize(
    ("list_of", "pip", "said"),
    [
        ("requirements-map.txt", True, '/my/python -m pip install "no-umap<1,>=0.5"'),
        ("requirements-map.txt", False, 'uv pip install --python /my/python "no-umap<1,>=0.5"'),
        ("requirements.txt", True, '/my/python -m pip install "no-such-torch>=2"'),
        ("requirements-int8.txt", True, "pip install -r requirements-int8.txt"),  # there is none of that name
    ],
)
def test_an_installed_gelato_names_what_is_missing_and_not_the_other_gelato_of_pypi(list_of, pip, said, monkeypatch):
    lines = [
        "click>=8",
        "no-such-torch>=2",
        "no-wmi; sys_platform == 'plan9'",
        'no-umap<1,>=0.5; extra == "map"',
        'no-ray; extra == "cluster"',
    ]
    monkeypatch.setattr(importlib.metadata, "requires", {"gelato": lines}.get)
    monkeypatch.setattr(commands, "find_spec", lambda name: pip or None)
    monkeypatch.setattr(commands.sys, "executable", "/my/python")
    monkeypatch.setenv("GELATO_COMMAND", "gelato")
    assert as_started(f"To have it: pip install -r {list_of}.") == f"To have it: {said}."
    monkeypatch.setenv("GELATO_COMMAND", "")
    assert as_started(f"pip install -r {list_of}") == f"pip install -r {list_of}"


@pytest.mark.slow
def test_the_installed_command_works_in_an_empty_folder_outside_the_checkout(wheel: Path, tmp_path: Path):
    command = _installed(wheel, tmp_path / "environment")
    work = tmp_path / "work"
    (work / "images").mkdir(parents=True)
    (work / "training.py").write_text("raise SystemExit('a file of the user was imported')")
    for name in ("red", "blue"):
        Image.new("RGB", (64, 64), name).save(work / f"images/{name}.png")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"GELATO_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}

    def gelato(*arguments: str) -> str:
        done = subprocess.run([command, *arguments], cwd=work, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert gelato("index", "demo").endswith("Next: gelato app\n")
    assert gelato("index", "build", "images", "--into", "x.gelato").endswith("Next: gelato app --collection x.gelato\n")
    assert {hit["path"] for hit in json.loads(gelato("index", "search", "x.gelato", "red", "--json"))} == {
        "red.png",
        "blue.png",
    }
    # So many shards are indexed by spawned processes; data loader workers read them.
    gelato("train", "scenes", "make", "scenes:16", "--out", "shards", "--format", "tar")
    shard = next((work / "shards").glob("*.tar"))
    for number in range(ALONE + 1):
        shutil.copy(shard, work / f"{number:05}.tar")
    settings = {
        "--data": f"{{00000..{ALONE:05}}}.tar",
        "--tower": "tiny",
        "--batch-size": "8",
        "--steps": "3",
        "--workers": "2",
    }
    gelato("train", "simclr", *(word for pair in settings.items() for word in pair), "--out", "runs/first")
    assert (work / "runs/first/model.safetensors").is_file()
    assert json.loads(gelato("doctor", "--json"))["sound"]
    _page_answers([command, "app", "--collection", "x.gelato", "--port", "0", "--no-browser"], work, environment)


def _page_answers(command: list[str], work: Path, environment: dict[str, str]) -> None:
    """Start the page, and load it and its first script."""
    with subprocess.Popen(command, cwd=work, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().removeprefix("Gelato is at ").partition(" ")[0]
            scripts = re.search(rb"static/[0-9a-f]{16}", _fetched(address))
            assert scripts is not None
            assert b'"gelato app --encoder' in _fetched(f"{address}{scripts[0].decode()}/ui/footer/footer.js")
        finally:
            server.terminate()


def _fetched(address: str) -> bytes:
    """The content at an address, as soon as its server listens."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urlopen(address, timeout=60) as answer:
                return answer.read()
        except URLError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def _installed(wheel: Path, folder: Path) -> str:
    """The command gelato of a new environment with the wheel; its requirements are the packages of this one."""
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "shared.pth").write_text(sysconfig.get_path("purelib"))
    return str(folder / "bin/gelato")
