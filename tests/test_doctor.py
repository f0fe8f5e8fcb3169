"""gelato doctor: each fault is found, named with its remedy, and ends with exit code 1."""

import json
import os
import sqlite3
import subprocess
import sys
import types
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from gelato import checks, doctor
from gelato.findings import Finding, document, hidden, screen
from gelato.packages import packages, required

ROOT = Path(__file__).parent.parent


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder, below one whose name holds a space."""
    folder = tmp_path / "my disk/cache"
    monkeypatch.setenv("GELATO_CACHE", str(folder))
    return folder


def faults(findings: Iterator[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.state == "fault"]


def a_file_instead_of_a_folder(cache: Path, _: pytest.MonkeyPatch) -> None:
    cache.parent.mkdir()
    cache.write_text("")


def no_write_access(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GELATO_CACHE", "/proc/gelato")  # where root, too, can make nothing


def a_database_that_is_none(cache: Path, _: pytest.MonkeyPatch) -> None:
    cache.mkdir(parents=True)
    (cache / "texts.sqlite").write_bytes(b"not a database" * 100)


def an_export_without_weights(cache: Path, _: pytest.MonkeyPatch) -> None:
    (cache / "openvino/2026").mkdir(parents=True)
    (cache / "openvino/2026/key.xml").write_text("<net/>")


def a_full_disk(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1e8))


@pytest.mark.parametrize(
    ("break_it", "text", "remedy"),
    [
        (a_file_instead_of_a_folder, "cannot be written (File exists)", "set GELATO_CACHE to a folder"),
        (no_write_access, "/proc/gelato cannot be written", "set GELATO_CACHE to a folder"),
        (a_database_that_is_none, "texts.sqlite is damaged", "made again when needed"),
        (an_export_without_weights, "key.xml is damaged", "made again when needed"),
        (a_full_disk, "0.1 GB free", "make room, or set GELATO_CACHE"),
    ],
)
def test_a_fault_of_the_cache_is_found_with_its_remedy(break_it, text, remedy, cache, monkeypatch):
    assert not faults(checks.folders())
    if cache.exists():
        cache.rmdir()
        cache.parent.rmdir()
    break_it(cache, monkeypatch)
    found = next(finding for finding in faults(checks.folders()) if finding.name == "cache")
    assert text in found.text and remedy in found.remedy
    said = json.dumps(document([found], paths=False))
    assert "disk/" not in said and "/proc" not in said and "<path>" in said
    assert str(found.path) in json.dumps(document([found], paths=True))


def test_a_sound_cache_is_sound(cache):
    cache.mkdir(parents=True)
    with sqlite3.connect(cache / "texts.sqlite") as store:
        store.execute("CREATE TABLE t (x)")
    (cache / "openvino").mkdir()
    for ending in (".xml", ".bin"):
        (cache / "openvino/key").with_suffix(ending).write_text("x")
    assert not faults(checks.folders())


@pytest.mark.parametrize(
    ("requirement", "module", "text", "remedy"),
    [
        ("no-such-package>=2", None, "is not installed", 'pip install "no-such-package>=2"'),
        ("click>=8", "packaging.requirements", "no other package was looked at", 'pip install "packaging"'),
        ("click>=99", None, f"{metadata.version('click')} is not a version", 'pip install "click>=99"'),
        ("faiss-cpu>=1", "faiss", "cannot be imported (ModuleNotFoundError", 'pip install --force-reinstall "faiss'),
        ("click>=8", None, None, None),
        ("no-such-package; platform_system == 'Plan9'", None, None, None),
    ],
)
def test_a_requirement_that_is_not_met_is_found_with_its_remedy(requirement, module, text, remedy, monkeypatch):
    if module:
        monkeypatch.setitem(sys.modules, module, None)  # importing it fails
    found = faults(packages([requirement]))
    assert len(found) == (text is not None)
    assert not found or (text in found[0].text and found[0].remedy.startswith(remedy))


def test_the_requirements_of_a_checkout_are_those_of_its_list():
    assert any(line.startswith("torch>=") for line in required(ROOT))
    assert not any("#" in line for line in required(ROOT))


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        (
            {"HF_ENDPOINT": "http://me:secret@127.0.0.1:9", "HF_HUB_OFFLINE": ""},
            "no way to http://127.0.0.1:9: Connection refused",
        ),
        ({"HF_HUB_OFFLINE": "1"}, "not asked: HF_HUB_OFFLINE is set"),
    ],
)
def test_no_network_is_a_note_and_no_fault(environment, text, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (found,) = checks.network()
    assert found.state == "note" and text in found.text and "secret" not in found.text


def test_a_check_that_fails_is_a_finding_and_no_traceback():
    def fails() -> Iterator[Finding]:
        yield Finding("Devices", "processor", "2 cores")
        raise ImportError("libgomp.so.1: cannot open shared object file")

    kept, failed = doctor.checked("Devices", fails)
    assert kept.state == "ok" and failed.state == "fault" and "libgomp" in failed.text


def test_a_missing_package_of_the_commands_themselves_does_not_stop_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "training.models.parallel", None)
    (found,) = doctor.checked("Devices", checks.devices)
    assert found.state == "fault" and "training.models.parallel" in found.text


@pytest.mark.parametrize("state", ["note", "fault"])
def test_the_exit_code_says_whether_something_is_broken(state, monkeypatch, capsys):
    finding = Finding("Folders", "cache", "/home/me/x is damaged", state, "delete /home/me/x", "/home/me/x")
    monkeypatch.setattr(doctor, "examine", lambda root: [finding])
    for arguments in ([], ["--json"]):
        with pytest.raises(SystemExit) as end:
            doctor.doctor(arguments, ROOT)
        assert end.value.code == (state == "fault")
    shown, _, report = capsys.readouterr().out.partition("\n{")
    assert "-> delete /home/me/x" in shown and ("1 fault" in shown) == (state == "fault")
    assert json.loads("{" + report) == {
        "sound": state != "fault",
        "findings": [
            {
                **{"section": "Folders", "name": "cache", "text": "<path> is damaged"},
                **{"state": state, "remedy": "delete <path>", "path": ""},
            }
        ],
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("FileNotFoundError: '/home/me/photos/a.jpg'", "FileNotFoundError: '<path>'"),
        (r"OSError: C:\Users\me\gelato", "OSError: <path>"),
        (f"{Path.home()}/x cannot be read", "<path> cannot be read"),
        ("https://huggingface.co took none, 1/2 s", "https://huggingface.co took none, 1/2 s"),
    ],
)
def test_a_bug_report_holds_no_paths(text, shown):
    assert hidden(text) == shown


def test_the_screen_groups_findings_below_their_sections():
    lines = screen([Finding("A", "x", "1"), Finding("A", "long", "2"), Finding("B", "y", "3")]).splitlines()
    assert lines == ["A", "  x     1", "  long  2", "", "B", "  y     3", "", "Nothing is broken."]


@pytest.mark.slow
def test_the_command_finds_what_is_broken_with_packages_missing_and_no_cache():
    start = "import sys; sys.modules['click'] = sys.modules['numpy'] = None; sys.argv = ['gelato', 'doctor', '--json']"
    command = [sys.executable, "-c", f"{start}; from gelato.command import main; main()"]
    environment = os.environ | {"GELATO_CACHE": "/proc/gelato"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and not done.stderr
    broken = {finding["name"] for finding in json.loads(done.stdout)["findings"] if finding["state"] == "fault"}
    assert {"numpy", "cache"} <= broken
