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
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.made_up import generated
from benchmarks.people import Browser, Server, serving, spread

RESULT = Path(__file__).parent / "results/browse.json"
READING = 1_500  # pixels a second
FASTER = 4
LONG = 600 * READING  # pixels that pass in ten minutes
JUMPS, FILTERS, READINGS = 40, 20, 6

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
@click.option("--folder", type=click.Path(path_type=Path), help="Where the collection is kept for another run.")
def main(images: int, seconds: float, pixels: int, folder: Path | None) -> None:
    """Measure, print and keep."""
    result: dict[str, Any] = {"images": images, "cores": len(os.sched_getaffinity(0))}
    with tempfile.TemporaryDirectory() as temporary, serving(generated(folder or Path(temporary), images)) as server:
        seen = Timeline(server)
        result |= {"open_s": round(seen.opened, 2), "before": seen.held()}
        result["scroll"] = seen.scroll(seconds, READING)
        result["scroll_fast"] = seen.scroll(seconds, FASTER * READING)
        result["jump"] = seen.jumps()
        result["filter"] = seen.filters()
        result["long"] = seen.long(pixels)
        seen.browser.close()
    result["busy"] = round(os.getloadavg()[0], 1)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
