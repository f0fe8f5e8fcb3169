"""Measurement of one encoder of a comparison: its figures with intervals, and facts from its run directory."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from training.data.tables.options import TableOptions
from training.evaluation.features import Features
from training.evaluation.run_defaults import runtime_for, templates_for
from training.evaluation.subject import Subject
from training.evaluation.suite import STANDARD, run_suite
from training.models.atomic import write_file
from training.models.encoder import BATCH, Encoder
from training.models.encoders import load_encoder
from training.models.intervals import Figure, student_interval

PARTS = ("data", "run", "settings")  # of a config.json
NOT_COMPARED = {
    *("seed", "device", "workers", "prefetch", "cache", "log_every", "logger", "checkpoint_every", "keep", "report"),
    *("evaluate", "evaluate_every", "suite"),
}


@dataclass(frozen=True)
class Entry:
    """One measured encoder.

    name: as given by the user. method: that trained it, or its name if unknown. figures: by name. facts: numbers
    without an interval. lines: of its metrics.jsonl. skipped: why a probe does not apply to it, by probe. settings: of
    its run, but for the seed and what does not change a result, so that runs with equal ones differ by chance.
    """

    name: str
    method: str
    seed: int | None
    steps: int | None
    figures: dict[str, Figure]
    facts: dict[str, float]
    lines: list[dict[str, Any]]
    skipped: dict[str, str] = field(default_factory=dict)
    settings: str = ""


@dataclass
class Measured:
    """An entry, and the test features from which the figures are drawn."""

    entry: Entry
    test: Features


def measure(
    name: str,
    data: str,
    train: str | None,
    suite: str | None,
    cache: Path | None,
    say: Callable[[str], object],
    tables: TableOptions | None = None,
) -> Measured:
    """All figures of the encoder called name; earlier measurements are read from cache, a file, if there is one.

    data, train: sources for testing and for training probes. suite: comma-separated probes [default: STANDARD]. Those
    that the encoder or the data does not allow are skipped.
    """
    encoder = load_encoder(name, *runtime_for(name, None, None))
    templates = templates_for(name)
    subject = Subject(encoder, data, train, templates=templates, tables=tables)
    names = suite or ",".join(STANDARD)
    key = f"{encoder.fingerprint} {encoder.runtime} {encoder.precision} {data} {train} {names} {templates}"
    key += f" {tables.as_dict()}" if tables and tables.as_dict() else ""
    stored = json.loads(cache.read_text(encoding="utf-8")) if cache is not None and cache.is_file() else {}
    if key not in stored:
        say(f"measuring {name}")
        report = run_suite(subject, names, lenient=True)
        figures = {
            probe + (f"/{label}" if label else ""): figure
            for probe, result in report.results.items()
            for label, figure in result.named.items()
        }
        facts = {"dim": encoder.dim, "embedded_per_second": speed(encoder)}
        stored[key] = {"figures": figures, "facts": facts, "skipped": report.skipped}
        if cache is not None:
            cache.parent.mkdir(parents=True, exist_ok=True)
            write_file(cache, json.dumps(stored, indent=1).encode() + b"\n")
    entry = entry_of(name, stored[key]["figures"], stored[key]["facts"])
    return Measured(replace(entry, skipped=stored[key].get("skipped", {})), subject.test)


def entry_of(name: str, figures: dict[str, Figure], facts: dict[str, float]) -> Entry:
    """The entry of an encoder, with facts from its run directory if it has one."""
    from training.engine.log import read_metrics
    from training.evaluation.runs import parameters

    run = Path(name)
    if not (run / "config.json").is_file() or not (run / "metrics.jsonl").is_file():
        return Entry(name, name, None, None, figures, dict(facts), [])
    document = json.loads((run / "config.json").read_text(encoding="utf-8"))
    lines = read_metrics(run / "metrics.jsonl")
    facts = dict(facts)
    rates = [line["images_per_second"] for line in lines if line.get("images_per_second")]
    if rates:
        facts["trained_per_second"] = statistics.median(rates)
    memory = [line["memory_bytes"] for line in lines if line.get("memory_bytes")]
    if memory:
        facts["memory_bytes"] = max(memory)
    if (count := parameters(run / "model.safetensors")) is not None:
        facts["parameters"] = count
    settings = document["run"]
    shared = {part: {k: v for k, v in document[part].items() if k not in NOT_COMPARED} for part in PARTS}
    alike = json.dumps(shared, sort_keys=True)
    return Entry(name, document["method"], settings["seed"], settings["steps"], figures, facts, lines, settings=alike)


def speed(encoder: Encoder, batches: int = 5) -> float:
    """Images per second of the encoder without preprocessing: the fastest of several batches."""
    size = encoder.image_size
    pixels = np.random.default_rng(0).integers(0, 256, (BATCH, size, size, 3), np.uint8)
    seconds = []
    for _ in range(batches + 1):
        started = time.perf_counter()
        encoder.embed_pixels(pixels)
        seconds.append(time.perf_counter() - started)
    return BATCH / min(seconds[1:])


def over_seeds(entries: Sequence[Entry], figure: str) -> Figure | None:
    """One figure of a method. With one seed: its interval over images. With several: the mean over seeds, with
    Student's 95 % interval.
    """
    found = [entry.figures[figure] for entry in entries if figure in entry.figures]
    if not found:
        return None
    if len(found) == 1:
        return found[0]
    values = [one["value"] for one in found]
    low, high = student_interval(values)
    return Figure(value=statistics.fmean(values), low=low, high=high, n=len(values))
