"""Does the memory of browser and server stay flat while somebody uses the page at random?

    python benchmarks/random_use.py --minutes 60

Opens the page in Chromium, at 1280 by 860, on the collection that benchmarks/load.py generates, and does one thing
after the other, in an order drawn by a seed: scrolls, presses the timeline, searches, opens an image and goes on to
others, filters, chooses, tags and undoes, goes back, and looks at the other tabs.

- readings    once a minute, after a collection of garbage: DOM nodes, megabytes of the scripts and of the server
- growth      megabytes a minute by a straight line through the readings, those of the first quarter left out
- actions     how often each was done; failed: those that had no effect within half a minute; errors: of the page

The result is kept in results/random_use.json.
"""

import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.browse import READING, SCROLL, WHOLE, Timeline
from benchmarks.made_up import generated
from benchmarks.people import serving
from index.ingest.throughput import machine

RESULT = Path(__file__).parent / "results/random_use.json"
TEXTS = (
    "a cat",
    "a red flower",
    "fruit - apple",
    "2:rocket + sky",
    "a cup of coffee",
    "an astronaut",
    "grass",
    "clock",
)
TABS = ("map", "duplicates", "collections", "compare", "learn")
PATIENCE = 30_000  # milliseconds


class Person:
    """Somebody who uses the page at random."""

    def __init__(self, timeline: Timeline, seed: int):
        self.timeline, self.page, self.chance = timeline, timeline.page, random.Random(seed)
        self.page.set_default_timeout(PATIENCE)
        self.actions: dict[str, Callable[[], None]] = {
            name: getattr(self, name) for name in ("scroll", "jump", "search", "look", "filter", "tag", "back", "tab")
        }

    def act(self) -> str:
        """Do one thing; its name."""
        name = self.chance.choice(list(self.actions))
        self.actions[name]()
        return name

    def scroll(self) -> None:
        self.page.evaluate(SCROLL, [3, self.chance.choice([1, 4]) * READING])

    def jump(self) -> None:
        self.go("")
        box = self.page.locator("#scrubber").bounding_box()
        if box is not None:
            self.page.mouse.click(box["x"] + 30, box["y"] + self.chance.uniform(0.05, 0.95) * box["height"])
        self.whole()

    def search(self) -> None:
        self.open_search()
        self.page.locator("#q").fill(self.chance.choice(TEXTS))
        self.page.keyboard.press("Enter")
        self.whole()

    def look(self) -> None:
        self.open_search()
        self.whole()
        self.page.locator("#grid .g-grid-frame").locator("visible=true").first.click()
        for _ in range(self.chance.randint(1, 8)):
            self.page.keyboard.press(self.chance.choice(["ArrowRight", "ArrowRight", "ArrowLeft"]))
            self.page.wait_for_timeout(150)
        self.page.keyboard.press("Escape")
        self.page.locator("#viewer").wait_for(state="hidden")

    def filter(self) -> None:
        self.go("")
        self.page.locator("#open-filters").click()
        chips = self.page.locator("#filters fieldset .g-chip")
        chips.first.wait_for()
        chips.nth(self.chance.randrange(6)).click()
        self.whole()
        self.page.locator("#open-filters").click()

    def tag(self) -> None:
        self.open_search()
        self.whole()
        for card in range(self.chance.randint(1, 4)):
            self.page.locator("#grid .g-grid-card").locator("visible=true").nth(card).hover()
            self.page.locator("#grid .g-selection-tick:not(.g-selection-group)").locator("visible=true").nth(
                card
            ).click()
        self.page.locator("#tag-name").fill("random")
        self.page.keyboard.press("Enter")
        self.page.locator("#undo").click()
        self.page.keyboard.press("Escape")

    def back(self) -> None:
        if self.page.evaluate("history.length") > 3:
            self.page.go_back()
            self.page.wait_for_timeout(500)

    def tab(self) -> None:
        self.page.locator(f"#{self.chance.choice(TABS)}-tab-button").click()
        self.page.wait_for_timeout(1500)

    def open_search(self) -> None:
        self.page.locator("#search-tab-button").click()

    def go(self, query: str) -> None:
        """All images, as after the cross in the field: without a load of the page."""
        self.open_search()
        self.page.locator("#q").fill(query)
        self.page.keyboard.press("Enter")
        self.page.locator("#scrubber:not([hidden])").wait_for()

    def whole(self) -> None:
        self.page.wait_for_function(WHOLE, timeout=PATIENCE)


def growth(readings: list[dict[str, float]], name: str) -> float:
    """By how much a figure grows a minute, without the first quarter of the readings."""
    late = readings[len(readings) // 4 :]
    if len(late) < 2:
        return 0.0
    return round(float(np.polyfit([one["minute"] for one in late], [one[name] for one in late], 1)[0]), 3)


def use(timeline: Timeline, minutes: float, seed: int) -> dict[str, Any]:
    """Use the page for so many minutes."""
    person, done, failed, errors = Person(timeline, seed), Counter[str](), Counter[str](), []
    timeline.page.on("pageerror", lambda error: errors.append(str(error)[:200]))
    begun = time.monotonic()
    readings = [{"minute": 0.0, **timeline.held()}]
    while (past := (time.monotonic() - begun) / 60) < minutes:
        try:
            done[person.act()] += 1
        except Exception as error:
            failed[str(error).split("\n")[0][:120]] += 1
            timeline.page.keyboard.press("Escape")
        if past > readings[-1]["minute"] + 1:
            readings.append({"minute": round(past, 2), **timeline.held()})
    readings.append({"minute": round((time.monotonic() - begun) / 60, 2), **timeline.held()})
    grows = {name: growth(readings, name) for name in ("nodes", "scripts_mb", "server_mb")}
    return {"actions": dict(done), "failed": dict(failed), "errors": errors, "growth": grows, "readings": readings}


@click.command()
@click.option("--images", default=20_000, show_default=True)
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="Where the collection is kept for another run.")
def main(images: int, minutes: float, seed: int, folder: Path | None) -> None:
    """Measure, print and keep."""
    with tempfile.TemporaryDirectory() as temporary:
        with serving(generated(folder or Path(temporary), images, distinct=True)) as server:
            timeline = Timeline(server)
            found = use(timeline, minutes, seed)
            timeline.browser.close()
    result = {"images": images, "minutes": minutes, "machine": machine(), "busy": round(os.getloadavg()[0], 1), **found}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
