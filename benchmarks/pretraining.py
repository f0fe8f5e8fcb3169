"""What runs of the trainer came to: a table row each, and the curves, from what the runs themselves wrote.

    python benchmarks/pretraining.py runs/clip runs/siglip

Each run was made with --evaluate. The result is kept beside this script as pretraining.json and shown in
docs/pretraining.md, the curves as docs/pretraining.svg.
"""

import json
import sys
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
RESULT, CURVES, PAGE = (
    Path(__file__).parent / "results/pretraining.json",
    ROOT / "docs/pretraining.svg",
    ROOT / "docs/pretraining.md",
)
BEGIN, END = "<!-- runs: made by benchmarks/pretraining.py -->", "<!-- end of runs -->"
WIDE, HIGH, EDGE = 640, 280, 44
COLOURS = ("#2563eb", "#d97706", "#059669", "#9333ea")


def facts_of_run(run: Path) -> dict[str, Any]:
    """A run in numbers: its settings, its curve, and the last figure of each kind."""
    from training.engine.config import read_config
    from training.engine.log import read_metrics

    document, lines = read_config(run), read_metrics(run / "metrics.jsonl")
    windows = [line for line in lines if "seconds" in line]
    size = document["run"]["batch_size"] * document["run"]["accumulate"]
    curve = [
        {"images": line["step"] * size, **figures}
        for line in lines
        if "evaluation" in line
        for figures in line["evaluation"].values()
    ]
    return {
        "method": document["method"],
        "data": Path(document["data"]["data"][0]).name.partition("?")[0],
        "tower": document["data"]["tower"],
        "training_images": document["images"],
        "steps": lines[-1]["step"],
        "planned_steps": document["run"]["steps"],
        "images_seen": lines[-1]["step"] * size,
        "seconds": sum(line["seconds"] for line in windows),
        "loss": windows[-1]["loss"],
        "curve": curve,
    }


def shown(run: dict[str, Any]) -> tuple[str, list[tuple[int, Any]]]:
    """What is drawn of a run, and the figure of it at each number of images seen.

    Captions of scenes name all that is in them, so what they teach is measured by the captions themselves.
    """
    if run["data"].startswith("scenes"):
        name = "text-to-image recall@5"
        points = [(p["images"], p["retrieval"]["text_to_image_at_5"]) for p in run["curve"]]
    else:
        name, points = "zero-shot", [(p["images"], p["zero-shot"]) for p in run["curve"]]
    return f"{run['method']}, {run['data'].partition('-')[0]}: {name}", points


def drawn(runs: list[dict[str, Any]]) -> str:
    """The runs' curves over images seen, with their intervals, as SVG."""
    curves = [shown(run) for run in runs]
    most = max(images for _, points in curves for images, _ in points)
    high = max(figure["high"] for _, points in curves for _, figure in points)

    def x(images: float) -> float:
        return EDGE + (WIDE - 2 * EDGE) * images / most

    def y(value: float) -> float:
        return HIGH - EDGE - (HIGH - 2 * EDGE) * value / high

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDE}" height="{HIGH}" fill="white"/>',
        f'<text x="{EDGE}" y="20">share right on held-out images, 95 % intervals</text>',
        f'<text x="{WIDE - EDGE}" y="{HIGH - 10}" text-anchor="end">{most:,} images seen</text>',
    ]
    for tick in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        if tick <= high:
            parts.append(f'<path d="M{EDGE} {y(tick):.1f}H{WIDE - EDGE}" stroke="#ddd"/>')
            parts.append(f'<text x="{EDGE - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.1f}</text>')
    for number, ((name, figures), colour) in enumerate(zip(curves, COLOURS, strict=False)):
        points = [(x(images), figure) for images, figure in figures]
        band = [f"{at:.1f},{y(f['high']):.1f}" for at, f in points]
        band += [f"{at:.1f},{y(f['low']):.1f}" for at, f in reversed(points)]
        line = " ".join(f"{at:.1f},{y(f['value']):.1f}" for at, f in points)
        parts.append(f'<polygon points="{" ".join(band)}" fill="{colour}" opacity="0.15"/>')
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{WIDE - EDGE - 245}" y="{HIGH - 60 - 16 * number}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def table(runs: list[dict[str, Any]]) -> str:
    """A column a run, a row for each number of images seen; the last figures have their intervals."""
    curves = [(name, dict(points)) for name, points in map(shown, runs)]
    lines = [f"| images seen | {' | '.join(name for name, _ in curves)} |", "|---" * (len(curves) + 1) + "|"]
    for images in sorted({images for _, points in curves for images in points}):
        cells = []
        for _, points in curves:
            figure, last = points.get(images), images == max(points)
            interval = f" ({figure['low']:.1%} – {figure['high']:.1%}), n = {figure['n']:,}" if figure and last else ""
            cells.append(f"{figure['value']:.1%}{interval}" if figure else "")
        lines.append(f"| {images:,} | {' | '.join(cells)} |")
    clock = [f"{run['seconds'] / 60:.1f}" for run in runs]
    return "\n".join([*lines, f"| minutes of training | {' | '.join(clock)} |"])


def with_table(text: str, runs: list[dict[str, Any]]) -> str:
    """The page's text with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table(runs)}\n{END}{rest.partition(END)[2]}"


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(runs: tuple[Path, ...]) -> None:
    """Gather RUNS into pretraining.json, its page and its curves, beside what is there of other methods or data."""
    found = [facts_of_run(run) for run in runs]
    again = {(run["method"], run["data"]) for run in found}
    stored = json.loads(RESULT.read_text()) if RESULT.exists() else []
    found = [run for run in stored if (run["method"], run["data"]) not in again] + found
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    CURVES.write_text(drawn(found))
    PAGE.write_text(with_table(PAGE.read_text(), found))
    click.echo(table(found))


if __name__ == "__main__":
    main()
