"""docs/claims.md and its figures, from the stored runs."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from textwrap import wrap

from training.claims import CLAIMS, OPEN
from training.claims.claim import HELD, SEEDS, Claim, Effect, Store, effects_of, verdict_of
from training.models.atomic import write_file

WIDTH, ROW, LEFT = 760, 46, 330  # pixels of a figure
COLOURS: Mapping[str, str] = {
    "held": "#2f7d4f",
    "held in part": "#b07d1a",
    "not seen": "#6b7580",
    "opposite": "#b5403a",
    "undecided": "#6b7580",
}


def title_of(claim: Claim, effects: Sequence[Effect]) -> str:
    """The result in one sentence."""
    if verdict_of(effects) == HELD:
        return claim.found
    if claim.instead:
        return claim.instead.format(*(effect.mean for effect in effects))
    return "; ".join(f"{effect.name}: {effect.mean:+.2f}" for effect in effects)


def write_page(store: Store, page: Path) -> dict[str, str]:
    """Write the page and a figure for each claim with a verdict, and return the verdicts by name."""
    seeds = range(SEEDS)
    lines = [
        "# Claims of the lecture, tested",
        "",
        "Made by `python -m training claims`. The lecture is the one that the README describes. The design of each",
        "claim and the smallest interesting effect were fixed before the runs. Each claim is tested with small towers",
        f"and generated scenes. Its {SEEDS} seeds are paired: each seed runs all conditions. The verdict follows from",
        "the 95 % interval of the mean effect (Student's t):",
        "",
        "- *held*: the interval lies above 0, and the mean reaches the smallest interesting effect",
        "- *held in part*: this is true of only some effects, or the interval lies above 0 but the mean is smaller",
        "- *not seen*: the interval excludes the smallest interesting effect",
        "- *opposite*: the interval lies below 0, and the mean is as far below 0 as the smallest interesting effect",
        "- *undecided*: the interval allows several of these",
        "",
        "The runs are small. At a larger scale, other effects may appear, and effects seen here may disappear.",
        "",
    ]
    verdicts: dict[str, str] = {}
    body: list[str] = []
    for name in CLAIMS:
        claim = CLAIMS[name]
        effects = effects_of(claim, store, seeds)
        done = len(effects[0].values) if effects else 0
        if done < SEEDS:
            verdicts[name] = f"open ({done} of {SEEDS} seeds)"
            continue
        verdicts[name] = verdict_of(effects)
        body += _section(name, claim, effects, verdicts[name], page.parent)
    lines += ["| claim | verdict |", "| --- | --- |"]
    for name, verdict in verdicts.items():
        link = f"[{name}](#{name})" if not verdict.startswith("open") else name
        lines.append(f"| {link} | **{verdict}** |")
    lines += ["", *body, "## Open", "", "Claims that were not run, or not completely:", ""]
    lines += [f"- {CLAIMS[name].says}" for name, verdict in verdicts.items() if verdict.startswith("open")]
    lines += [f"- {what}" for what in OPEN]
    write_file(page, ("\n".join(lines) + "\n").encode())
    return verdicts


def _section(name: str, claim: Claim, effects: list[Effect], verdict: str, folder: Path) -> list[str]:
    (folder / "claims").mkdir(parents=True, exist_ok=True)
    write_file(folder / "claims" / f"{name}.svg", figure(claim, effects, verdict).encode())
    lines = [f"## {name}", "", f"> {claim.says}", "", f"Source: {claim.source}.", "", f"Design: {claim.design}", ""]
    lines += [f"![{title_of(claim, effects)}](claims/{name}.svg)", ""]
    lines += [
        "| effect | mean | 95 % interval | smallest interesting effect | verdict |",
        "| --- | --- | --- | --- | --- |",
    ]
    for effect in effects:
        low, high = effect.interval
        between = "" if effect.exact else f"{low:+.3f} to {high:+.3f}"
        wanted = f"at most {effect.smallest:g}" if effect.exact else f"{effect.smallest:+g}"
        mean = f"{effect.mean:.1e}" if effect.exact else f"{effect.mean:+.3f}"
        lines.append(f"| {effect.name} | {mean} | {between} | {wanted} | {effect.verdict} |")
    return [*lines, "", f"**{verdict.capitalize()}.** {title_of(claim, effects)}.", ""]


def figure(claim: Claim, effects: list[Effect], verdict: str) -> str:
    """An SVG of the effects: means with intervals, seeds as small dots, smallest interesting effects as lines."""
    shown = [effect for effect in effects if not effect.exact]
    rows = shown or effects
    ends = [0.0] + [v for e in shown for v in (*e.values, *e.interval, e.smallest)]
    low, high = min(ends), max(ends) or 1.0
    span = (high - low) or 1.0
    low, high = low - 0.05 * span, high + 0.05 * span

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - 20) * (value - low) / (high - low)

    title = wrap(title_of(claim, effects), 78)
    top = 32 + 20 * len(title)
    height = top + 40 + ROW * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="system-ui, sans-serif"><rect width="100%" height="100%" fill="#fff"/>',
        *(
            f'<text x="16" y="{28 + 20 * at}" font-size="15" font-weight="600" fill="#1d2733">{escape(line)}</text>'
            for at, line in enumerate(title)
        ),
        f'<text x="16" y="{top}" font-size="12" font-weight="600" fill="{COLOURS[verdict]}">{verdict}</text>',
    ]
    if shown:
        key = "large dots: mean; bars: 95 %; small dots: seeds; dashed: smallest interesting effect"
        parts.append(
            f'<text x="{WIDTH - 16}" y="{top}" font-size="11" text-anchor="end" fill="#51606f">{key}</text>'
            f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{top + 10}" y2="{height - 24}" stroke="#9aa8b6"/>'
            f'<text x="{x(0):.1f}" y="{height - 8}" font-size="11" text-anchor="middle" fill="#51606f">0</text>'
        )
    for number, effect in enumerate(rows):
        y = top + 26 + ROW * number
        parts.append(f'<text x="16" y="{y + 4}" font-size="13" fill="#1d2733">{escape(effect.name)}</text>')
        if effect.exact:
            parts.append(f'<text x="{LEFT + 30}" y="{y + 4}" font-size="13">{max(map(abs, effect.values)):.1e}</text>')
            continue
        colour, (from_, to) = COLOURS[effect.verdict], effect.interval
        parts.append(
            f'<line x1="{x(from_):.1f}" x2="{x(to):.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="3"/>'
        )
        parts += [f'<circle cx="{x(v):.1f}" cy="{y + 10}" r="2" fill="#9aa8b6"/>' for v in effect.values]
        parts.append(f'<circle cx="{x(effect.mean):.1f}" cy="{y}" r="5.5" fill="{colour}"/>')
        wanted = x(effect.smallest)
        parts.append(
            f'<line x1="{wanted:.1f}" x2="{wanted:.1f}" y1="{y - 10}" y2="{y + 10}" stroke="#c4572e" '
            f'stroke-dasharray="3 2"/><text x="{x(effect.mean):.1f}" y="{y - 10}" font-size="12" text-anchor="middle" '
            f'fill="#1d2733">{effect.mean:+.3f}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def document(store: Store, seeds: int) -> dict[str, object]:
    """Effects and verdicts by claim, as JSON."""
    found: dict[str, object] = {}
    for name in CLAIMS:
        effects = effects_of(CLAIMS[name], store, range(seeds))
        done = len(effects[0].values) if effects else 0
        found[name] = {
            "says": CLAIMS[name].says,
            "seeds": done,
            "verdict": verdict_of(effects) if done >= SEEDS else None,
            "effects": [
                {
                    "name": effect.name,
                    "mean": effect.mean,
                    "interval": list(effect.interval) if done > 1 else None,
                    "smallest": effect.smallest,
                    "values": list(effect.values),
                }
                for effect in effects
            ],
        }
    return json.loads(json.dumps(found))
