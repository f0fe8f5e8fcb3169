"""The table of benchmarks/README.md: results of the index and the page, and their targets."""

from typing import Any

from benchmarks.build_table import BUILDS
from benchmarks.cells import machine_of, result, seconds
from benchmarks.page_table import PAGE


def index_table() -> str:
    """The table in Markdown, a row of cells each: benchmark, result, target, machine and script."""
    rows = [row for name, of in INDEX.items() if (stored := result(name)) is not None for row in of(stored)]
    head = ["| benchmark | result | target | machine | script |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def _search_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for name, run in stored.items():
        texts, images = run["asked"]["words"], run["asked"]["images"]
        effort = f", {run['directions']} dimensions, {run['probes']} of {run['lists']} lists" if "probes" in run else ""
        recall = f"{texts['recall_at_10']:.3f} for texts, {images['recall_at_10']:.3f} for images"
        what = f"search, {name.replace('drawn', 'random vectors')}: {run['kind']}{effort}"
        by, on = "`search.py`", machine_of(run)
        rows.append((f"{what}, recall at 10", recall, ">= 0.98 for texts", on, by))
        beside = f"{texts['ms_median']:.1f} ms, exhaustive {run['exhaustive_ms']:.1f} ms"
        rows.append(("the same, median query time", beside, "<= 4 ms", on, by))
        rows.append(("the same, time to open", f"{run['opened_s']:.2f} s", "< 1 s", on, by))
        worst = min(of["recall_at_10"] for of in run["filtered"].values())
        slowest = max(of["ms_mean"] for of in run["filtered"].values())
        under = f"lowest recall {worst:.3f}, longest time {slowest:.1f} ms"
        rows.append(("the same with filters that 0.01 % to 50 % of the images pass", under, "none empty", on, by))
    return rows


def _label_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    scale = 1_000_000 * 1000 / (stored["rows"] * stored["classes"])
    what = f"labelling {stored['rows']:,} vectors with {stored['classes']:,} classes"
    busy = f"{stored['cpu_seconds']:.1f} s of CPU time ({stored['seconds']:.1f} s of wall time)"
    scaled = f"; {scale * stored['cpu_seconds'] / stored['machine']['cores']:.0f} s at a million on all cores"
    reached = f"{busy}{scaled if scale != 1 else ''}, {stored['peak_memory_mb']:,} MB"
    return [(what, reached, "<= 25 s for a million", machine_of(stored), "`label.py`")]


def _command_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    what = f"search of {stored['images']:,} images from the command line, whole process"
    reached = f"{seconds(stored['seconds'])}, CPU time {stored['cpu_seconds']:.1f} s"
    return [(what, reached, "<= 2 s for 10,000", machine_of(stored), "`command.py`")]


QUERIES = {
    "search": _search_rows,
    "label": _label_rows,
    "command": _command_rows,
}
INDEX = BUILDS | QUERIES | PAGE  # rows by the name of their result
