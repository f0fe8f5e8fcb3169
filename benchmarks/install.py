"""How long from a fresh clone with empty caches to the first page and the first search, and how much disk it takes?

    python benchmarks/install.py [--times 5] [--by uv --by pip]

Each run clones this checkout, points the caches of uv, pip and Gelato at empty folders, runs `make setup` and
`python app.py` there, loads the page in Chromium and types a search. By pip, `uv` is hidden. The packages come from the
network, so a run measures that, too. The result is kept as results/install.json.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results/install.json"
GPU_PACKAGES = ("nvidia", "triton")  # folders of site-packages
PATIENCE = 300_000  # milliseconds
FAILS = "#!/bin/sh\nexit 1\n"


def run_once(by: str, work: Path) -> dict[str, Any]:
    """Seconds since the clone, and bytes."""
    clone = work / "gelato"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    caches = {"UV_CACHE_DIR": "uv", "PIP_CACHE_DIR": "pip", "GELATO_CACHE": "gelato"}
    environment = {**os.environ, **{name: str(work / "caches" / folder) for name, folder in caches.items()}}
    if by == "pip":  # a uv that always fails
        (work / "programs").mkdir()
        (work / "programs/uv").write_text(FAILS)
        (work / "programs/uv").chmod(0o755)
        environment["PATH"] = f"{work / 'programs'}:{environment['PATH']}"
    began = time.monotonic()
    subprocess.run(["make", "setup"], cwd=clone, env=environment, check=True, stdout=subprocess.DEVNULL)
    result: dict[str, Any] = {"setup": time.monotonic() - began}
    command = [clone / ".venv/bin/python", "app.py", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, cwd=clone, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = next(match[0] for line in server.stdout if (match := re.search(r"http://[\d.:]+/", line)))
            result |= in_browser(address, began)
        finally:
            server.terminate()
    site = next(clone.glob(".venv/lib/python*/site-packages"))
    result["bytes"] = used(clone / ".venv")
    result["gpu_bytes"] = sum(used(site / name) for name in GPU_PACKAGES)
    return result


def in_browser(address: str, began: float) -> dict[str, float]:
    """When the search box is there, and when the first search shows an image."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        box = page.get_by_label("Describe an image").first
        box.wait_for()
        result = {"page": time.monotonic() - began}
        box.fill("a cat")
        box.press("Enter")
        page.wait_for_function("new URLSearchParams(location.search).get('q') === 'a cat'")
        page.locator("#grid .g-grid-card img").first.wait_for()
        result["search"] = time.monotonic() - began
        browser.close()
    return result


def used(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) if folder.is_dir() else 0


@click.command()
@click.option("--times", default=5, show_default=True, type=click.IntRange(1))
@click.option("--by", multiple=True, default=("uv", "pip"), type=click.Choice(("uv", "pip")), show_default=True)
def main(times: int, by: tuple[str, ...]) -> None:
    """Measure in turns, so that a load of the machine falls on both."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in by}
    for _ in range(times):
        for name in by:
            with tempfile.TemporaryDirectory(prefix="gelato-install-") as work:
                runs[name].append(run_once(name, Path(work)))
            click.echo(f"{name}: {json.dumps(runs[name][-1])}", err=True)
    medians = {
        name: {key: statistics.median(run[key] for run in found) for key in found[0]} for name, found in runs.items()
    }
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    result = {"cores": os.cpu_count(), "python": sys.version.split()[0], "load_at_end": load}
    RESULT.write_text(json.dumps({**result, "median": medians, "runs": runs}, indent=1) + "\n", encoding="utf-8")
    click.echo(json.dumps(medians, indent=1))


if __name__ == "__main__":
    main()
