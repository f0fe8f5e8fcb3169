"""A report of probes as Markdown, or as HTML with examples of failures."""

import base64
import io
import json
from html import escape
from pathlib import Path

from PIL import Image

from training.evaluation.subject import ProbeResult
from training.evaluation.suite import Report
from training.models.atomic import write_file
from training.models.intervals import Figure

SIDE = 160  # pixels of the longer side of an image on the page
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1d2733; }
table { border-collapse: collapse; margin: .5rem 0; } th, td { padding: .25rem .9rem .25rem 0; text-align: left; }
td { font-variant-numeric: tabular-nums; } th { border-bottom: 1px solid #b8c2cc; font-weight: 600; }
h2 { margin-top: 2.2rem; } .note { color: #51606f; } .bar { position: relative; width: 11rem; height: .8rem; }
.bar i { position: absolute; top: .3rem; height: .2rem; background: #9db8d6; border-radius: .1rem; }
.bar b { position: absolute; top: .1rem; width: .6rem; height: .6rem; margin-left: -.3rem; border-radius: 50%;
  background: #1f5fa8; } .bar s { position: absolute; top: 0; width: 2px; height: .8rem; background: #c4572e; }
.wrong { display: flex; flex-wrap: wrap; gap: 1rem; } .wrong figure { margin: 0; max-width: 21rem; }
.wrong img { border-radius: 4px; margin-right: .3rem; image-rendering: auto; } figcaption { font-size: .85rem; }
@media (prefers-color-scheme: dark) { body { background: #14191f; color: #dfe6ee; } .note { color: #9aa8b6; } }
"""


def markdown(report: Report) -> str:
    """A table for each probe: figures with intervals and reference values."""
    lines = [f"# What {report.facts['encoder']} can see", "", _about(report), ""]
    for name, result in report.results.items():
        columns = list(result.beside)
        lines += [f"## {name}", "", f"| | value | 95 % interval | items |{''.join(f' {c} |' for c in columns)}"]
        lines.append(f"| --- | --- | --- | --- |{' --- |' * len(columns)}")
        for label, figure in result.named.items():
            cells = [number(result.beside[c][label]) if label in result.beside[c] else "" for c in columns]
            row = [label or name, number(figure["value"]), _interval(figure), f"{figure['n']:,}", *cells]
            lines.append(f"| {' | '.join(row)} |")
        lines += ["", *result.notes, ""]
    lines += [f"- {name} was skipped: {reason}" for name, reason in report.skipped.items()]
    return "\n".join(lines).rstrip() + "\n"


def html(report: Report) -> str:
    """The same as a self-contained HTML page with images of failures."""
    encoder = escape(str(report.facts["encoder"]))
    parts = [f"<h1>What {encoder} can see</h1><p class=note>{escape(_about(report))}</p>"]
    for name, result in report.results.items():
        parts.append(_section(name, result))
    for name, reason in report.skipped.items():
        parts.append(f"<p class=note>{escape(name)} was skipped: {escape(reason)}</p>")
    body = "\n".join(parts)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>What {encoder} can see</title><style>{STYLE}</style><body>{body}</body></html>\n"
    )


def number(value: float) -> str:
    """The value with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}" if value else "0"


def _about(report: Report) -> str:
    facts = report.facts
    data = f"images of {facts['data']}" if facts.get("data") else "generated images"
    return f"Encoder {facts['encoder']} ({facts['fingerprint']}), {data}. Accuracies are between 0 and 1."


def _interval(figure: Figure) -> str:
    return f"{number(figure['low'])} to {number(figure['high'])}"


def _section(name: str, result: ProbeResult) -> str:
    columns = list(result.beside)
    head = "".join(f"<th>{escape(c)}" for c in ["", "value", "95 % interval", "", "items", *columns])
    rows = []
    for label, figure in result.named.items():
        references = [result.beside[c].get(label) for c in columns]
        cells = "".join(f"<td>{'' if value is None else number(value)}" for value in references)
        bar = _bar(figure, [value for value in references if value is not None][:1])
        rows.append(
            f"<tr><td>{escape(label or name)}<td><b>{number(figure['value'])}</b><td>{_interval(figure)}"
            f"<td>{bar}<td>{figure['n']:,}{cells}"
        )
    notes = "".join(f"<p class=note>{escape(note)}</p>" for note in result.notes)
    wrong = "".join(
        f"<figure>{''.join(map(_inline, failure.images))}<figcaption>{escape(failure.says)}</figcaption></figure>"
        for failure in result.failures
    )
    shown = f"<h3>Examples of failures</h3><div class=wrong>{wrong}</div>" if wrong else ""
    return f"<h2>{escape(name)}</h2><table><tr>{head}{''.join(rows)}</table>{notes}{shown}"


def _bar(figure: Figure, references: list[float]) -> str:
    """The interval as a bar between 0 and 1 with a mark at chance; empty for figures outside 0..1."""
    if not 0 <= figure["low"] <= figure["high"] <= 1:
        return ""
    left, right, at = (100 * figure["low"], 100 * figure["high"], 100 * figure["value"])
    stroke = "".join(f'<s style="left:{100 * value:.1f}%"></s>' for value in references if 0 <= value <= 1)
    return (
        f'<div class=bar>{stroke}<i style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
        f'<b style="left:{at:.1f}%"></b></div>'
    )


def _inline(image: Image.Image) -> str:
    small = image.copy()
    small.thumbnail((SIDE, SIDE))
    if max(small.size) < SIDE // 2:  # enlarge tiny images so that the failure is visible
        scale = SIDE // max(small.size)
        small = small.resize((small.width * scale, small.height * scale), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=80)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="" width="{small.width}" height="{small.height}" src="data:image/webp;base64,{data}">'


def write_report(report: Report, folder: Path) -> None:
    """Write report.json, report.md and report.html into folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / "report.json", json.dumps(report.document(), ensure_ascii=False, indent=1).encode() + b"\n")
    write_file(folder / "report.md", markdown(report).encode())
    write_file(folder / "report.html", html(report).encode())
