"""Is a timeline of 100,000 images smooth, and does it hold no more after ten minutes of scrolling than before?

    python benchmarks/browse.py

Opens the Search tab without a query in Chromium, at 1280 by 860, on the collection that benchmarks/load.py generates,
with every file shown:

- open      seconds from asking for the page to the first thumbnails
- scroll    milliseconds from one frame to the next while the page scrolls, at the speed of reading and at four times it
- jump      milliseconds from a press on the timeline to every thumbnail of the window
- filter    milliseconds from a click on a value of a filter to every thumbnail of the window
- long      DOM nodes and megabytes of the scripts and of the server while as many pixels pass as in ten minutes of
            reading, five times as fast; garbage is collected before each reading

- choose    milliseconds from Shift and a click until 10,000 images are chosen, from Enter until the page says that they
            are tagged, and from a click on Undo until it says that the tag is taken back; of images with distinct ids

The made-up images share a thousand thumbnails, so that most come from the browser's cache. Headless Chromium draws
without a GPU, on the cores that also serve. The result is kept beside this script as browse.json.
"""

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.made_up import generated
from benchmarks.people import Browser, Server, serving, spread
from index.ingest.throughput import machine

RESULT = Path(__file__).parent / "results/browse.json"
READING = 1_500  # pixels a second
FASTER = 4
LONG = 600 * READING  # pixels that pass in ten minutes
JUMPS, FILTERS, READINGS = 40, 20, 6
CHOSEN, ROUNDS = 10_000, 20

# Scrolls for some seconds at a speed, back and forth, and answers the milliseconds of each frame.
SCROLL = """([seconds, speed]) => new Promise((done) => {
  const frames = [];
  let direction = 1, last = performance.now(), end = last + 1000 * seconds;
  const tick = (now) => {
    frames.push(now - last);
    const most = document.documentElement.scrollHeight - innerHeight;
    if (scrollY >= most - 10) direction = -1;
    if (scrollY <= 10) direction = 1;
    scrollTo(0, scrollY + direction * speed * Math.min(100, now - last) / 1000);
    last = now;
    if (now < end) requestAnimationFrame(tick); else done(frames.slice(1));
  };
  requestAnimationFrame(tick);
})"""
# Whether every card in the window has its thumbnail.
WHOLE = """() => {
  const cards = [...document.querySelectorAll("#grid .g-grid-card")].filter((card) => {
    const { top, bottom } = card.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  return cards.length > 0 && cards.every((card) => card.querySelector("img")?.complete) &&
    !document.querySelector("#grid[aria-busy]");
}"""


SAYS = "(text) => document.querySelector('.g-selection-dock').textContent.includes(text)"
SHIFT_CLICK = "(tick) => tick.dispatchEvent(new MouseEvent('click', { shiftKey: true, bubbles: true }))"
# Scrolls an image to the middle of the window, in a timeline without groups. [place, number of all images]
GO_TO = """([at, all]) => {
  const { top, height } = document.querySelector("#grid").getBoundingClientRect();
  scrollTo(0, scrollY + top + (height * at) / all - innerHeight / 2);
}"""


