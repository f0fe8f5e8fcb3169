"""How long from a fresh clone with empty caches to the first page and the first search, and how much disk it takes?

    python benchmarks/install.py [--times 5] [--by uv --by pip]

Each run clones this checkout, points the caches of uv, pip and Gelato at empty folders, runs `make setup` and
`python app.py` there, loads the page in Chromium and types a search while the page still prepares its demo. By pip,
`uv` is hidden. The packages come from the network, so a run measures that, too: the bytes that this machine received
and the CPU time are in the result. Each part is printed as it ends, and a run that takes over LIMIT is an error. The
result is kept as results/install.json after each run, and its table is in docs/installing.md.
"""

import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results/install.json"
PAGE = ROOT / "docs/installing.md"
BEGIN, END = "<!-- stopwatch: made by benchmarks/install.py -->", "<!-- end of stopwatch -->"
GPU_PACKAGES = ("nvidia", "triton")  # folders of site-packages
LIMIT = (
    1200.0  # seconds of a run: an export of the starter takes 40 s of CPU time, of which a busy machine gives a tenth
)
FAILS = "#!/bin/sh\nexit 1\n"
# Wheels that happen to lie on this machine are not a fresh start; without bytecode each process compiles all that it
# imports, which is 15 s of CPU time for PyTorch and 9 s for Gradio.
DROPPED = ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PYTHONDONTWRITEBYTECODE")


class Watch:
    """Seconds since it was made, by name, printed as they are noted."""

    def __init__(self) -> None:
        self.began, self.noted = time.monotonic(), dict[str, Any]()

    def note(self, name: str) -> None:
        self.noted[name] = round(time.monotonic() - self.began, 1)
        click.echo(f"  {name}: {self.noted[name]} s, load {os.getloadavg()[0]:.1f}", err=True)

    @property
    def left(self) -> float:
        """Seconds until the run is given up."""
        return max(1.0, LIMIT - (time.monotonic() - self.began))


def run_once(by: str, work: Path) -> dict[str, Any]:
    """Seconds since the clone, and bytes."""
    clone, environment = work / "gelato", environment_of(by, work)
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    received, busy, load = received_bytes(), cpu_seconds(), os.getloadavg()[0]
    watch = Watch()
    make = ["make", "setup"]
    done = subprocess.run(make, cwd=clone, env=environment, check=True, capture_output=True, text=True, timeout=LIMIT)
    watch.note("setup")
    result = {
        "setup_cpu_seconds": round(cpu_seconds() - busy, 1),
        "received_bytes": received_bytes() - received,
        "load_before": round(load, 1),
        "said": [line for line in done.stdout.splitlines() if line.startswith(("PyTorch comes", "pip installs"))],
    }
    with open(work / "log", "w+") as log:
        command = [clone / ".venv/bin/python", "app.py", "--no-browser", "--port", "0"]
        server = subprocess.Popen(command, cwd=clone, env=environment, stdout=log, stderr=log)
        try:
            address = printed_address(work / "log", server, watch)
            watch.note("address")
            in_browser(address, watch)
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(20)
            server.kill()
            server.wait()
    result |= {"load_after": round(os.getloadavg()[0], 1)}
    site = next(clone.glob(".venv/lib/python*/site-packages"))
    result["bytes"] = used(clone / ".venv")
    result["gpu_bytes"] = sum(used(site / name) for name in GPU_PACKAGES)
    return watch.noted | result


def environment_of(by: str, work: Path) -> dict[str, str]:
    """Empty caches, and for pip a uv on the PATH that always fails."""
    caches = {"UV_CACHE_DIR": "uv", "PIP_CACHE_DIR": "pip", "GELATO_CACHE": "gelato"}
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED}
    environment |= {name: str(work / "caches" / folder) for name, folder in caches.items()}
    if by == "pip":
        (work / "programs").mkdir()
        (work / "programs/uv").write_text(FAILS)
        (work / "programs/uv").chmod(0o755)
        environment["PATH"] = f"{work / 'programs'}:{environment['PATH']}"
    return environment


