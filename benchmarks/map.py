"""Is the map of 100,000 images smooth, how long does it take to open, and what does it hold in memory?

    python benchmarks/map.py

Opens the Map tab in Chromium, at 1280 by 860, on the collection that benchmarks/load.py generates, and takes hold
of it as a visitor does, with a real mouse:

- first, again   from asking for the page to the drawn map; the second in a server started anew, which finds the
                 axes kept beside the collection
- pan, zoom, lasso, hover   a stretch of 60 moves each: milliseconds from one frame to the next as the page sees
                 them, and milliseconds that the page's scripts take for a move, drawing included
- memory         of the page's scripts, and what the server grew by

Headless Chromium draws without a GPU. The result is kept beside this script as map.json.
"""

import json
import os
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
from index.projection.projection import map_file

RESULT = Path(__file__).parent / "results/map.json"
STEPS = 60  # of the mouse in each stretch

# The milliseconds between frames while they are counted.
COUNT = """() => {
  window.frames_ = [];
  let last = performance.now();
  const tick = (now) => { window.frames_.push(now - last); last = now; window.counting = requestAnimationFrame(tick); };
  window.counting = requestAnimationFrame(tick);
}"""
COUNTED = "() => { cancelAnimationFrame(window.counting); return window.frames_.slice(1); }"
DRAWN = """() => {
  const map = document.querySelector('#map canvas');
  if (!map || !map.width || !document.querySelector('#map-status b')) return false;
  const seen = map.getContext('2d').getImageData(0, 0, map.width, map.height).data;
  let other = 0;
  for (let i = 0; i < seen.length; i += 4) other += seen[i] !== seen[0] || seen[i + 1] !== seen[1];
  return other > 1000;
}"""


class Map:
    """The Map tab of a running server."""

    def __init__(self, server: Server):
        self.browser = Browser(server)
        self.page = self.browser.page
        self.devtools = self.page.context.new_cdp_session(self.page)
        self.devtools.send("Performance.enable")
        before = server.megabytes()
        begun = time.monotonic()
        self.page.goto(f"{server.url}?tab=map", wait_until="commit")
        self.page.wait_for_function(DRAWN, timeout=120_000)
        self.opened = time.monotonic() - begun
        self.page.wait_for_selector("#map-table summary", state="attached", timeout=120_000)  # the words are there
        self.page.wait_for_timeout(2000)  # and small images
        self.grown = server.megabytes() - before
        box = self.page.locator("#map canvas").first.bounding_box()
        assert box is not None
        self.middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.reach = 0.3 * min(box["width"], box["height"])

    def metrics(self) -> dict[str, float]:
        found = self.devtools.send("Performance.getMetrics")["metrics"]
        return {one["name"]: one["value"] for one in found}

    def stretch(self, act: Callable[[int], None]) -> dict[str, Any]:
        """Frames while act is done STEPS times, a screen's frame apart."""
        self.page.evaluate(COUNT)
        before = self.metrics()
        for step in range(STEPS):
            act(step)
            self.page.wait_for_timeout(16)
        after = self.metrics()
        frames = self.page.evaluate(COUNTED)
        scripts = 1000 * (after["ScriptDuration"] - before["ScriptDuration"]) / STEPS
        return {"frames": len(frames), **spread(frames), "script_ms_a_move": round(scripts, 1)}

    def gestures(self) -> dict[str, Any]:
        mouse, (x, y), reach = self.page.mouse, self.middle, self.reach
        across = lambda step: x + reach * (2 * step / STEPS - 1)  # noqa: E731
        found = {}
        mouse.move(x, y)
        found["hover"] = self.stretch(lambda step: mouse.move(across(step), y + 0.4 * reach * (step % 3)))
        mouse.move(x - reach, y)
        mouse.down()
        found["pan"] = self.stretch(lambda step: mouse.move(across(step), y))
        mouse.up()
        found["zoom"] = self.stretch(lambda step: mouse.wheel(0, -120 if step < STEPS / 2 else 120))
        self.page.keyboard.down("Shift")
        mouse.move(x - reach, y - reach)
        mouse.down()
        corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        per = STEPS // 4

        def round_(step: int) -> None:
            (ax, ay), (bx, by) = corners[step // per % 4], corners[(step // per + 1) % 4]
            part = step % per / per
            mouse.move(x + reach * (ax + part * (bx - ax)), y + reach * (ay + part * (by - ay)))

        found["lasso"] = self.stretch(round_)
        begun = time.monotonic()
        mouse.up()
        self.page.keyboard.up("Shift")
        self.page.wait_for_selector("#map-grid .g-grid-card img")
        found["chosen"] = {
            "images": self.page.locator("#map-selected h2").inner_text(),
            "until_shown_ms": round(1000 * (time.monotonic() - begun)),
        }
        return found


@click.command()
@click.option("--images", default=100_000, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="Where the collection is kept for another run.")
def main(images: int, folder: Path | None) -> None:
    """Measure, print and keep."""
    from index.collection import Collection

    result: dict[str, Any] = {"images": images, "cores": len(os.sched_getaffinity(0))}
    with tempfile.TemporaryDirectory() as temporary:
        collection = generated(folder or Path(temporary), images)
        map_file(Collection.open(collection), "pca").unlink(missing_ok=True)
        for name in ("first", "again"):
            with serving(collection) as server:
                seen = Map(server)
                result[name] = {"seconds": round(seen.opened, 2)}
                if name == "again":
                    result |= seen.gestures()
                    heap = seen.metrics()["JSHeapUsedSize"] / 2**20
                    result["memory_mb"] = {"scripts": round(heap, 1), "server_grew": round(seen.grown, 1)}
                seen.browser.close()
    result["busy"] = round(os.getloadavg()[0], 1)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