class Timeline:
    """The Search tab of a running server, without a query."""

    def __init__(self, server: Server):
        self.server, self.browser = server, Browser(server)
        self.page = self.browser.page
        self.devtools = self.page.context.new_cdp_session(self.page)
        self.devtools.send("Performance.enable")
        begun = time.monotonic()
        self.page.goto(f"{server.url}?collapse=none", wait_until="commit")
        self.page.wait_for_selector("#scrubber:not([hidden])", timeout=120_000)
        self.page.wait_for_function(WHOLE, timeout=120_000)
        self.opened = time.monotonic() - begun

    def waited(self, act: Callable[[], None]) -> float:
        """Milliseconds from act to a whole window; looked at in each frame."""
        begun = time.monotonic()
        act()
        self.page.wait_for_function(WHOLE, polling="raf", timeout=60_000)
        return 1000 * (time.monotonic() - begun)

    def scroll(self, seconds: float, speed: int) -> dict[str, Any]:
        frames = self.page.evaluate(SCROLL, [seconds, speed])
        in_time = sum(frame < 1000 / 60 * 1.5 for frame in frames) / len(frames)
        return {"frames": len(frames), **spread(frames), "in_time": round(in_time, 3)}

    def jumps(self) -> dict[str, float]:
        """Presses at places of the timeline in no order."""
        box = self.page.locator("#scrubber").bounding_box()
        assert box is not None
        chance = random.Random(0)
        places = [box["y"] + (0.02 + 0.96 * chance.random()) * box["height"] for _ in range(JUMPS)]
        return spread([self.waited(lambda y=y: self.page.mouse.click(box["x"] + 30, y)) for y in places])

    def filters(self) -> dict[str, float]:
        """Values of the first columns, taken and given back in turn."""
        self.page.evaluate("scrollTo(0, 0)")
        self.page.locator("#open-filters").click()
        chip = self.page.locator("#filters fieldset .g-chip")
        chip.first.wait_for()
        found = []
        for number in range(FILTERS):
            before = self.page.locator("#status").inner_text()
            begun = time.monotonic()
            chip.nth(number // 2 % 8).click()
            self.page.wait_for_function("(old) => document.querySelector('#status').innerText !== old", arg=before)
            self.page.wait_for_function(WHOLE, polling="raf")
            found.append(1000 * (time.monotonic() - begun))
            self.page.wait_for_timeout(300)
        self.page.locator("#open-filters").click()
        return spread(found)

    def choosing(self, images: int) -> dict[str, Any]:
        """The first CHOSEN images are chosen, tagged and, by Undo, untagged, again and again."""
        page = self.page
        found: dict[str, list[float]] = {"select": [], "tag": [], "undo": []}
        page.set_default_timeout(120_000)
        page.goto(f"{self.server.url}?collapse=none&group=none")
        page.wait_for_selector("#grid .g-grid-card img")
        page.wait_for_timeout(3000)  # the page reads its state, and asks for the images once more
        for number in range(ROUNDS):
            page.keyboard.press("Escape")
            page.evaluate("scrollTo(0, 0)")
            page.locator("[data-index='0']").hover()
            page.locator("[data-index='0'] .g-selection-tick").click()
            page.evaluate(GO_TO, [CHOSEN - 1, images])
            last = page.locator(f"[data-index='{CHOSEN - 1}'] .g-selection-tick")
            last.wait_for(state="attached")
            found["select"].append(self.until(lambda tick=last: tick.evaluate(SHIFT_CLICK), f"{CHOSEN:,} chosen"))
            page.locator("#tag-name").fill(f"round {number}")
            enter = partial(page.locator("#tag-name").press, "Enter")
            found["tag"].append(self.until(enter, f"{CHOSEN:,} images tagged: round {number}"))
            undo = partial(page.locator("#undo").evaluate, "(button) => button.click()")
            found["undo"].append(self.until(undo, f"was taken from {CHOSEN:,} images"))
        return {"chosen": CHOSEN, **{name: spread(times) for name, times in found.items()}}

    def until(self, act: Callable[[], object], text: str) -> float:
        """Milliseconds from act until the page says text; looked at in each frame."""
        begun = time.monotonic()
        act()
        self.page.wait_for_function(SAYS, arg=text, polling="raf", timeout=60_000)
        return 1000 * (time.monotonic() - begun)

    def held(self) -> dict[str, float]:
        """What is in memory now."""
        self.devtools.send("HeapProfiler.collectGarbage")
        found = {one["name"]: one["value"] for one in self.devtools.send("Performance.getMetrics")["metrics"]}
        nodes = self.page.evaluate("document.querySelectorAll('*').length")
        heap = round(found["JSHeapUsedSize"] / 2**20, 1)
        return {"nodes": nodes, "scripts_mb": heap, "server_mb": round(self.server.megabytes(), 1)}

    def long(self, pixels: int) -> list[dict[str, float]]:
        speed, readings = 5 * READING, []
        for _ in range(READINGS):
            self.page.evaluate(SCROLL, [pixels / READINGS / speed, speed])
            readings.append(self.held())
        return readings


@click.command()
@click.option("--images", default=100_000, show_default=True)
@click.option("--seconds", default=10.0, show_default=True, help="Of scrolling at each speed.")
@click.option("--pixels", default=LONG, show_default=True, help="That pass in the long stretch.")
@click.option("--choosing", is_flag=True, help="Only choose images, of distinct ids, and keep it as choosing.json.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the collection is kept for another run.")
def main(images: int, seconds: float, pixels: int, choosing: bool, folder: Path | None) -> None:
    """Measure, print and keep."""
    result: dict[str, Any] = {"images": images, "machine": machine()}
    with tempfile.TemporaryDirectory() as temporary:
        collection = generated(folder or Path(temporary), images, distinct=choosing)
        with serving(collection) as server:
            measure = _choosing if choosing else _scrolling
            result |= measure(server, images, seconds, pixels)
    result["busy"] = round(os.getloadavg()[0], 1)
    kept = RESULT.with_name("choosing.json") if choosing else RESULT
    kept.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


def _choosing(server: Server, images: int, seconds: float, pixels: int) -> dict[str, Any]:
    seen = Timeline(server)
    try:
        return seen.choosing(images)
    finally:
        seen.browser.close()


def _scrolling(server: Server, images: int, seconds: float, pixels: int) -> dict[str, Any]:
    seen = Timeline(server)
    result: dict[str, Any] = {"open_s": round(seen.opened, 2), "before": seen.held()}
    result["scroll"] = seen.scroll(seconds, READING)
    result["scroll_fast"] = seen.scroll(seconds, FASTER * READING)
    result["jump"] = seen.jumps()
    result["filter"] = seen.filters()
    result["long"] = seen.long(pixels)
    seen.browser.close()
    return result


if __name__ == "__main__":
    main()
