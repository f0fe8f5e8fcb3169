"""The figures of a comparison: training curves, k-NN over steps, maps, and geometry."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure as Page

from training.comparison.measure import Entry, Measured
from training.comparison.neighbours import neighbours
from training.comparison.table import grouped
from training.evaluation.rows import unit_rows
from training.models.atomic import write_file

matplotlib.use("svg")
# Text stays text in the SVG, for search and screen readers; ids are deterministic.
matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "gelato", "font.size": 9, "axes.spines.top": False}
matplotlib.rcParams |= {"axes.spines.right": False, "legend.frameon": False, "figure.constrained_layout.use": True}
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c6d31", "#333333")  # Okabe and Ito's
LINES = ("-", "--", ":", "-.")
MAPPED = 800  # images of a map


def write_figures(measured: Sequence[Measured], folder: Path) -> list[str]:
    """Write all figures for which there is data, and return their file names."""
    entries = [one.entry for one in measured]
    first = [next(one for one in measured if one.entry is group[0]) for group in grouped(entries).values()]
    drawn = {
        "curves.svg": curves(entries),
        "knn.svg": over_time(entries),
        "map.svg": maps(first),
        "geometry.svg": geometry(entries),
    }
    for name, page in drawn.items():
        if page is not None:
            buffer = io.BytesIO()
            page.savefig(buffer, format="svg", metadata={"Date": None})
            write_file(folder / name, buffer.getvalue())
    sheet = neighbours(first)
    if sheet is not None:
        write_file(folder / "neighbours.webp", sheet)
    return [name for name, page in drawn.items() if page is not None] + ["neighbours.webp"] * (sheet is not None)


def style(number: int) -> dict[str, Any]:
    """Colour and line style of entry `number`, distinguishable in greyscale print."""
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": LINES[number // len(COLOURS) % len(LINES)]}


def curves(entries: Sequence[Entry]) -> Page | None:
    """The loss of every method over its steps, in separate panels, since their losses are not comparable."""
    groups = {
        label: runs
        for label, group in grouped(entries).items()
        if (runs := [[(line["step"], line["loss"]) for line in e.lines if line.get("loss") is not None] for e in group])
        and any(runs)
    }
    if not groups:
        return None
    columns = min(4, len(groups))
    rows = math.ceil(len(groups) / columns)
    page = Page(figsize=(2.6 * columns, 2 * rows))
    for number, (label, runs) in enumerate(groups.items()):
        axes = page.add_subplot(rows, columns, number + 1)
        for run in runs:
            axes.plot(*zip(*run, strict=True), color=COLOURS[0], linewidth=1)
        chance = next(
            (line["chance"] for entry in grouped(entries)[label] for line in entry.lines if line.get("chance")), None
        )
        if chance is not None:
            axes.axhline(chance, color="#888888", linewidth=0.8, linestyle="--")
        axes.set_title(label + (", dashed: chance" if chance is not None and number == 0 else ""))
        axes.set_xlabel("steps")
    page.axes[0].set_ylabel("loss")
    return page


def over_time(entries: Sequence[Entry]) -> Page | None:
    """k-NN accuracy of every method over its steps, with its interval."""
    page = Page(figsize=(7, 4.2))
    axes = page.add_subplot()
    for number, (label, group) in enumerate(grouped(entries).items()):
        for place, entry in enumerate(group):
            points = [
                (line["step"], figures["knn"])
                for line in entry.lines
                for figures in line.get("evaluation", {}).values()
                if "knn" in figures
            ]
            if points:
                steps, found = zip(*points, strict=True)
                axes.plot(steps, [100 * f["value"] for f in found], label=None if place else label, **style(number))
                low, high = ([100 * f[end] for f in found] for end in ("low", "high"))
                axes.fill_between(steps, low, high, color=style(number)["color"], alpha=0.12, linewidth=0)
    if not axes.lines:
        return None
    axes.set_xlabel("steps")
    axes.set_ylabel("k-NN accuracy, %")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return page


def maps(measured: Sequence[Measured]) -> Page | None:
    """Images on a plane, near each other where the encoder has them near (t-SNE), coloured by class."""
    from sklearn.manifold import TSNE

    able = [one for one in measured if len(one.test.labelled) > 30]
    if not able:
        return None
    columns = min(4, len(able))
    rows = math.ceil(len(able) / columns)
    page = Page(figsize=(2.7 * columns + 1, 2.7 * rows))
    for number, one in enumerate(able):
        some = one.test.labelled.sample(MAPPED)
        plane = TSNE(init="pca", perplexity=min(30, len(some) // 4), random_state=0, n_jobs=1).fit_transform(
            unit_rows(some.images)
        )
        axes = page.add_subplot(rows, columns, number + 1)
        for of_class in np.unique(some.labels):
            here = some.labels == of_class
            name = some.classes[of_class] if number == 0 and len(some.classes) <= 20 else None
            colour = matplotlib.colormaps["tab20"](int(of_class) % 20)
            axes.scatter(plane[here, 0], plane[here, 1], s=3, color=colour, label=name, linewidths=0, rasterized=True)
        axes.set_title(one.entry.method)
        axes.set_axis_off()
    if len(able[0].test.classes) <= 20:
        page.legend(loc="outside right center", markerscale=3)
    return page


def geometry(entries: Sequence[Entry]) -> Page | None:
    """Alignment against uniformity, lower left is better; a ring about each point: its effective rank."""
    known = [e for e in entries if {"geometry/alignment", "geometry/uniformity"} <= e.figures.keys()]
    if not known:
        return None
    page = Page(figsize=(6, 4.2))
    axes = page.add_subplot()
    for number, (label, group) in enumerate(grouped(known).items()):
        for place, entry in enumerate(group):
            x, y = entry.figures["geometry/uniformity"], entry.figures["geometry/alignment"]
            colour = COLOURS[number % len(COLOURS)]
            spread = (
                [[x["value"] - x["low"]], [x["high"] - x["value"]]],
                [[y["value"] - y["low"]], [y["high"] - y["value"]]],
            )
            axes.errorbar(x["value"], y["value"], xerr=spread[0], yerr=spread[1], color=colour, fmt="o", markersize=4)
            if place == 0:
                axes.annotate(label, (x["value"], y["value"]), xytext=(5, 4), textcoords="offset points", color=colour)
    axes.set_xlabel("uniformity: lower is spread out more evenly")
    axes.set_ylabel("alignment: lower is closer for two views")
    return page
