"""The Learn tab in a real Chromium, with lessons from the real child process; who may have them over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

from app.state.library import Library
from app.tabs.learn.tab import learn_routes
from tests.browsing import Site, colour_library, navigate, served, settle

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's queue uses what pandas 3 lets go of
]
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
RULES = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
NT_XENT = "?tab=learn&lesson=nt-xent&set=encoder=zoo/untrained"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    library = colour_library(tmp_path_factory.mktemp("learn"))
    library.desktop = True
    with served(library) as site:
        yield site


def computed(page: Page) -> str:
    """What a lesson has found, once all of it is there."""
    settle(page)
    return page.locator("#learn-figures .g-learn-result").inner_text()


def test_a_lesson_moves_at_once_and_address_back_and_reload_keep_it(opened):
    page = opened(NT_XENT, ready="#learn-figures [data-part]")
    before = computed(page)
    assert before.startswith("Loss") and "ln 11 = 2.398" in before
    expect(page.locator(".g-learn-matrix tbody td.g-learn-match")).to_have_count(12)
    page.locator("#learn-temperature").focus()
    page.keyboard.press("Home")
    page.wait_for_function("location.search.includes('temperature%3D0.02')")
    lowest = computed(page)
    assert lowest != before
    page.locator("#learn-next").click()
    page.wait_for_function("!location.search.includes('lesson=nt-xent')")
    expect(page.locator(".g-learn h2")).to_be_focused()
    settle(page)
    page.go_back()
    page.wait_for_function("location.search.includes('lesson=nt-xent')")
    assert computed(page) == lowest
    page.reload()
    page.wait_for_selector("#learn-figures [data-part]")
    assert computed(page) == lowest
    expect(page.locator("#learn-temperature")).to_have_attribute("aria-valuetext", "0.02")


@pytest.mark.parametrize("look", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_lessons_have_no_serious_finding_and_fit_a_phone_too(opened, look):
    theme = "&__theme=dark" if look == "dark" else ""
    page = opened(f"{NT_XENT}{theme}", ready="#learn-figures [data-part]", color_scheme=look, reduced_motion="reduce")
    computed(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        found = page.evaluate("(rules) => axe.run('#learn', rules)", RULES)["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found if one["impact"] != "minor"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#learn-menu").select_option("families")
    page.wait_for_function("location.search.includes('lesson=families')")
    assert "labels" in computed(page)


def test_the_button_of_the_header_opens_it_and_a_photo_of_ones_own_is_used(opened, site):
    page = opened()
    page.locator("#follow-lecture").click()
    page.wait_for_function("new URLSearchParams(location.search).get('tab') === 'learn'")
    settle(page)
    navigate(page, "goTo('learn', { lesson: 'zero-shot', set: ['encoder=zoo/clip'] })")
    first = computed(page)
    page.locator(".g-learn .g-samples-item").nth(3).click()
    page.wait_for_function("new URLSearchParams(location.search).has('image')")
    assert first and computed(page)
    expect(page.locator(".g-learn-box")).to_have_count(5)


def test_others_get_a_sentence_with_the_command_and_nothing_is_computed():
    library = Library(local=True)
    server = FastAPI()
    server.include_router(learn_routes(library))
    page = TestClient(server)
    answer = page.post("/lessons", content=json.dumps({"lesson": "nt-xent"})).json()
    assert answer["error"].endswith("run: python -m training lesson nt-xent")
    assert "rm -rf" not in page.post("/lessons", content=json.dumps({"lesson": "; rm -rf /"})).text
    assert library.lessons._child is None
    assert page.post("/lessons", content="[]").status_code == 400


def test_a_lesson_is_streamed_and_a_mistake_is_its_last_line():
    library = Library(local=True, desktop=True)
    server = FastAPI()
    server.include_router(learn_routes(library))
    page = TestClient(server)
    lines = page.post("/lessons", content=json.dumps({"lesson": "families"})).text.splitlines()
    assert {json.loads(line)["kind"] for line in lines} == {"bars", "sentence", "remark"}
    (mistake,) = page.post("/lessons", content=json.dumps({"lesson": "nt-xnet"})).text.splitlines()
    assert "Did you mean" in json.loads(mistake)["error"]
    library.stop()
