"""One encoder in a comparison: what it is, what its run says of itself, and every figure of it with an interval."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.evaluation.features import Features
from training.evaluation.run_defaults import templates_for
from training.evaluation.subject import Subject
from training.evaluation.suite import fitting, run_suite
from training.models.atomic import write_file
from training.models.encoder import BATCH, Encoder
from training.models.encoders import load_encoder
from training.models.intervals import Figure, student_interval


@dataclass(frozen=True)
class Entry:
    """One encoder measured.

    name: as it was asked for. method: what trained it, or its name where that is not known. figures: name to
    figure. facts: numbers without an interval. lines: of its metrics.jsonl.
    """

    name: str
    method: str
    seed: int | None
    steps: int | None
    figures: dict[str, Figure]
    facts: dict[str, float]
    lines: list[dict[str, Any]]


@dataclass
class Measured:
    """An entry, and what the figures of the comparison are drawn from."""

    entry: Entry
    test: Features


def measure(
    name: str, data: str, train: str | None, suite: str | None, cache: Path, say: Callable[[str], object]
) -> Measured:
    """Every figure of the encoder called name; what has been measured before is read from cache.

    data, train: the sources to test on and to learn from. suite: probes with commas between, else those that
    the encoder and the data allow.
    """
    encoder = load_encoder(name)
    templates = templates_for(name)
    subject = Subject(encoder, data, train, templates=templates)
    names = suite or ",".join(fitting(subject))
    key = f"{encoder.fingerprint} {encoder.runtime} {encoder.precision} {data} {train} {names} {templates}"
    stored = json.loads(cache.read_text()) if cache.is_file() else {}
    if key not in stored:
        say(f"measuring {name}")
        report = run_suite(subject, names)
        figures = {
            probe + (f"/{label}" if label else ""): figure
            for probe, finding in report.found.items()
            for label, figure in finding.named.items()
        }
        stored[key] = {"figures": figures, "facts": {"dim": encoder.dim, "embedded_per_second": speed(encoder)}}
        write_file(cache, json.dumps(stored, indent=1).encode() + b"\n")
    known = stored[key]
    return Measured(described(name, known["figures"], known["facts"]), subject.test)


def described(name: str, figures: dict[str, Figure], facts: dict[str, float]) -> Entry:
    """The entry of an encoder: with what its run directory says, where it is one."""
    from training.engine.log import read_metrics
    from training.evaluation.runs import parameters

    run = Path(name)
    if not (run / "config.json").is_file() or not (run / "metrics.jsonl").is_file():
        return Entry(name, name, None, None, figures, dict(facts), [])
    document = json.loads((run / "config.json").read_text())
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
    return Entry(name, document["method"], settings["seed"], settings["steps"], figures, facts, lines)


def speed(encoder: Encoder, batches: int = 5) -> float:
    """Images a second that encoder embeds, the images being prepared: of several batches, the fastest."""
    size = encoder.image_size
    pixels = np.random.default_rng(0).integers(0, 256, (BATCH, size, size, 3), np.uint8)
    seconds = []
    for _ in range(batches + 1):
        begun = time.perf_counter()
        encoder.embed_pixels(pixels)
        seconds.append(time.perf_counter() - begun)
    return BATCH / min(seconds[1:])


def over_seeds(entries: Sequence[Entry], figure: str) -> Figure | None:
    """One figure of a method: over images where there is one seed, over seeds where there are more.

    Over seeds: the mean, and Student's 95 % interval of it.
    """
    known = [entry.figures[figure] for entry in entries if figure in entry.figures]
    if not known:
        return None
    if len(known) == 1:
        return known[0]
    values = [one["value"] for one in known]
    low, high = student_interval(values)
    return Figure(value=statistics.fmean(values), low=low, high=high, n=len(values))
