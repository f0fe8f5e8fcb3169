"""What several tests stand on: an encoder that can be checked by eye, and small real images."""

import os
import re
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from tests.costs import Costs
from tests.samples import PALETTE, ColourEncoder, noise_image, paint

ROOT = Path(__file__).parent.parent

# Gradio's statistics, as app/server/environment.py turns them off; they use what pandas has deprecated.
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**62)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process that a test starts compiles every module anew
os.fsync = lambda handle: None  # no test pulls a plug, and a disk that others use takes milliseconds for each
if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores, so each computes on one
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--costs", action="store_true", help="list what each file of tests costs (tests/costs.py)")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--costs"):
        config.pluginmanager.register(Costs())


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return ByFile(config, log)


class ByFile(LoadScopeScheduling):
    """A file's tests run in one worker, which makes its fixtures once.

    The first worker begins with the files that drive a browser, so that seldom two browsers run at once, and the second
    with those whose ranks are forked from a process that has imported PyTorch, so that there is one such process. Who
    has nothing left helps the others, so that all end together.
    (xdist's own loadgroup does nothing with pytest 9.2, which ignores the node id that it sets.)
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        number = self.nodes.index(node)
        preferred = [FIRST_KINDS[number], ""] if number < len(FIRST_KINDS) else [""]
        order = [*preferred, *FIRST_KINDS]
        unit = min(self.workqueue, key=lambda file: order.index(kind_of(file)))  # of equal ones the first
        self.workqueue.move_to_end(unit, last=False)
        super()._assign_work_unit(node)


FIRST_KINDS = ("browser", "ranks")  # what the first workers begin with


@cache
def kind_of(file: str) -> str:
    text = (ROOT / file).read_text(encoding="utf-8")
    if "mark.browser" in text:
        return "browser"
    return "ranks" if re.search(r"tests\.ranks import", text) else ""


@pytest.fixture
def encoder() -> ColourEncoder:
    return ColourEncoder()


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """A folder with one square of each colour, nested, in several formats."""
    folder = tmp_path / "squares"
    endings = dict(zip(PALETTE, (".png", ".webp", ".bmp", ".gif", ".tiff"), strict=True))
    for colour, ending in endings.items():
        paint(folder / ("warm" if colour in ("red", "orange") else "cold") / f"{colour}{ending}", colour)
    return folder


@pytest.fixture(scope="session")
def captioned(tmp_path_factory) -> Path:
    """A folder of 40 small images, in four classes, each with a caption of its own beside it."""
    folder = tmp_path_factory.mktemp("captioned")
    kinds = ("cat", "dog", "ship", "tree")
    for number in range(40):
        kind = kinds[number % 4]
        (folder / kind).mkdir(exist_ok=True)
        noise_image(number).save(folder / kind / f"{number:02}.png")
        (folder / kind / f"{number:02}.txt").write_text(f"a {kind} number {number}\n")
    return folder


browser_is_next = pytest.StashKey[bool]()  # whether the test after the one that ends drives a browser too
running_browser = pytest.StashKey[tuple]()  # and what closes it


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    item.config.stash[browser_is_next] = nextitem is not None and nextitem.get_closest_marker("browser") is not None


@pytest.fixture(scope="module")
def browser(request):
    """One Chromium for modules that follow one another; while it runs, this thread can run no other event loop."""
    from tests.browsing import chromium

    stash = request.config.stash
    if running_browser not in stash:
        stack = ExitStack()
        stash[running_browser] = stack.enter_context(chromium()), stack
    yield stash[running_browser][0]
    if not stash[browser_is_next]:
        close_browser(request.config)


def close_browser(config: pytest.Config) -> None:
    if running_browser in config.stash:
        _, stack = config.stash[running_browser]
        del config.stash[running_browser]
        stack.close()


def pytest_sessionfinish(session: pytest.Session) -> None:
    close_browser(session.config)  # also where the session ends early


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A running page over two collections of coloured squares."""
    from tests.browsing import colour_library, served

    with served(colour_library(tmp_path_factory.mktemp("site"))) as site:
        yield site


@pytest.fixture(scope="module")
def pages(browser, site):
    """The pages of the site, which the tests of a module share."""
    from tests.browsing import Pages

    pages = Pages(browser, site)
    yield pages
    pages.close()


@pytest.fixture
def opened(pages, request):
    """Opens pages of the site; afterwards none of them may have asked another host or complained."""
    failed = request.session.testsfailed
    yield pages.opened
    pages.end_test(passed=request.session.testsfailed == failed)
