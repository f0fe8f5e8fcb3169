"""How much the page loads the first time, and how long that takes over a slow line.

    python benchmarks/first_load.py --collection photos.gelato

Opens the page in Chromium with an empty cache over a line of 62 kB/s and 100 ms (set through the DevTools protocol),
and waits for the search box and for the first images. "own" is what comes beyond Gradio's files: the page itself, our
scripts, styles, data and thumbnails. The result is printed and kept beside this script as first_load.json.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results/first_load.json"
RATE = 62_000  # bytes a second
LATENCY = 100  # milliseconds
GRADIO = ("assets/", "static/fonts/", "theme.css", "gradio_api/", "favicon", "svg", "manifest")


@contextmanager
def server(collection: Path) -> Iterator[str]:
    """The address of the page on a collection."""
    command = [sys.executable, "app.py", "--no-browser", "--port", "0", "--collection", str(collection)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
        finally:
            process.terminate()


def load(browser: Browser, url: str) -> dict[str, float]:
    """One cold load: seconds to the search box and to the first image; bytes and requests until the search box."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    protocol = context.new_cdp_session(page)
    protocol.send("Network.enable")
    line = {"offline": False, "latency": LATENCY, "downloadThroughput": RATE, "uploadThroughput": RATE}
    protocol.send("Network.emulateNetworkConditions", line)
    addresses: dict[str, str] = {}
    received: dict[str, int] = {}
    protocol.on("Network.requestWillBeSent", lambda e: addresses.__setitem__(e["requestId"], e["request"]["url"]))
    protocol.on("Network.loadingFinished", lambda e: received.__setitem__(e["requestId"], int(e["encodedDataLength"])))
    begun = time.monotonic()
    page.goto(url, wait_until="commit", timeout=120_000)
    page.wait_for_selector("#search input", timeout=120_000)
    search = time.monotonic() - begun
    counts = own_and_all(url, addresses, received)
    page.wait_for_selector("#grid .g-grid-card img", timeout=120_000)
    images = time.monotonic() - begun
    context.close()
    return {"search": search, "images": images, **counts}


def own_and_all(url: str, addresses: dict[str, str], received: dict[str, int]) -> dict[str, float]:
    """Bytes and requests so far: of our own, and of all."""
    paths = {id: address.removeprefix(url) for id, address in addresses.items() if address.startswith(url)}
    own = [id for id, path in paths.items() if not path.startswith(GRADIO)]
    return {
        "own_bytes": sum(received.get(id, 0) for id in own),
        "own_requests": len(own),
        "bytes": sum(received.values()),
        "requests": len(paths),
    }


@click.command()
@click.option("--collection", required=True, type=click.Path(path_type=Path))
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1))
@click.option("--chromium", default="/usr/bin/chromium", show_default=True)
def main(collection: Path, runs: int, chromium: str) -> None:
    """Load the page RUNS times, each time as if it had never been seen."""
    with server(collection) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        loads = [load(browser, url) for _ in range(runs)]
        browser.close()
    result: dict[str, Any] = {"runs": runs, "rate": RATE, "latency": LATENCY}
    for name in loads[0]:
        values = sorted(one[name] for one in loads)
        result[name] = {"median": statistics.median(values), "min": values[0], "max": values[-1]}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
