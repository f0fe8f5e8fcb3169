"""The app is stopped at any moment: it ends soon, with code 0, says nothing, leaves no child and nothing half done."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.stopping import LONGEST, Stopping
from index.collection import Collection
from index.maintenance.verify import find_faults
from tests.samples import paint

ROOT = Path(__file__).parent.parent
IMAGES = 300
APP, SLOW = ["app.py"], ["-m", "tests.slow_app", "--encoder", "colours"]


class App:
    """A process of the app with a cache of its own, as the leader of a session."""

    def __init__(self, folder: Path, command: list[str]):
        self.cache = folder / "cache"
        environment = os.environ | {"GELATO_CACHE": str(self.cache), "PYTHONUNBUFFERED": "1"}
        arguments = [sys.executable, *command, "--port", "0", "--no-browser"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(
            arguments, cwd=ROOT, env=environment, text=True, start_new_session=True, **pipes
        )

    def url(self) -> str:
        """The address that it prints."""
        return self.process.stdout.readline().split()[3]

    def wait(self, happened: Callable[[], object]) -> None:
        """Until something has happened, while the process runs."""
        while not happened():
            assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.05)

    def children(self) -> list[str]:
        """The processes of its session that still run."""
        stats = [
            path.read_text().rpartition(")")[2].split() for path in Path("/proc").glob("[0-9]*/stat") if readable(path)
        ]
        return [stat for stat in stats if int(stat[3]) == self.process.pid and stat[0] != "Z"]


def readable(path: Path) -> bool:
    try:
        return bool(path.read_text())
    except OSError:  # it ended meanwhile
        return False


@contextmanager
def importing(folder: Path) -> Iterator[App]:
    """Before Gradio is imported; two towers are exported meanwhile in child processes."""
    app = App(folder, APP)
    app.wait((app.cache / "encoders" / "starter").exists)
    yield app


@contextmanager
def loading(folder: Path) -> Iterator[App]:
    """During the first start: the page is there, the encoder is not."""
    app = App(folder, APP)
    app.url()
    yield app


@contextmanager
def indexing(folder: Path) -> Iterator[App]:
    for number in range(IMAGES):
        paint(folder / "many" / f"{number}.png", (number % 256, number // 256, 99))
    app = App(folder, [*SLOW, "--images", str(folder / "many")])
    url = app.url()
    app.wait(lambda: [job for job in patient_get(f"{url}api/v1/jobs") if job["done"] >= 16])
    yield app
    (path,) = (path.parent for path in app.cache.rglob("manifest.json"))
    assert 0 < len(Collection.open(path)) < IMAGES and not find_faults(path)  # what was embedded is published


@contextmanager
def streaming(folder: Path) -> Iterator[App]:
    paint(folder / "one" / "red.png", "red")
    app = App(folder, [*SLOW, "--images", str(folder / "one")])
    url = app.url()
    app.wait(lambda: patient_get(f"{url}healthz"))
    with httpx.stream("GET", f"{url}gradio_api/heartbeat/a", timeout=60) as response:  # as every open page has one
        next(response.iter_raw())
        yield app


def patient_get(url: str) -> object:
    try:
        return httpx.get(url, timeout=30).json()
    except httpx.TransportError:  # it does not listen yet
        return []


MOMENTS = [
    (importing, signal.SIGTERM),
    (indexing, signal.SIGTERM),
    (streaming, signal.SIGINT),
    pytest.param(loading, signal.SIGINT, marks=pytest.mark.slow),
    pytest.param(importing, signal.SIGINT, marks=pytest.mark.slow),
    pytest.param(loading, signal.SIGTERM, marks=pytest.mark.slow),
    pytest.param(indexing, signal.SIGINT, marks=pytest.mark.slow),
    pytest.param(streaming, signal.SIGTERM, marks=pytest.mark.slow),
]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("moment", "number"), MOMENTS)
def test_it_ends_soon_and_quietly_at(tmp_path, moment, number):
    with moment(tmp_path) as app:
        app.process.send_signal(number)
        begun = time.monotonic()
        _, said = app.process.communicate(timeout=60)
        assert (app.process.returncode, said) == (0, "")
        assert time.monotonic() - begun < LONGEST
    while app.children():  # one that was killed needs a moment to give its memory back
        assert time.monotonic() - begun < LONGEST
        time.sleep(0.05)
    assert not list((app.cache / "page").iterdir())


def test_actions_are_called_once_the_newest_first_also_after_one_that_fails(caplog):
    called: list[int] = []
    stopping = Stopping()
    for number in (1, 2, 3):
        stopping.at_end(lambda number=number: called.append(number) or 1 / (number - 2))
    stopping.run()
    stopping.run()
    assert called == [3, 2, 1] and "could not be ended" in caplog.text


def test_a_second_signal_ends_it_at_once():
    script = "import signal, threading; from app.stopping import *\nwith stopping_on_signals() as s:\n"
    script += "    s.at_end(threading.Event().wait)\n    print('go', flush=True)\n    threading.Event().wait()"
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
