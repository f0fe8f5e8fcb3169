"""The main path through the page in Firefox: search, image, tag, filter, Back, a dropped image, and every tab."""

import json

import pytest

from tests.browsing import colour_library, served
from tests.firefox import firefox

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIRST = "document.querySelector('#grid .g-grid-name')?.innerText"
OPEN = "document.querySelector('#viewer').open"
DROP = """(async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 40, height: 30 });
  const context = canvas.getContext("2d");
  context.fillStyle = "rgb(30, 60, 200)";
  context.fillRect(0, 0, 40, 30);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([blob], "mine.png", { type: "image/png" }));
  const target = document.querySelector("#grid");
  for (const type of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
})()"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_main_path_works_in_firefox_without_an_error_of_the_page(tmp_path, dark):
    with served(colour_library(tmp_path)) as site, firefox(dark) as page:
        page.resize(1280, 860)
        page.goto(site.url)
        page.wait_for("#grid .g-grid-card img")
        assert page.evaluate("document.body.classList.contains('dark')") == dark
        search(page, "red")
        page.wait(f"{FIRST}.startsWith('red')")

        page.click("#grid .g-grid-frame")
        page.wait(OPEN)
        place = page.text(".g-viewer-place")
        page.press("ArrowRight")
        page.wait(f"document.querySelector('.g-viewer-place').innerText !== {json.dumps(place)}")
        page.press("ArrowLeft")
        page.wait(f"document.querySelector('.g-viewer-place').innerText === {json.dumps(place)}")
        width = "document.querySelector('.g-viewer-picture, #viewer img').getBoundingClientRect().width"
        fitted = page.evaluate(width)
        page.wheel(400, 400, -300)
        page.wait(f"{width} > {fitted}")
        page.back()
        page.wait(f"!{OPEN}")

        page.evaluate("document.querySelector('#grid .g-selection-tick').click()")
        page.wait("!document.querySelector('#selected').hidden")
        page.click("#tag-name")
        page.press("kept", "Enter")
        page.wait("document.querySelector('.g-selection-dock').innerText.includes('tagged: kept')")
        page.press("Escape", "Escape")
        page.click("#open-filters")
        page.wait_for("#filters .g-chip")
        page.evaluate(
            "[...document.querySelectorAll('#filters .g-chip')].find(c => c.innerText.includes('kept')).click()"
        )
        page.wait("document.querySelectorAll('#grid .g-grid-card').length === 1")
        page.back()
        page.wait("document.querySelectorAll('#grid .g-grid-card').length > 1")

        page.evaluate(DROP)
        page.wait_for("#terms .g-query-term")
        page.wait("document.querySelector('#terms').innerText.includes('mine.png')")

        for tab, ready in (
            ("classify", "#classify-all"),
            ("map", "#map-legend, #map-quality"),
            ("learn", "#learn .g-learn > *"),
            ("duplicates", "#duplicates"),
            ("collections", "#collections"),
        ):
            page.click(f"#{tab}-tab-button")
            page.wait_for(ready)
        page.click("#classify-tab-button")
        page.click("#classify-all")
        page.wait_for("#label-stack button")
        page.back()
        page.wait("new URLSearchParams(location.search).get('tab') === 'collections'")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.errors(site.url) == []


def search(page, text: str) -> None:
    page.click("#q")
    page.press(text, "Enter")
    page.wait(f"new URLSearchParams(location.search).get('q') === {json.dumps(text)}")
    page.wait("document.querySelector('#status').innerText.includes(' ms')")  # a timeline has no time
    page.wait("!document.querySelector('#grid[aria-busy=true]')")
