"""How long until the page is there, and until a search answers?

    python benchmarks/startup.py

Starts `python app.py` several times, first with an empty cache (nothing exported, no demo collection), then with
a full one, and waits for the page and for the first answer to a search. A whole process each time, from the
command on. The result is printed and kept beside this script as startup.json.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote

import click

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results/startup.json"
PATIENCE = 180.0  # seconds


def started(cache: str, query: str) -> dict[str, float]:
    """Seconds from the command to the first page and to the first search result."""
    begun = time.monotonic()
    command = [sys.executable, "app.py", "--no-browser", "--port", "0"]
    environment = os.environ | {"GELATO_CACHE": cache, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = next(match[0] for line in server.stdout if (match := re.search(r"http://[\d.:]+/", line)))
            _wait(url, begun)
            page = time.monotonic() - begun
            _wait(f"{url}export/demo.csv?q={quote(query)}&k=5", begun)
            return {"page": page, "search": time.monotonic() - begun}
        finally:
            server.terminate()


def _wait(url: str, begun: float) -> None:
    """Ask until there is an answer with something in it."""
    while time.monotonic() - begun < PATIENCE:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as response:
                if response.read().count(b"\n") > 1:
                    return
        except (URLError, ConnectionError):
            pass
        time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer within {PATIENCE:.0f} s")


@click.command()
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1))
def main(runs: int) -> None:
    """Measure RUNS starts with a full cache, and one with an empty one."""
    result: dict[str, Any] = {"runs": runs, "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as cache:
        result["first_ever"] = started(cache, "a cat")
        subprocess.run([sys.executable, "-m", "index", "demo"], cwd=ROOT, env=os.environ | {"GELATO_CACHE": cache})
        seconds = [started(cache, "a cat") for _ in range(runs)]
    for name in ("page", "search"):
        of_name = sorted(run[name] for run in seconds)
        result[name] = {"median": statistics.median(of_name), "min": of_name[0], "max": of_name[-1]}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
