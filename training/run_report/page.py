"""The report of a run as one HTML file: what happened, what it means, and what the encoder finds."""

import json
import statistics
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from training.engine.config import read_config
from training.engine.doctor import Diagnosis, diagnose
from training.engine.log import clock, read_metrics
from training.evaluation.html_page import html_page
from training.evaluation.report import number
from training.evaluation.runs import parameters
from training.models.atomic import write_file
from training.models.errors import UserError
from training.run_report import nearest
from training.run_report.charts import Line, chart

FILE = "report.html"  # in a run directory
STYLE = Path(__file__).with_name("report.css")

TITLES = {  # of metrics, in the order of their charts
    "loss": "Loss",
    "learning_rate": "Learning rate",
    "temperature": "Temperature",
    "gradient_norm": "Gradient norm",
    "images_per_second": "Throughput, images/s",
    "waiting": "Waiting for data, share",
    "effective_rank": "Effective rank of the features",
    "spread": "Spread of the features",
    "projection_spread": "Spread of the projections",
    "accuracy": "Accuracy in training",
    "entropy": "Entropy of the outputs",
    "usage": "Outputs in use, share",
    "duplicates": "Repeated captions, share",
    "left_out": "Steps left out",
}
NO_CHARTS = ("step", "epoch", "seconds", "memory_bytes", "chance", "floor", "scale", "unreadable")

Lines = list[dict[str, Any]]


def write_report(run: Path, data: str | None = None, out: Path | None = None) -> Path:
    """Write the report of a run, and return its path. UserError if run is none.

    data: held-out images for the nearest neighbours [default: the first source of --evaluate]. out: the file
    [default: report.html in the run].
    """
    document = read_config(run)
    lines = read_metrics(run / "metrics.jsonl")
    source = data or next(iter(document["data"]["evaluate"]), None)
    title = " · ".join(dict.fromkeys([run.resolve().name, document["method"]]))
    body = "".join(
        [
            f"<h1>{escape(title)}</h1>",
            _facts(run, document, lines),
            _words(run, document),
            _evaluation(lines),
            _charts(lines),
            _neighbours(run, document, source),
            _settings(document),
        ]
    )
    path = out or run / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, html_page(title, STYLE.read_text(encoding="utf-8"), body).encode())
    return path


def _facts(run: Path, document: Mapping[str, Any], lines: Lines) -> str:
    """What the run was, in a line and a grid of numbers."""
    settings, data = document["run"], document["data"]
    timed = [line for line in lines if "seconds" in line]
    step = max((line["step"] for line in lines), default=0)
    of_steps = "" if step == settings["steps"] else f" <small>of {settings['steps']:,}</small>"
    facts = {"steps": f"{step:,}{of_steps}", "batch size": f"{settings['batch_size'] * settings['accumulate']:,}"}
    facts["images seen"] = f"{step * settings['batch_size'] * settings['accumulate']:,}"
    facts["images"] = f"{document['images']:,}"
    if timed:
        facts["time"] = clock(sum(line["seconds"] for line in timed))
        facts["throughput"] = (
            f"{statistics.median(line['images_per_second'] for line in timed):,.0f} <small>images/s</small>"
        )
        facts["peak memory"] = f"{max(line['memory_bytes'] for line in timed) / 2**30:.1f} <small>GiB</small>"
    if (count := parameters(run / "model.safetensors")) is not None:
        facts["parameters"] = f"{count / 1e6:.1f} <small>M</small>"
    facts["precision"] = escape(settings["precision"])
    facts["tower"] = escape(data["tower"])
    grid = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items())
    sources = ", ".join(data["data"])
    return f"<p class=note>Trained on {escape(sources)}.</p><dl class=facts>{grid}</dl>"


def _words(run: Path, document: Mapping[str, Any]) -> str:
    """The diagnosis of `python -m training doctor`."""
    try:
        found: list[Diagnosis] = diagnose(run / "metrics.jsonl", document)
    except UserError as error:
        return f"<div class=words><p>{escape(str(error))}</p></div>"
    if not found:
        return "<div class=words><p>The metrics show no problem.</p></div>"
    said = "".join(f"<p><b>{escape(one.what)}</b> {escape(one.so)} {escape(one.turn)}</p>" for one in found)
    return f'<div class="words problem">{said}</div>'


