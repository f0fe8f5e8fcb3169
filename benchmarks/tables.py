"""Write the stored results into the tables of README.md, benchmarks/README.md and two pages of the docs.

    python benchmarks/tables.py

Each table lies between two marker comments. Everything between the markers is generated.
"""

import json
import statistics
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- figures: made by benchmarks/tables.py -->", "<!-- end of figures -->"


OF_STARTER = {  # the rows of README.md, and what benchmarks/starter.py calls them
    "CIFAR-10 zero-shot, top-1 (32-pixel images)": "CIFAR-10, ten classes",
    "photographs of COCO, text-to-image recall@10 by caption": "COCO: photograph by its caption, recall@10",
    "everyday words on the same, mean average precision": "COCO: everyday words, mean average precision",
    "photographs of 200 ImageNet classes ¹, zero-shot, top-1": "photographs by their 200 names",
}


def share(figure: dict[str, Any]) -> str:
    """A fraction as a percentage with its interval and count."""
    return f"{figure['value']:.1%} ({figure['low']:.1%} – {figure['high']:.1%}), n = {figure['n']:,}"


def seconds(figure: dict[str, float]) -> str:
    """A median with its range."""
    return f"{figure['median']:.1f} s ({figure['min']:.1f} – {figure['max']:.1f})"


def table() -> str:
    """The table of README.md."""
    starter = json.loads((HERE / "results" / "starter.json").read_text())
    start = json.loads((HERE / "results" / "startup.json").read_text())
    first, runs, cores = start["first_ever"], start["runs"], start["cores"]
    by_starter = "`benchmarks/starter.py`"
    by_startup, by_training = "`benchmarks/startup.py`", "`benchmarks/training_speed.py`"
    rival = json.loads((HERE / "results" / "rivals.json").read_text())
    faster, same = (rival[name]["beside_clip_retrieval"] for name in ("gelato, starter", "gelato, ViT-B-32"))
    rows = [
        *((row, share(starter["figures"][name]["version 2"]), by_starter) for row, name in OF_STARTER.items()),
        (f"time from the command to the first page, {cores} cores, {runs} runs", seconds(start["page"]), by_startup),
        ("time from the command to the first search result", seconds(start["search"]), by_startup),
        (
            "the same two times, first run after installation",
            f"{first['page']:.1f} s, {first['search']:.1f} s",
            by_startup,
        ),
        (
            "build throughput relative to clip-retrieval with ViT-B-32",
            f"{faster['working']:.1f} times with `starter`, {same['working']:.1f} times with the same ViT-B-32 "
            f"(in {same['memory_mb']:.0%} of the memory)",
            "`benchmarks/rivals.py`",
        ),
        ("text query over a million vectors: median time, recall@10", _million(), "`benchmarks/search.py`"),
        ("CLIP pretraining throughput on a CPU relative to open_clip_train", _pretraining(), by_training),
    ]
    lines = [
        "| figure | measured | script |",
        "|---|---|---|",
        *(f"| {a} | {b} | {c} |" for a, b, c in rows),
    ]
    return "\n".join(lines)


def _million() -> str:
    """Query time and recall on a million random vectors, from search.json."""
    run = json.loads((HERE / "results" / "search.json").read_text())["drawn, 1,000,000 x 512"]["asked"]["words"]
    return f"{run['ms_median']:.1f} ms, {run['recall_at_10']:.1%}"


def _pretraining() -> str:
    """Throughput relative to open_clip_train, each with its best settings."""
    found = json.loads((HERE / "results" / "training_speed.json").read_text())["beside open_clip_train"]
    best = {name: found[f"{name}, each one's best"]["ratio"] for name in ("fp32", "bf16")}
    return ", ".join(f"{ratio:.1f} times in {name}" for name, ratio in best.items()) + ", each at its best settings"


