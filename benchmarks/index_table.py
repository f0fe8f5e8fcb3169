"""The table of benchmarks/README.md, row by row: results of the index and the page, and their targets."""

import json
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.architectures import architecture_rows

RESULTS = Path(__file__).parent / "results"


def seconds(figure: dict[str, float]) -> str:
    """A median with its range."""
    return f"{figure['median']:.1f} s ({figure['min']:.1f} – {figure['max']:.1f})"


def index_table() -> str:
    """The table of benchmarks/README.md: results of the index and the page, and their targets."""
    rows = [row for name, of in INDEX.items() if (stored := result(name)) is not None for row in of(stored)]
    head = ["| benchmark | result | target | machine | script |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def result(name: str) -> Any:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def machine_of(stored: dict[str, Any]) -> str:
    """The machine of a result, for a cell of a table."""
    machine = stored["machine"]
    return f"{machine['cores']} cores of an {machine['cpu']}"


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


def _search_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for name, run in stored.items():
        texts, images = run["asked"]["words"], run["asked"]["images"]
        effort = f", {run['directions']} dimensions, {run['probes']} of {run['lists']} lists" if "probes" in run else ""
        recall = f"{texts['recall_at_10']:.3f} for texts, {images['recall_at_10']:.3f} for images"
        what = f"search, {name.replace('drawn', 'random vectors')}: {run['kind']}{effort}"
        by, on = "`search.py`", machine_of(run)
        rows.append((f"{what}, recall at 10", recall, ">= 0.98 for texts", on, by))
        beside = f"{texts['ms_median']:.1f} ms, exhaustive {run['exhaustive_ms']:.1f} ms"
        rows.append(("the same, median query time", beside, "<= 4 ms", on, by))
        rows.append(("the same, time to open", f"{run['opened_s']:.2f} s", "< 1 s", on, by))
        worst = min(of["recall_at_10"] for of in run["filtered"].values())
        slowest = max(of["ms_mean"] for of in run["filtered"].values())
        under = f"lowest recall {worst:.3f}, longest time {slowest:.1f} ms"
        rows.append(("the same with filters that 0.01 % to 50 % of the images pass", under, "none empty", on, by))
    return rows


def _label_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    scale = 1_000_000 * 1000 / (stored["rows"] * stored["classes"])
    what = f"labelling {stored['rows']:,} vectors with {stored['classes']:,} classes"
    busy = f"{stored['cpu_seconds']:.1f} s of CPU time ({stored['seconds']:.1f} s of wall time)"
    scaled = f"; {scale * stored['cpu_seconds'] / stored['machine']['cores']:.0f} s at a million on all cores"
    reached = f"{busy}{scaled if scale != 1 else ''}, {stored['peak_memory_mb']:,} MB"
    return [(what, reached, "<= 25 s for a million", machine_of(stored), "`label.py`")]


def _command_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    what = f"search of {stored['images']:,} images from the command line, whole process"
    reached = f"{seconds(stored['seconds'])}, CPU time {stored['cpu_seconds']:.1f} s"
    return [(what, reached, "<= 2 s for 10,000", machine_of(stored), "`command.py`")]


def _load_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    """Response times with 20 users. busy: the number of running processes, those of the benchmark included."""
    on, by, limits = f"{stored['cores']} cores", "`load.py`", stored["limits"]

    def row(what: str, figure: dict[str, Any], meant: str, busy: float) -> tuple[str, ...]:
        reached = f"p50 {figure['p50']:,.0f} ms, p95 {figure['p95']:,.0f} ms"
        return (what, reached, meant, f"{on}, {busy:.0f} busy", by)

    api, page, typed, start, gradio = (stored[part] for part in ("api", "page", "typed", "start", "gradio"))
    people = f"{stored['users']} users, each searching {stored['images']:,} images every {stored['every']:.0f} s"
    rows = [
        row(f"{people}, through the API", api, f"p95 <= {limits['api_p95']} ms", api["busy"]),
        row("the same through the page: 19 clients", page["clients"], f"p95 <= {limits['page_p95']} ms", page["busy"]),
        row(
            "the same in one Chromium, in parallel with them",
            page["chromium"],
            f"p95 <= {limits['page_p95']} ms",
            page["busy"],
        ),
        row("a query typed on a warm page", typed, f"<= {limits['typed']} ms", typed["busy"]),
        row("the same, typed before the previous images have loaded", typed["at_once"], "-", typed["busy"]),
        (
            "overhead of Gradio in the typed query",
            f"{max(0, gradio['gradio_adds']):.1f} ms; the search itself {typed['server']['p50']:.0f} ms",
            "-",
            f"{on}, {gradio['busy']:.0f} busy",
            by,
        ),
        row(
            "time from the command to the first images in Chromium",
            start,
            f"<= {limits['start'] / 1000:.0f} s",
            start["busy"],
        ),
    ]
    if "memory" in stored:
        memory = stored["memory"]
        reached = f"{memory['megabytes'][2]:,.0f} MB to {memory['megabytes'][-1]:,.0f} MB"
        rows.append(
            (f"memory of the server from 2,000 to {memory['searches']:,} searches", reached, "constant", on, by)
        )
    return rows


def _relabel_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    on, by = f"{stored['cores']} cores", "`relabel.py`"
    meant = f"<= {stored['limit']:.0f} s"
    what = f"{stored['images']:,} images relabelled after one class name changed"
    modes = {name: run["changed"] for name, run in stored.items() if isinstance(run, dict) and "changed" in run}
    return [(f"{what}, {name}", seconds(changed), meant, on, by) for name, changed in modes.items()]


def _map_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    on, by, what = f"{stored['cores']} cores, {stored['busy']:.0f} busy", "`map.py`", f"map of {stored['images']:,}"
    rows = [
        (
            f"{what}, {hold}: time per frame",
            f"p50 {stored[hold]['p50']:.0f} ms, p95 {stored[hold]['p95']:.0f} ms "
            f"(JavaScript {stored[hold]['script_ms_a_move']:.0f} ms per event)",
            "p95 <= 50 ms",
            on,
            by,
        )
        for hold in ("pan", "zoom", "lasso", "hover")
    ]
    opened = f"{stored['first']['seconds']:.1f} s, with caches {stored['again']['seconds']:.1f} s"
    rows.append((f"{what}, time to open", opened, "-", on, by))
    held = stored["memory_mb"]
    memory = f"{held['scripts']:.0f} MB in the page, {held['server_grew']:.0f} MB in the server"
    return [*rows, (f"{what}, memory", memory, "-", on, by)]


def _choosing_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    """Median and 95th percentile of what a person waits for, in Chromium."""
    of = f"{stored['chosen']:,} of {stored['images']:,} images on the page"
    steps = (("choose", "select"), ("tag", "tag"), ("undo the tag of", "undo"))
    figures = ((what, stored[name]) for what, name in steps)
    return [
        (f"{what} {of}", f"p50 {one['p50']:.0f} ms, p95 {one['p95']:.0f} ms", "-", machine_of(stored), "`browse.py`")
        for what, one in figures
    ]


def _zoo_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    on, of = f"{stored['cores']} cores, load average {stored['busy']:.0f}", stored["before"]
    what = f"{stored['images']:,} images of the demo embedded with the {stored['encoders']} encoders of the zoo"
    wall, cpu = seconds(stored["after"]["wall"]), seconds(stored["after"]["cpu"])
    before = f"each encoder decoding for itself: {seconds(of['wall'])} and {seconds(of['cpu'])}"
    return [(what, f"{wall}, CPU {cpu}; {before}", "<= 60 s", on, "`zoo_demo.py`")]


INDEX = {
    "build": _build_rows,
    "rivals": _rival_rows,
    "camera_files": _camera_rows,
    "eight_bits": _eight_bit_rows,
    "architectures": architecture_rows,
    "memory": _memory_rows,
    "unchanged": _unchanged_rows,
    "reliability": _reliability_rows,
    "search": _search_rows,
    "label": _label_rows,
    "command": _command_rows,
    "load": _load_rows,
    "relabel": _relabel_rows,
    "map": _map_rows,
    "choosing": _choosing_rows,
    "zoo_demo": _zoo_rows,
}
