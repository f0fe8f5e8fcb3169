"""Rows of the table of benchmarks/README.md: builds, what they cost, and what survives a kill."""

import statistics
from collections import Counter
from typing import Any

from benchmarks.architectures import architecture_rows
from benchmarks.cells import machine_of


def _build_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for name, run in stored.items():
        reached = _of_bound(run)
        what = f"build of {run['images']:,} photographs, {name}, {run['precision']}: fraction of the upper bound"
        rows.append((what, reached, ">= 85 %", machine_of(run), "`build.py`"))
    return rows


def _rival_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    rival = stored["clip-retrieval, ViT-B-32"]
    rows = []
    meant = {"gelato, ViT-B-32": ">= 3.5", "gelato, ViT-B-32, int8": ">= 6", "gelato, starter": ">= 15"}
    for name in (name for name in meant if name in stored):
        run, ratio = stored[name], stored[name]["beside_clip_retrieval"]
        what = f"{name.removesuffix(', int8')} ({run['precision']}) relative to clip-retrieval (f32)"
        reached = (
            f"{ratio['working']:.1f} times embedding, {ratio['whole']:.1f} times including the start "
            f"({run['working']:.1f} and {rival['working']:.1f} images/s embedding)"
        )
        rows.append((f"{what}, {run['images']:,} photographs", reached, meant[name], machine_of(stored), "`rivals.py`"))
        memory = f"{run['memory_mb'] / rival['memory_mb']:.2f} ({run['memory_mb']:,} and {rival['memory_mb']:,} MB)"
        if "first_start_mb" in run:
            memory += f"; {run['first_start_mb']:,} MB at the first start, which exports the model"
        rows.append(("the same, memory", memory, "<= 0.25", machine_of(stored), "`rivals.py`"))
        if "cosine_mean" in run:
            cosine = f"{run['cosine_mean']:.4f}, minimum {run['cosine_least']:.4f}"
            rows.append(("the same, mean cosine to f32", cosine, ">= 0.99", machine_of(stored), "`rivals.py`"))
    return rows


def _camera_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    """Medians over the rounds, with their range."""
    by, rows = "`camera_files.py`", []
    for kind, found in stored.items():
        on, runs = machine_of(found), dict(found["runs"])
        rival = runs.pop("clip-retrieval, ViT-B-32", None)
        files = f"{kind} of 12 megapixels and {found['mean_megabytes']:.1f} MB"
        for name, of in runs.items():
            what = f"{name} ({of[0]['precision']}) relative to clip-retrieval with ViT-B-32 (f32), {files}"
            if rival is None:
                rows.append((what, f"{_rates(of)}; clip-retrieval not measured", "-", on, by))
                continue
            ratio = _median(of) / _median(rival)
            rows.append((what, f"{ratio:.1f} times embedding ({_rates(of)} and {_rates(rival)})", "-", on, by))
            peaks = [max(run["memory_mb"] for run in of) for of in (of, rival)]
            memory = f"{peaks[0] / peaks[1]:.2f} ({peaks[0]:,} and {peaks[1]:,} MB)"
            rows.append(("the same, memory", memory, "-", on, by))
        for name, bound in found["upper_bound"].items():
            what = f"build of {bound['images']:,} {files}, {name}: fraction of the upper bound"
            rows.append((what, _of_bound(bound), ">= 85 %", on, by))
    return rows


def _of_bound(run: dict[str, Any]) -> str:
    return (
        f"{run['ratio']:.0%} by wall time, {run['cpu_ratio']:.0%} by CPU time "
        f"({run['images_per_second']:.0f} of {run['upper_bound']:.0f} images/s)"
    )


def _median(runs: list[dict[str, Any]]) -> float:
    return statistics.median(run["working"] for run in runs)


def _rates(runs: list[dict[str, Any]]) -> str:
    rates = [run["working"] for run in runs]
    spread = f" ({min(rates):.1f} – {max(rates):.1f})" if len(rates) > 1 else ""
    return f"{_median(runs):.1f}{spread} images/s, {len(rates)} run{'s' if len(rates) > 1 else ''}"


def _reliability_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row a part; what a program counts as lost, or an assertion of its own, would end the benchmark."""
    reached = {
        "builds": lambda of: f"{of['killed']:,} killed, {of['finished']:,} finished first, none lost an image",
        "tags": lambda of: (
            f"{of['killed']:,} processes killed and {of['full']:,} disks full; {of['lost']:,} of {of['stored']:,} "
            f"stored tags lost, {of['half']:,} half there"
        ),
        "moves": lambda of: f"{of['killed']:,} of {of['trials']:,} killed; {of['lost']:,} files lost",
        "histories": lambda of: f"{of['histories']:,} histories of {of['actions']:,} actions agree with the model",
    }
    what = {
        "builds": "builds and removals killed at random instants",
        "tags": "tags given by one and by two processes",
        "moves": "`duplicates --move` and its undoing killed at random instants",
        "histories": "random edits, moves, copies, deletions, remounts and builds",
    }
    rows = []
    for part in (part for part in what if part in stored):
        counted = Counter[str]()
        for run in stored[part].values():
            counted.update(run)
        rows.append((what[part], reached[part](counted), "none lost", machine_of(stored), "`reliability.py`"))
    return rows


def _eight_bit_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    what = (
        f"loss of zero-shot accuracy with int8: {stored['tower']} trained with {stored['method']} for "
        f"{stored['steps']:,} steps"
    )
    small = stored["int8"]
    loss = small["loss"]
    reached = (
        f"{100 * loss['value']:.2f} points ({100 * loss['low']:.2f} – {100 * loss['high']:.2f}) of "
        f"{100 * stored['f32']['zero_shot']['value']:.1f} %, n = {loss['n']:,}; mean cosine {small['cosine_mean']:.4f}"
    )
    return [(what, reached, "cosine >= 0.99", machine_of(stored), "`eight_bits.py`")]


def _memory_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    at = ", ".join(f"{row['peak_mb']:,} MB at {row['rows']:,}" for row in stored["rows"])
    return [("memory of a build of generated images, starter", at, "<= 1,500 MB", machine_of(stored), "`memory.py`")]


def _unchanged_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    what = f"build of {stored['images']:,} unchanged images in {stored['folders']:,} folders"
    reached = f"{stored['stat_calls']:,} calls of stat, {stored['cpu_seconds']} s of CPU time, {stored['seconds']} s; "
    reached += f"a bare walk {stored['bare_walk_cpu_seconds']} s and {stored['bare_walk_seconds']} s"
    return [(what, reached, "one call a file", machine_of(stored), "`unchanged.py`")]


BUILDS = {
    "build": _build_rows,
    "rivals": _rival_rows,
    "camera_files": _camera_rows,
    "eight_bits": _eight_bit_rows,
    "architectures": architecture_rows,
    "memory": _memory_rows,
    "unchanged": _unchanged_rows,
    "reliability": _reliability_rows,
}
