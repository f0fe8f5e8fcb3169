"""Put the stored results into the README's table: python benchmarks/tables.py

The table stands between two marks; whatever is between them is made here and nowhere else.
"""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- figures: made by benchmarks/tables.py -->", "<!-- end of figures -->"


def share(figure: dict[str, Any]) -> str:
    """0.9312 with its interval and count, as people read it."""
    return f"{figure['value']:.1%} ({figure['low']:.1%} – {figure['high']:.1%}), n = {figure['n']:,}"


def seconds(figure: dict[str, float]) -> str:
    """A median with its range."""
    return f"{figure['median']:.1f} s ({figure['min']:.1f} – {figure['max']:.1f})"


def table() -> str:
    """The README's table from the stored results."""
    seen = json.loads((HERE / "starter.json").read_text())
    start = json.loads((HERE / "startup.json").read_text())
    first, runs, cores = start["first_ever"], start["runs"], start["cores"]
    by_starter = "`benchmarks/starter.py`"
    by_startup = "`benchmarks/startup.py`"
    rows = [
        ("CIFAR-10, ten names, top-1 (32-pixel pictures)", share(seen["cifar10"]["top1"]), by_starter),
        ("photographs of 200 ImageNet classes ¹, 200 names, top-1", share(seen["photos"]["top1"]), by_starter),
        ("the same, a name finds its photograph in the top 10", share(seen["photos"]["in_top10_by_name"]), by_starter),
        (f"command to first page, {cores} cores, {runs} runs", seconds(start["page"]), by_startup),
        ("command to first search result", seconds(start["search"]), by_startup),
        ("the same on the first run ever", f"{first['page']:.1f} s, {first['search']:.1f} s", by_startup),
    ]
    lines = ["| `starter` | measured | made by |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows)]
    return "\n".join(lines)


def with_table(text: str) -> str:
    """The README's text with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    text = README.read_text()
    if "--check" in sys.argv:
        sys.exit("README.md has a stale table" if with_table(text) != text else 0)
    README.write_text(with_table(text))
