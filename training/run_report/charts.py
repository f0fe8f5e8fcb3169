"""Line charts as SVG inside a page: they take its colours, in light and in dark, and need no script."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from training.evaluation.report import number
from training.evaluation.runs import thinned

WIDE, HIGH = 360, 190  # units of the view box
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 8, 22
HOVERS = 80  # points that show their value under the mouse
SPAN = 50.0  # largest over smallest value, from which on the axis is logarithmic
TICKS = 4


Points = Sequence[tuple[int, float | None]]


@dataclass(frozen=True)
class Line:
    """points: step and value, None where it is not finite, which leaves a gap. bands: low and high of each point."""

    points: Points
    bands: Sequence[tuple[float, float]] = ()
    dashed: bool = False

    @property
    def values(self) -> list[float]:
        return [value for _, value in self.points if value is not None]


def chart(title: str, lines: Sequence[Line], note: str = "", may_be_log: bool = False) -> str:
    """A figure with its last value in the caption; "" without two points.

    note: is shown behind the caption. may_be_log: whether values of very different sizes get a logarithmic axis.
    """
    known = [value for line in lines for value in line.values] + [
        end for line in lines for b in line.bands for end in b
    ]
    steps = [step for line in lines for step, _ in line.points]
    if len(lines[0].values) < 2 or min(steps) == max(steps):
        return ""
    log = may_be_log and min(known) > 0 and max(known) / min(known) > SPAN
    ticks = decades(min(known), max(known)) if log else round_ticks(min(known), max(known))
    low, high = min(ticks[0], *known), max(ticks[-1], *known)

    def x(step: float) -> float:
        return LEFT + (WIDE - LEFT - RIGHT) * (step - min(steps)) / (max(steps) - min(steps))

    def y(value: float) -> float:
        bottom, top, at = (math.log(v) for v in (low, high, value)) if log else (low, high, value)
        return HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * (at - bottom) / ((top - bottom) or 1)

    drawn = [_axes(ticks, steps, x, y)]
    for place, line in enumerate(lines):
        if line.bands:
            drawn.append(_band(line, x, y))
        kind = "dashed" if line.dashed else f"line{place}"
        drawn.append(f'<path class="{kind}" d="{_path(line.points, x, y)}"/>')
    drawn.append(_hovers(lines[0].points, x))
    caption = f"{escape(title)} <b>{number(lines[0].values[-1])}</b> <span>{escape(note)}</span>"
    picture = (
        f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{escape(title)} over steps">{"".join(drawn)}</svg>'
    )
    return f"<figure class=chart><figcaption>{caption}</figcaption>{picture}</figure>"


def round_ticks(low: float, high: float) -> list[float]:
    """About TICKS round numbers from at most low to at least high."""
    span = (high - low) or abs(high) or 1.0
    size = 10 ** math.floor(math.log10(span / TICKS))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if span / (size * factor) <= TICKS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * place, 12) for place in range(first, max(last, first + 1) + 1)]


def decades(low: float, high: float) -> list[float]:
    """The powers of ten from at most low to at least high, fewer than TICKS + 2 of them."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**power for power in range(first, last + 1, max(1, (last - first) // TICKS))]


def _path(points: Points, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    parts, pen = [], "M"
    for step, value in points:
        if value is None:
            pen = "M"
            continue
        parts.append(f"{pen}{x(step):.1f} {y(value):.1f}")
        pen = "L"
    return "".join(parts)


def _band(line: Line, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    steps = [step for step, _ in line.points]
    edge = [(step, high) for step, (_, high) in zip(steps, line.bands, strict=True)]
    edge += [(step, low) for step, (low, _) in reversed(list(zip(steps, line.bands, strict=True)))]
    return f'<path class="band" d="{_path(edge, x, y)}Z"/>'


def _axes(
    ticks: Sequence[float], steps: Sequence[int], x: Callable[[float], float], y: Callable[[float], float]
) -> str:
    rows = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{y(tick) + 3:.1f}" text-anchor="end">{short(tick)}</text>'
        for tick in ticks
    ]
    middle = (min(steps) + max(steps)) // 2
    places = ((min(steps), "start", ""), (middle, "middle", ""), (max(steps), "end", " steps"))
    rows += [
        f'<text x="{x(at):.1f}" y="{HIGH - 6}" text-anchor="{anchor}">{at:,}{unit}</text>'
        for at, anchor, unit in places
    ]
    return "".join(rows)


def _hovers(points: Points, x: Callable[[float], float]) -> str:
    """Invisible columns that name the step and the value under the mouse."""
    some = thinned([(step, value) for step, value in points if value is not None], HOVERS)
    wide = (WIDE - LEFT - RIGHT) / max(1, len(some) - 1)
    return "".join(
        f'<rect class="hover" x="{x(step) - wide / 2:.1f}" y="{TOP}" width="{wide:.1f}" height="{HIGH - TOP - BOTTOM}">'
        f"<title>step {step:,}: {number(value)}</title></rect>"
        for step, value in some
    )


def short(tick: float) -> str:
    """The number of a tick, as short as it can be said."""
    if tick and (abs(tick) < 1e-3 or abs(tick) >= 1e5):
        return f"{tick:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{tick:,g}" if abs(tick) < 1000 else f"{tick:,.0f}"
