"""What several tests stand on: an encoder that can be checked by eye, and small real images."""

import os
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from tests.samples import PALETTE, ColourEncoder, noise_image, paint

ROOT = Path(__file__).parent.parent

# Gradio's statistics, as app/server/environment.py turns them off; they use what pandas has deprecated.
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**62)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process that a test starts compiles every module anew
if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores, so each computes on one
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return ByFile(config, log)


class ByFile(LoadScopeScheduling):
    """A file's tests run in one worker, which makes its fixtures once.

    The files that drive a browser take about half of the time. The first worker begins with them and the others with
    the rest, so that seldom two browsers run at once; who has nothing left helps the others, so that all end together.
    (xdist's own loadgroup does nothing with pytest 9.2, which ignores the node id that it sets.)
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        first = node is self.nodes[0]
        unit = next((file for file in self.workqueue if drives_browser(file) == first), next(iter(self.workqueue)))
        self.workqueue.move_to_end(unit, last=False)
        super()._assign_work_unit(node)


@cache
def drives_browser(file: str) -> bool:
    return "mark.browser" in (ROOT / file).read_text(encoding="utf-8")


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


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the tests of a module; while it runs, no other event loop can."""
    from tests.browsing import chromium

    with chromium() as browser:
        yield browser


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