def _evaluation(lines: Lines) -> str:
    """The last figures of each source and probe with their intervals, and their course if there is one."""
    courses: dict[tuple[str, str], list[tuple[int, dict[str, float]]]] = {}
    for line in lines:
        for source, probes in line.get("evaluation", {}).items():
            for probe, figures in probes.items():
                named = {"": figures} if "value" in figures else figures
                for label, figure in named.items():
                    if None not in figure.values():  # one that is not finite
                        courses.setdefault((source, f"{probe} {label}".strip()), []).append((line["step"], figure))
    if not courses:
        return ""
    rows, drawn = [], []
    for (source, name), course in courses.items():
        _, last = course[-1]
        between = f"{number(last['low'])} to {number(last['high'])}"
        rows.append(
            f"<tr><td>{escape(source)}<td>{escape(spoken(name))}<td><b>{number(last['value'])}</b>"
            f"<td>{between}<td>{last['n']:,}"
        )
        line_of = Line([(at, f["value"]) for at, f in course], [(f["low"], f["high"]) for _, f in course])
        drawn.append(chart(spoken(name), [line_of], source))
    head = "".join(f"<th>{name}" for name in ("held-out source", "probe", "value", "95 % interval", "items"))
    table = f"<div class=scroll><table><tr>{head}{''.join(rows)}</table></div>"
    shown = "".join(drawn)
    return f"<h2>Evaluation</h2>{table}" + (f"<div class=charts>{shown}</div>" if shown else "")


def spoken(name: str) -> str:
    """The name of a figure as it is read: text_to_image@1 is text to image @1."""
    return name.replace("_", " ").replace("@", " @").replace("  ", " ")


def _charts(lines: Lines) -> str:
    """A chart for each metric that was logged, and the batch's chance level beside the loss."""
    logged = [line for line in lines if "learning_rate" in line]
    curves: dict[str, list[tuple[int, float | None]]] = {}
    for line in logged:
        of_scale = {"temperature": 1 / line["scale"]} if line.get("scale") else {}
        for name, value in {**line, **of_scale}.items():
            if name not in NO_CHARTS and isinstance(value, int | float | None):
                curves.setdefault(name, []).append((line["step"], value))
    chance = [(line["step"], line["chance"]) for line in logged if line.get("chance") is not None]
    names = [name for name in TITLES if name in curves] + sorted(curves.keys() - TITLES.keys())
    drawn = []
    for name in names:
        beside = [Line(chance, dashed=True)] if name == "loss" and chance else []
        note = "dashed: loss of guessing" if beside else ""
        drawn.append(
            chart(
                TITLES.get(name, spoken(name).capitalize()),
                [Line(curves[name]), *beside],
                note,
                name == "gradient_norm",
            )
        )
    shown = "".join(drawn) or "<p class=note>Fewer than two lines of metrics were written.</p>"
    return f"<h2>Training</h2><div class=charts>{shown}</div>"


def _neighbours(run: Path, document: Mapping[str, Any], source: str | None) -> str:
    """The section of nearest neighbours, or why it is empty."""
    if source is None:
        shown = "<p class=note>No held-out images: give the run --evaluate SOURCE, or this report --data SOURCE.</p>"
    else:
        try:
            shown = nearest.neighbours(run, document, source)
        except UserError as error:
            shown = f"<p class=note>{escape(str(error))}</p>"
    return f"<h2>Nearest neighbours</h2>{shown}"


def _settings(document: Mapping[str, Any]) -> str:
    """Every setting and its origin, those that are not the default first, and what `resume` changed."""
    rows = []
    for part in ("data", "run", "settings"):
        for name, value in document[part].items():
            origin = document["origins"].get(name, "")
            shown = ", ".join(map(str, value)) if isinstance(value, list) else json.dumps(value).strip('"')
            row = f"<td>{escape(name)}<td>{escape(shown)}<td>{escape(origin)}"
            rows.append((origin in ("default", ""), f"<tr class={'default' if origin == 'default' else 'set'}>{row}"))
    rows.sort(key=lambda row: row[0])
    changes = "".join(
        f"<li>from step {c['step']:,}: {escape(c['setting'])} {escape(str(c['before']))} → {escape(str(c['after']))}"
        for c in document.get("overrides", [])
    )
    changed = f"<p>Changed when the run was resumed:</p><ul>{changes}</ul>" if changes else ""
    table = "".join(row for _, row in rows)
    return (
        f"<details><summary>Settings</summary>{changed}<div class=scroll><table class=settings>"
        f"<tr><th>setting<th>value<th>origin{table}</table></div>"
        f"<p class=note>PyTorch {escape(str(document.get('torch', '')))}.</p></details>"
    )