def printed_address(log: Path, server: subprocess.Popen[bytes], watch: Watch) -> str:
    """The address that the server prints; an error with what it printed if it ends first or none comes."""
    while watch.left > 1 and server.poll() is None:
        if match := re.search(r"http://[\d.:]+/", log.read_text()):
            return match[0]
        time.sleep(0.05)
    raise RuntimeError(f"no address; the server printed: {log.read_text()[-2000:]}")


def in_browser(address: str, watch: Watch) -> None:
    """Note when the search box is there, and when the first search shows an image with a score."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address, timeout=1000 * watch.left)
        box = page.get_by_label("Describe an image").first
        box.wait_for(timeout=1000 * watch.left)
        watch.note("page")
        box.fill("a cat")
        box.press("Enter")
        found = page.locator("#grid .g-grid-card", has=page.locator(".g-grid-score")).locator("img").first
        found.wait_for(timeout=1000 * watch.left)
        watch.note("search")
        browser.close()


def received_bytes() -> int:
    """What this machine received since it was started, by all its network interfaces but the loopback."""
    lines = (line.split(":") for line in Path("/proc/net/dev").read_text().splitlines()[2:])
    return sum(int(figures.split()[0]) for name, figures in lines if name.strip() != "lo")


def cpu_seconds() -> float:
    """Of children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def used(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) if folder.is_dir() else 0


def table(stored: dict[str, Any]) -> str:
    """Median and range of each figure."""
    runs: dict[str, list[dict[str, Any]]] = stored["runs"]
    rows = [["", *(f"by {name}, {len(of)} {'run' if len(of) == 1 else 'runs'}" for name, of in runs.items())]]
    rows.append(["---"] * len(rows[0]))
    for what, key, suffix in (
        ("`make setup`", "setup", " s"),
        ("to the first page in Chromium", "page", " s"),
        ("to the first result of a search", "search", " s"),
        ("CPU time of `make setup`", "setup_cpu_seconds", " s"),
        ("load average at the end", "load_after", ""),
    ):
        rows.append([what, *(spread([run[key] for run in of], suffix) for of in runs.values())])
    for what, key, without in (
        ("received from the network", "received_bytes", ""),
        ("disk, `.venv`", "bytes", ""),
        ("disk without `nvidia` and `triton`", "bytes", "gpu_bytes"),
    ):
        medians = (statistics.median(run[key] - run.get(without, 0) for run in of) for of in runs.values())
        rows.append([what, *(f"{value / 1e9:.1f} GB" for value in medians)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def spread(values: list[float], suffix: str) -> str:
    """The median, and the range if there are several."""
    places = 0 if suffix else 1
    text = f"{statistics.median(values):.{places}f}{suffix}"
    return text if len(values) == 1 else f"{text} ({min(values):.{places}f} – {max(values):.{places}f})"


def store(runs: dict[str, list[dict[str, Any]]]) -> None:
    """The result of the runs so far, and its table."""
    stored = {"cores": os.cpu_count(), "python": sys.version.split()[0], "runs": {k: v for k, v in runs.items() if v}}
    RESULT.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table(stored)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


@click.command()
@click.option("--times", default=5, show_default=True, type=click.IntRange(1))
@click.option("--by", multiple=True, default=("uv", "pip"), type=click.Choice(("uv", "pip")), show_default=True)
def main(times: int, by: tuple[str, ...]) -> None:
    """Measure in turns, so that a load of the machine falls on both."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in by}
    for _ in range(times):
        for name in by:
            click.echo(name, err=True)
            with tempfile.TemporaryDirectory(prefix="gelato-install-", ignore_cleanup_errors=True) as work:
                runs[name].append(run_once(name, Path(work)))
            store(runs)
    click.echo(table({"runs": runs}))


if __name__ == "__main__":
    main()
