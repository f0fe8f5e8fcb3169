"""Runs that fail in every way that tests/failing_runs.py knows, and the page docs/failures.md about how they end.

python -m benchmarks.failures             runs those that benchmarks/results/failures.json lacks; all take half an hour
python -m benchmarks.failures --page      writes the page from the figures that there are
"""

import argparse
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.failing_runs import fail_in
from tests.samples import noise_image
from tests.test_training_failures import CASES

RESULTS = Path(__file__).parent / "results/failures.json"
PAGE = Path(__file__).parent.parent / "docs/failures.md"
MARK = "<!-- table: made by benchmarks/failures.py -->\n"


def measure() -> None:
    """Run every case that has no outcome yet, and write it."""
    found = json.loads(RESULTS.read_text()) if RESULTS.is_file() else []
    known = {(case["way"], case["workers"], case["ranks"]) for case in found}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GELATO_CACHE"] = str(Path(folder, "cache"))
        data = Path(folder, "images")
        data.mkdir()
        for number in range(40):
            noise_image(number).save(data / f"{number:02}.png")
        for number, (way, workers, ranks) in enumerate(sorted(CASES, key=lambda case: case[1] != 1)):
            if (way, workers, ranks) in known:
                continue
            out = Path(folder, str(number))
            out.mkdir()
            outcome = asdict(fail_in(way, workers, ranks, data, out))
            message = outcome.pop("lines")[-1].replace(str(out), "runs")
            outcome |= {"seconds": round(outcome["seconds"], 1), "load": round(os.getloadavg()[0], 1)}
            found.append({"way": way, "workers": workers, "ranks": ranks, "message": message, **outcome})
            print(f"{way}, {workers} workers, {ranks} ranks: {outcome['seconds']:.1f} s, {message}", flush=True)
            RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def table() -> str:
    """The table of the page."""
    lines = [
        "| way | workers | ranks | seconds | load | last line | left: checkpoint of step |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in sorted(json.loads(RESULTS.read_text()), key=lambda case: (case["ranks"], case["way"], case["workers"])):
        left = case["steps"][-1] if case["steps"] else "none"
        cells = [case["way"], case["workers"], case["ranks"], case["seconds"], case["load"], case["message"], left]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true")
    if not parser.parse_args().page:
        measure()
    PAGE.write_text(PAGE.read_text().partition(MARK)[0] + MARK + table())
