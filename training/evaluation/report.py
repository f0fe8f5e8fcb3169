"""A report of probes as Markdown, or as HTML with examples of failures."""

import json
from html import escape
from pathlib import Path

from training.evaluation.html_page import html_page, inline_image
from training.evaluation.subject import ProbeResult
from training.evaluation.suite import Report
from training.models.atomic import write_file
from training.models.intervals import Figure

SIDE = 160  # pixels of the longer side of an image on the page
STYLE = """
.bar { position: relative; width: 11rem; height: .8rem; }
.bar i { position: absolute; top: .3rem; height: .2rem; background: var(--faint); border-radius: .1rem; }
.bar b { position: absolute; top: .1rem; width: .6rem; height: .6rem; margin-left: -.3rem; border-radius: 50%;
  background: var(--other); } .bar s { position: absolute; top: 0; width: 2px; height: .8rem; background: var(--bad); }
.wrong { display: flex; flex-wrap: wrap; gap: 1rem; } .wrong figure { max-width: 21rem; }
.wrong img { margin-right: .3rem; }
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
    title = f"What {report.facts['encoder']} can see"
    parts = [f"<h1>{escape(title)}</h1><p class=note>{escape(_about(report))}</p>"]
    for name, result in report.results.items():
        parts.append(_section(name, result))
    for name, reason in report.skipped.items():
        parts.append(f"<p class=note>{escape(name)} was skipped: {escape(reason)}</p>")
    return html_page(title, STYLE, "\n".join(parts))


def number(value: float) -> str:
    """The value with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".") if value else "0"


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
        f"<figure>{''.join(inline_image(image, SIDE) for image in failure.images)}"
        f"<figcaption>{escape(failure.says)}</figcaption></figure>"
        for failure in result.failures
    )
    shown = f"<h3>Examples of failures</h3><div class=wrong>{wrong}</div>" if wrong else ""
    return f"<h2>{escape(name)}</h2><div class=scroll><table><tr>{head}{''.join(rows)}</table></div>{notes}{shown}"


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


def write_report(report: Report, folder: Path) -> None:
    """Write report.json, report.md and report.html into folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / "report.json", json.dumps(report.document(), ensure_ascii=False, indent=1).encode() + b"\n")
    write_file(folder / "report.md", markdown(report).encode())
    write_file(folder / "report.html", html(report).encode())
