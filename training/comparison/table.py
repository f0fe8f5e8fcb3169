"""A comparison as a table in Markdown, JSON and CSV, with a row for each method."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.comparison.measure import Entry, over_seeds
from training.models.atomic import write_file
from training.models.intervals import Figure

TITLES = {  # figure: title of its column, in the order of the columns
    "linear": "linear",
    "knn": "k-NN",
    "zero-shot": "zero-shot",
    "retrieval/image_to_text@1": "image-to-text R@1",
    "retrieval/text_to_image@1": "text-to-image R@1",
    "geometry/effective_rank": "effective rank",
    "geometry/alignment": "alignment",
    "geometry/uniformity": "uniformity",
}
IN_FULL = ("@5", "@10")  # suffixes of figures that only JSON and CSV contain
FACTS = {
    "trained_per_second": "trained, images/s",
    "embedded_per_second": "embedded, images/s",
    "memory_bytes": "training memory",
    "parameters": "parameters",
    "bytes": "size",
    "minutes": "processor minutes",
}
PERCENTAGES = ("linear", "knn", "zero-shot", "retrieval")


def grouped(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Entries by method, or by run where runs of one method have other settings, sorted by k-NN or linear accuracy.

    Runs that differ by their seeds alone are together.
    """
    alike: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        key = (entry.method, entry.settings) if entry.seed is not None else (entry.name, "")
        alike.setdefault(key, []).append(entry)
    methods = [method for method, _ in alike]
    groups = {
        method if methods.count(method) == 1 else " ".join(entry.name for entry in group): group
        for (method, _), group in alike.items()
    }

    def place(label: str) -> tuple[float, str]:
        first = over_seeds(groups[label], "knn") or over_seeds(groups[label], "linear")
        return (-first["value"] if first else 0.0, label)

    return {label: groups[label] for label in sorted(groups, key=place)}


def figures_in(entries: Sequence[Entry]) -> list[str]:
    """Names of figures that any entry has, those of TITLES first."""
    names = {name for entry in entries for name in entry.figures}
    return [name for name in TITLES if name in names] + sorted(names - set(TITLES))


def document(entries: Sequence[Entry], about: dict[str, Any]) -> dict[str, Any]:
    """The comparison as JSON: rows with figures over seeds, and every run separately."""
    rows = []
    for label, group in grouped(entries).items():
        figures = {name: over_seeds(group, name) for name in figures_in(entries)}
        rows.append(
            {
                "encoder": label,
                "seeds": sorted(entry.seed for entry in group if entry.seed is not None),
                "steps": group[0].steps,
                "figures": {name: figure for name, figure in figures.items() if figure},
                "facts": {name: mean_fact(group, name) for name in FACTS if mean_fact(group, name) is not None},
                "skipped": group[0].skipped,
            }
        )
    runs = [
        {"name": e.name, "method": e.method, "seed": e.seed, "figures": e.figures, "facts": e.facts} for e in entries
    ]
    return {**about, "rows": rows, "runs": runs}


def mean_fact(group: Sequence[Entry], name: str) -> float | None:
    """The mean over seeds of a number without an interval."""
    values = [entry.facts[name] for entry in group if name in entry.facts]
    return sum(values) / len(values) if values else None


def markdown(comparison: dict[str, Any]) -> str:
    """The table with 95 % intervals, in Markdown. A probe that no encoder allows is named below it."""
    rows = comparison["rows"]
    names = [
        n for n in [*TITLES, *{k: None for r in rows for k in r["figures"]}] if any(n in r["figures"] for r in rows)
    ]
    names = [name for name in dict.fromkeys(names) if not name.endswith(IN_FULL)]
    facts = [name for name in FACTS if any(name in row["facts"] for row in rows)]
    head = ["encoder", "seeds", *(TITLES.get(name, name) for name in names), *(FACTS[name] for name in facts)]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for row in rows:
        cells = [row["encoder"], str(len(row["seeds"]) or ""), *(figure_or_reason(row, name) for name in names)]
        cells += [formatted_fact(name, row["facts"].get(name)) for name in facts]
        lines.append(f"| {' | '.join(cells)} |")
    shown = {name.partition("/")[0] for name in names}
    skipped = {probe: reason for row in rows for probe, reason in _skipped(row).items() if probe not in shown}
    lines += ["", *(f"{probe} was skipped: {reason}" for probe, reason in skipped.items())] if skipped else []
    return "\n".join(lines) + "\n"


def figure_or_reason(row: dict[str, Any], name: str) -> str:
    """The cell of a figure: its value and interval, or what the encoder lacks for it."""
    reason = "" if name in row["figures"] else _skipped(row).get(name.partition("/")[0], "")
    return reason.partition(",")[0].removeprefix("it ") or formatted_figure(name, row["figures"].get(name))


def _skipped(row: dict[str, Any]) -> dict[str, str]:
    """Why probes were not run, by probe; tables of earlier versions do not say it."""
    return row.get("skipped", {})


def formatted_figure(name: str, figure: Figure | None) -> str:
    """A figure with its interval."""
    if figure is None:
        return ""
    value, low, high = figure["value"], figure["low"], figure["high"]
    if name.partition("/")[0] in PERCENTAGES and 0 <= value <= 1:
        return f"{value:.1%} ({low:.1%} – {high:.1%})"
    return f"{value:.2f} ({low:.2f} – {high:.2f})"


def formatted_fact(name: str, value: float | None) -> str:
    """A number without an interval, with its unit."""
    if value is None:
        return ""
    if name == "memory_bytes":
        return f"{value / 2**20:,.0f} MiB"
    if name == "bytes":
        return f"{value / 1e6:.2f} MB"
    if name == "minutes":
        return f"{value:.1f}"
    return f"{value / 1e6:.2f} M" if name == "parameters" else f"{value:,.0f}"


def as_csv(comparison: dict[str, Any]) -> str:
    """A line for each run: value, low and high of each figure, then the facts."""
    names = list(dict.fromkeys(name for run in comparison["runs"] for name in run["figures"]))
    facts = list(dict.fromkeys(name for run in comparison["runs"] for name in run["facts"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["name", "method", "seed", *(f"{n} {part}".strip() for n in names for part in ("", "low", "high")), *facts]
    )
    for run in comparison["runs"]:
        cells = [run["figures"].get(name, {}).get(part, "") for name in names for part in ("value", "low", "high")]
        writer.writerow([run["name"], run["method"], run["seed"], *cells, *(run["facts"].get(f, "") for f in facts)])
    return text.getvalue()


def write_table(comparison: dict[str, Any], folder: Path) -> None:
    """Write table.md, table.json and table.csv into folder."""
    write_file(folder / "table.json", json.dumps(comparison, indent=1, ensure_ascii=False).encode() + b"\n")
    write_file(folder / "table.md", markdown(comparison).encode())
    write_file(folder / "table.csv", as_csv(comparison).encode())