def index_table() -> str:
    """The table of benchmarks/README.md: results of the index and the page, and their targets."""
    rows = [row for name, of in INDEX.items() if (stored := _stored(name)) is not None for row in of(stored)]
    head = ["| benchmark | result | target | machine | script |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def _stored(name: str) -> Any:
    path = HERE / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def _on(stored: dict[str, Any]) -> str:
    machine = stored["machine"]
    return f"{machine['cores']} cores of an {machine['cpu']}"


def _build_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for name, run in stored.items():
        reached = (
            f"{run['ratio']:.0%} by wall time, {run['cpu_ratio']:.0%} by CPU time "
            f"({run['images_per_second']:.0f} of {run['upper_bound']:.0f} images/s)"
        )
        what = f"build of {run['images']:,} photographs, {name}, {run['precision']}: fraction of the upper bound"
        rows.append((what, reached, ">= 85 %", _on(run), "`build.py`"))
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
        rows.append((f"{what}, {run['images']:,} photographs", reached, meant[name], _on(stored), "`rivals.py`"))
        memory = f"{run['memory_mb'] / rival['memory_mb']:.2f} ({run['memory_mb']:,} and {rival['memory_mb']:,} MB)"
        if "first_start_mb" in run:
            memory += f"; {run['first_start_mb']:,} MB at the first start, which exports the model"
        rows.append(("the same, memory", memory, "<= 0.25", _on(stored), "`rivals.py`"))
        if "cosine_mean" in run:
            cosine = f"{run['cosine_mean']:.4f}, minimum {run['cosine_least']:.4f}"
            rows.append(("the same, mean cosine to f32", cosine, ">= 0.99", _on(stored), "`rivals.py`"))
    return rows


def _camera_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    """Medians over the rounds, with their range."""
    by, rows = "`camera_files.py`", []
    for kind, found in stored.items():
        on, runs = _on(found), found["runs"]
        rates = {name: [run["working"] for run in of] for name, of in runs.items()}
        rival = rates.pop("clip-retrieval, ViT-B-32")
        files = f"{kind} of 12 megapixels and {found['mean_megabytes']:.1f} MB"
        for name, of in rates.items():
            ratio = statistics.median(of) / statistics.median(rival)
            busy = [_cpu_per_image(runs[of]) for of in (name, "clip-retrieval, ViT-B-32")]
            reached = (
                f"{ratio:.1f} times embedding ({_rates(of)} and {_rates(rival)} images/s, {len(of)} rounds); "
                f"{busy[1] / busy[0]:.1f} times by CPU time ({busy[0]:.2f} and {busy[1]:.2f} s an image)"
            )
            what = f"{name} ({runs[name][0]['precision']}) relative to clip-retrieval with ViT-B-32 (f32), {files}"
            rows.append((what, reached, "-", on, by))
            peaks = [max(run["memory_mb"] for run in runs[of]) for of in (name, "clip-retrieval, ViT-B-32")]
            memory = f"{peaks[0] / peaks[1]:.2f} ({peaks[0]:,} and {peaks[1]:,} MB)"
            rows.append(("the same, memory", memory, "-", on, by))
        for name, bound in found["upper_bound"].items():
            reached = (
                f"{bound['ratio']:.0%} by wall time, {bound['cpu_ratio']:.0%} by CPU time "
                f"({bound['images_per_second']:.1f} of {bound['upper_bound']:.1f} images/s)"
            )
            what = f"build of {found['images']:,} {files}, {name}: fraction of the upper bound"
            rows.append((what, reached, ">= 85 %", on, by))
    return rows


def _cpu_per_image(runs: list[dict[str, Any]]) -> float:
    return statistics.median(run["cpu_seconds"] / run["images"] for run in runs)


def _rates(of: list[float]) -> str:
    return f"{statistics.median(of):.1f} ({min(of):.1f} – {max(of):.1f})"


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
        rows.append((what[part], reached[part](counted), "none lost", _on(stored), "`reliability.py`"))
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
    return [(what, reached, "cosine >= 0.99", _on(stored), "`eight_bits.py`")]


def _memory_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    at = ", ".join(f"{row['peak_mb']:,} MB at {row['rows']:,}" for row in stored["rows"])
    return [("memory of a build of generated images, starter", at, "<= 1,500 MB", _on(stored), "`memory.py`")]


def _unchanged_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    what = f"build of {stored['images']:,} unchanged images in {stored['folders']:,} folders"
    reached = f"{stored['stat_calls']:,} calls of stat, {stored['cpu_seconds']} s of CPU time, {stored['seconds']} s; "
    reached += f"a bare walk {stored['bare_walk_cpu_seconds']} s and {stored['bare_walk_seconds']} s"
    return [(what, reached, "one call a file", _on(stored), "`unchanged.py`")]


def _search_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for name, run in stored.items():
        texts, images = run["asked"]["words"], run["asked"]["images"]
        effort = f", {run['directions']} dimensions, {run['probes']} of {run['lists']} lists" if "probes" in run else ""
        recall = f"{texts['recall_at_10']:.3f} for texts, {images['recall_at_10']:.3f} for images"
        what = f"search, {name.replace('drawn', 'random vectors')}: {run['kind']}{effort}"
        by, on = "`search.py`", _on(run)
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
    return [(what, reached, "<= 25 s for a million", _on(stored), "`label.py`")]


def _command_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    what = f"search of {stored['images']:,} images from the command line, whole process"
    reached = f"{seconds(stored['seconds'])}, CPU time {stored['cpu_seconds']:.1f} s"
    return [(what, reached, "<= 2 s for 10,000", _on(stored), "`command.py`")]


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


INDEX = {
    "build": _build_rows,
    "rivals": _rival_rows,
    "camera_files": _camera_rows,
    "eight_bits": _eight_bit_rows,
    "memory": _memory_rows,
    "unchanged": _unchanged_rows,
    "reliability": _reliability_rows,
    "search": _search_rows,
    "label": _label_rows,
    "command": _command_rows,
    "load": _load_rows,
    "relabel": _relabel_rows,
    "map": _map_rows,
}


def training_table() -> str:
    """The table of training speed in docs/pretraining.md."""
    stored = json.loads((HERE / "results" / "training_speed.json").read_text())
    loading, activations, gpu = stored["loading"], stored["activations"], stored["gpu"]
    targets = {"identical settings": ">= 1.0", "each one's best": ">= 1.2"}
    titles = {"identical settings": "identical settings", "each one's best": "best settings of each"}
    rows = []
    for name, run in stored["beside open_clip_train"].items():
        reached = f"{run['ratio']:.2f} ({run['low']:.2f} – {run['high']:.2f})"
        rates = f"{run['ours']:.0f} and {run['theirs']:.0f} images/s"
        precision, _, settings = name.partition(", ")
        what = f"throughput relative to open_clip_train, {precision}, {titles[settings]}"
        rows.append((what, f"{reached}; {rates}", targets[settings]))
    times = [f"{loading[name]:.0f} times" for name in ("times_the_model", "times_the_model_decoding")]
    rows += [
        (
            "throughput of data loading relative to training",
            f"{times[0]} from decoded images, {times[1]} from JPEG",
            ">= 3",
        ),
        (
            "activation memory with `--micro-batch` of an eighth of the batch",
            f"{activations['share']:.0%} of that of the whole batch",
            "<= 30 %",
        ),
    ]
    if isinstance(gpu, str):
        rows.append(("on a GPU", "not measured", "-"))
    else:
        share = f", {gpu['utilisation']:.0%} of its peak" if gpu["utilisation"] else ""
        rows.append((f"ViT-B-32 on a {gpu['device']}", f"{gpu['images_per_second']:,.0f} images/s{share}", "-"))
    head = [f"| on {_on(stored)}, load average {stored['busy']:.0f} | result | target |", "|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def bridge_table() -> str:
    """The table of the model card: the two versions of the bridge on the same images."""
    stored = json.loads((HERE / "results" / "starter.json").read_text())["figures"]
    rows = []
    for name, figures in stored.items():
        old, new, difference = (figures[key] for key in ("version 1", "version 2", "difference"))
        change = f"{100 * difference['value']:+.1f} ({100 * difference['low']:+.1f} – {100 * difference['high']:+.1f})"
        rows.append(f"| {name} | {share(old)} | {share(new)} | {change} |")
    return "\n".join(["| figure | version 1 | version 2 | difference |", "|---|---|---|---|", *rows])


def with_table(text: str, made: Callable[[], str] = table) -> str:
    """The text of a page with the generated table."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{made()}\n{END}{after}"


TABLES = {
    README: table,
    HERE / "README.md": index_table,
    HERE.parent / "docs/pretraining.md": training_table,
    HERE.parent / "training/models/starter.md": bridge_table,
}

if __name__ == "__main__":
    for page, made in TABLES.items():
        text = page.read_text()
        if "--check" not in sys.argv:
            page.write_text(with_table(text, made))
        elif with_table(text, made) != text:
            sys.exit(f"{page} has a stale table")
