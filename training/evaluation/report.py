"""A report of probes as a page: Markdown, or HTML with the images that went wrong."""

import base64
import io
import json
from html import escape
from pathlib import Path

from PIL import Image

from training.evaluation.subject import Finding
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
    """Every figure with its interval and what to compare it with, a table a probe."""
    lines = [f"# What {report.facts['encoder']} can see", "", _about(report), ""]
    for name, finding in report.found.items():
        columns = list(finding.beside)
        lines += [f"## {name}", "", f"| | value | 95 % interval | items |{''.join(f' {c} |' for c in columns)}"]
        lines.append(f"| --- | --- | --- | --- |{' --- |' * len(columns)}")
        for label, figure in finding.named.items():
            cells = [number(finding.beside[c][label]) if label in finding.beside[c] else "" for c in columns]
            row = [label or name, number(figure["value"]), _interval(figure), f"{figure['n']:,}", *cells]
            lines.append(f"| {' | '.join(row)} |")
        lines += ["", *finding.notes, ""]
    lines += [f"- {name} was left out: {reason}" for name, reason in report.skipped.items()]
    return "\n".join(lines).rstrip() + "\n"


def html(report: Report) -> str:
    """The same as a page of its own, with images of failures inside it; nothing is fetched."""
    encoder = escape(str(report.facts["encoder"]))
    parts = [f"<h1>What {encoder} can see</h1><p class=note>{escape(_about(report))}</p>"]
    for name, finding in report.found.items():
        parts.append(_section(name, finding))
    for name, reason in report.skipped.items():
        parts.append(f"<p class=note>{escape(name)} was left out: {escape(reason)}</p>")
    body = "\n".join(parts)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>What {encoder} can see</title><style>{STYLE}</style><body>{body}</body></html>\n"
    )


def number(value: float) -> str:
    """Three significant digits, whatever the size."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}" if value else "0"


def _about(report: Report) -> str:
    facts = report.facts
    data = f"images of {facts['data']}" if facts.get("data") else "generated images"
    return f"Encoder {facts['encoder']} ({facts['fingerprint']}), {data}. Shares are from 0 to 1."


def _interval(figure: Figure) -> str:
    return f"{number(figure['low'])} to {number(figure['high'])}"


def _section(name: str, finding: Finding) -> str:
    columns = list(finding.beside)
    head = "".join(f"<th>{escape(c)}" for c in ["", "value", "95 % interval", "", "items", *columns])
    rows = []
    for label, figure in finding.named.items():
        known = [finding.beside[c].get(label) for c in columns]
        cells = "".join(f"<td>{'' if value is None else number(value)}" for value in known)
        bar = _bar(figure, [value for value in known if value is not None][:1])
        rows.append(
            f"<tr><td>{escape(label or name)}<td><b>{number(figure['value'])}</b><td>{_interval(figure)}"
            f"<td>{bar}<td>{figure['n']:,}{cells}"
        )
    notes = "".join(f"<p class=note>{escape(note)}</p>" for note in finding.notes)
    wrong = "".join(
        f"<figure>{''.join(map(_inline, failure.images))}<figcaption>{escape(failure.says)}</figcaption></figure>"
        for failure in finding.failures
    )
    shown = f"<h3>What went wrong, the first of it</h3><div class=wrong>{wrong}</div>" if wrong else ""
    return f"<h2>{escape(name)}</h2><table><tr>{head}{''.join(rows)}</table>{notes}{shown}"


def _bar(figure: Figure, known: list[float]) -> str:
    """The interval as a line between 0 and 1, chance as a stroke; nothing for figures that are no shares."""
    if not 0 <= figure["low"] <= figure["high"] <= 1:
        return ""
    left, right, at = (100 * figure["low"], 100 * figure["high"], 100 * figure["value"])
    stroke = "".join(f'<s style="left:{100 * value:.1f}%"></s>' for value in known if 0 <= value <= 1)
    return (
        f'<div class=bar>{stroke}<i style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
        f'<b style="left:{at:.1f}%"></b></div>'
    )


def _inline(image: Image.Image) -> str:
    small = image.copy()
    small.thumbnail((SIDE, SIDE))
    if max(small.size) < SIDE // 2:  # tiny images are enlarged, or nobody sees what went wrong
        scale = SIDE // max(small.size)
        small = small.resize((small.width * scale, small.height * scale), Image.Resampling.NEAREST)
    held = io.BytesIO()
    small.save(held, "WEBP", quality=80)
    data = base64.b64encode(held.getvalue()).decode()
    return f'<img alt="" width="{small.width}" height="{small.height}" src="data:image/webp;base64,{data}">'


def write_report(report: Report, folder: Path) -> None:
    """report.json, report.md and report.html into folder, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / "report.json", json.dumps(report.document(), ensure_ascii=False, indent=1).encode() + b"\n")
    write_file(folder / "report.md", markdown(report).encode())
    write_file(folder / "report.html", html(report).encode())
