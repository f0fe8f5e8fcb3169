"""Reading of run directories: method, progress, curves and figures."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FRESH = 90.0  # seconds since the last line, within which an unfinished run counts as running
MAX_POINTS = 240  # of a curve, evenly thinned
LONGEST_HEADER = 100_000_000  # bytes, the limit of the safetensors format
NOT_CURVES = ("step", "seconds", "waiting", "memory_bytes", "epoch", "samples")


@dataclass
class Run:
    """One run. curves: by name, [step, value] pairs. figures: the latest evaluation, each value, low, high, n."""

    name: str
    method: str
    step: int
    steps: int
    going: bool
    parameters: int | None
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    figures: dict[str, dict[str, float]] = field(default_factory=dict)


def list_runs(folder: Path) -> list[Run]:
    """The runs inside folder, the most recently written first; other folders are ignored."""
    logs = [path for path in folder.glob("*/metrics.jsonl") if path.is_file()] if folder.is_dir() else []
    return [read_run(path.parent) for path in sorted(logs, key=lambda path: -path.stat().st_mtime)]


def read_run(run: Path) -> Run:
    """Read a run directory, also of an unfinished run; an incomplete last line is ignored."""
    config = _json(run / "config.json")
    lines = read_lines(run / "metrics.jsonl")
    curves: dict[str, list[tuple[int, float]]] = {}
    figures: dict[str, dict[str, float]] = {}
    for line in lines:
        step = int(line.get("step") or 0)
        for name, value in flat(line).items():
            if name not in NOT_CURVES:
                curves.setdefault(name, []).append((step, value))
        figures |= figures_of(line.get("evaluation"))
    figures |= figures_of(_json(run / "evaluation.json"))
    step = max((int(line.get("step") or 0) for line in lines), default=0)
    steps = int(_found(config, "steps") or 0)
    log = run / "metrics.jsonl"
    age = time.time() - log.stat().st_mtime if log.is_file() else float("inf")
    return Run(
        run.name,
        str(_found(config, "method") or ""),
        step,
        steps,
        going=step < steps and age < FRESH,
        parameters=parameters(run / "model.safetensors"),
        curves={name: thinned(points) for name, points in curves.items() if len(points) > 1},
        figures=figures,
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _found(config: dict[str, Any], name: str) -> Any:
    """A setting at the top level of a config, or one level below."""
    if not isinstance(config.get(name), dict | None):
        return config[name]
    return next((part[name] for part in config.values() if isinstance(part, dict) and name in part), None)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl up to the first that is incomplete."""
    lines: list[dict[str, Any]] = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            line = json.loads(text)
        except ValueError:
            break
        if isinstance(line, dict):
            lines.append(line)
    return lines


def flat(line: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of a line by name, nested ones as outer/inner; a figure with an interval counts as its value."""
    found: dict[str, float] = {}
    for name, value in line.items():
        if isinstance(value, dict):
            inner = value.get("value")
            if isinstance(inner, int | float):
                found[prefix + name] = float(inner)
            elif inner is None:
                found |= flat(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[prefix + name] = float(value)
    return found


def figures_of(stored: object, prefix: str = "") -> dict[str, dict[str, float]]:
    """The figures of a stored evaluation by name, each with value, low, high and n; plain numbers have a value only."""
    found: dict[str, dict[str, float]] = {}
    for name, value in stored.items() if isinstance(stored, dict) else ():
        if isinstance(value, dict) and isinstance(value.get("value"), int | float):
            found[prefix + name] = {
                part: float(value[part])
                for part in ("value", "low", "high", "n")
                if isinstance(value.get(part), int | float)
            }
        elif isinstance(value, dict):
            found |= figures_of(value, f"{prefix}{name}/")
        elif isinstance(value, float):
            found[prefix + name] = {"value": value}
    return found


def thinned(points: list[tuple[int, float]], most: int = MAX_POINTS) -> list[tuple[int, float]]:
    """At most `most` evenly spaced points, including the first and the last."""
    if len(points) <= most:
        return points
    return [points[round(i * (len(points) - 1) / (most - 1))] for i in range(most)]


def parameters(weights: Path) -> int | None:
    """The number of parameters in a safetensors file, read from its header; None if there is no such file."""
    try:
        with weights.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, LONGEST_HEADER)))
        total = 0
        for name, tensor in header.items():
            if name != "__metadata__" and tensor["dtype"].startswith(("F", "BF")):  # whole numbers are counters
                count = 1
                for side in tensor["shape"]:
                    count *= int(side)
                total += count
        return total
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
