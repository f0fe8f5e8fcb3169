"""Put the stored results into the README's table: python benchmarks/tables.py

The table stands between two marks; whatever is between them is made here and nowhere else.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- figures: made by benchmarks/tables.py -->", "<!-- end of figures -->"


def share(figure: dict[str, Any]) -> str:
    """0.9312 with its interval and count, as people read it."""
    return f"{figure['value']:.1%} ({figure['low']:.1%} – {figure['high']:.1%}), n = {figure['n']:,}"


def seconds(figure: dict[str, float]) -> str:
    """A median with its range."""
    return f"{figure['median']:.1f} s ({figure['min']:.1f} – {figure['max']:.1f})"


def table() -> str:
    """The README's table from the stored results."""
    seen = json.loads((HERE / "results" / "starter.json").read_text())
    start = json.loads((HERE / "results" / "startup.json").read_text())
    first, runs, cores = start["first_ever"], start["runs"], start["cores"]
    by_starter = "`benchmarks/starter.py`"
    by_startup, by_training = "`benchmarks/startup.py`", "`benchmarks/training_speed.py`"
    rival = json.loads((HERE / "results" / "rivals.json").read_text())
    faster, same = (rival[name]["beside_clip_retrieval"] for name in ("gelato, starter", "gelato, ViT-B-32"))
    rows = [
        ("CIFAR-10 zero-shot, top-1 (32-pixel images)", share(seen["cifar10"]["top1"]), by_starter),
        ("photographs of 200 ImageNet classes ¹, zero-shot, top-1", share(seen["photos"]["top1"]), by_starter),
        ("the same, text-to-image recall@10 by class name", share(seen["photos"]["in_top10_by_name"]), by_starter),
        (f"from command to first page, {cores} cores, {runs} runs", seconds(start["page"]), by_startup),
        ("from command to first search result", seconds(start["search"]), by_startup),
        ("the same two, first run after installation", f"{first['page']:.1f} s, {first['search']:.1f} s", by_startup),
        (
            "build throughput relative to clip-retrieval with ViT-B-32",
            f"{faster['working']:.1f} times ({same['working']:.1f} times with the same ViT-B-32, "
            f"in {same['memory_mb']:.0%} of its memory)",
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
    """The drawn million's row of search.json in short."""
    run = json.loads((HERE / "results" / "search.json").read_text())["drawn, 1,000,000 x 512"]["asked"]["words"]
    return f"{run['ms_median']:.1f} ms, {run['recall_at_10']:.1%}"


def _pretraining() -> str:
    """Ratios beside open_clip_train with each one's best settings."""
    found = json.loads((HERE / "results" / "training_speed.json").read_text())["beside open_clip_train"]
    best = {name: found[f"{name}, each one's best"]["ratio"] for name in ("fp32", "bf16")}
    return ", ".join(f"{ratio:.1f} times in {name}" for name, ratio in best.items()) + ", each at its best settings"


def index_table() -> str:
    """The table of benchmarks/README.md: what the index reaches, beside what it is meant to reach."""
    rows = [row for name, of in INDEX.items() if (stored := _stored(name)) is not None for row in of(stored)]
    head = ["| what | reached | meant | on | made by |", "|---|---|---|---|---|"]
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
            f"{run['ratio']:.0%} by the clock, {run['cpu_ratio']:.0%} by seconds of computing "
            f"({run['images_per_second']:.0f} of {run['upper_bound']:.0f} images/s)"
        )
        what = f"build of {run['images']:,} photographs, {name}, {run['precision']}: share of its upper bound"
        rows.append((what, reached, ">= 85 %", _on(run), "`build.py`"))
    return rows


def _rival_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    rival = stored["clip-retrieval, ViT-B-32"]
    rows = []
    meant = {"gelato, ViT-B-32": ">= 3.5", "gelato, ViT-B-32, int8": ">= 6", "gelato, starter": ">= 15"}
    for name in (name for name in meant if name in stored):
        run, ratio = stored[name], stored[name]["beside_clip_retrieval"]
        what = f"{name.removesuffix(', int8')} ({run['precision']}) beside clip-retrieval (f32)"
        reached = (
            f"{ratio['working']:.1f} times working, {ratio['whole']:.1f} times whole "
            f"({run['working']:.1f} and {rival['working']:.1f} images/s working)"
        )
        rows.append((f"{what}, {run['images']:,} photographs", reached, meant[name], _on(stored), "`rivals.py`"))
        memory = f"{run['memory_mb'] / rival['memory_mb']:.2f} ({run['memory_mb']:,} and {rival['memory_mb']:,} MB)"
        if "first_start_mb" in run:
            memory += f"; {run['first_start_mb']:,} MB at the first start, which exports"
        rows.append(("the same, memory", memory, "<= 0.25", _on(stored), "`rivals.py`"))
        if "cosine_mean" in run:
            cosine = f"{run['cosine_mean']:.4f}, worst {run['cosine_least']:.4f}"
            rows.append(("the same, mean cosine to f32", cosine, ">= 0.99", _on(stored), "`rivals.py`"))
    return rows


def _eight_bit_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    what = (
        f"zero-shot accuracy lost to int8: {stored['tower']} trained by {stored['method']}, {stored['steps']:,} steps"
    )
    small = stored["int8"]
    loss = small["loss"]
    reached = (
        f"{100 * loss['value']:.2f} points ({100 * loss['low']:.2f} – {100 * loss['high']:.2f}) of "
        f"{100 * stored['f32']['zero_shot']['value']:.1f} %, n = {loss['n']:,}; mean cosine {small['cosine_mean']:.4f}"
    )
    return [(what, reached, "measured; cosine >= 0.99", _on(stored), "`eight_bits.py`")]


def _memory_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    at = ", ".join(f"{row['peak_mb']:,} MB at {row['rows']:,}" for row in stored["rows"])
    return [("memory of a build of generated images, starter", at, "<= 1,500 MB", _on(stored), "`memory.py`")]


def _search_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for name, run in stored.items():
        words, images = run["asked"]["words"], run["asked"]["images"]
        effort = f", {run['directions']} directions, {run['probes']} of {run['lists']} lists" if "probes" in run else ""
        recall = f"{words['recall_at_10']:.3f} for words, {images['recall_at_10']:.3f} for images"
        what = f"search, {name}: {run['kind']}{effort}"
        by, on = "`search.py`", _on(run)
        rows.append((f"{what}, recall at 10", recall, ">= 0.98 for words", on, by))
        beside = f"{words['ms_median']:.1f} ms, exhaustive {run['exhaustive_ms']:.1f} ms"
        rows.append(("the same, median of a query", beside, "<= 4 ms", on, by))
        rows.append(("the same, opened", f"{run['opened_s']:.2f} s", "< 1 s", on, by))
        worst = min(of["recall_at_10"] for of in run["filtered"].values())
        slowest = max(of["ms_mean"] for of in run["filtered"].values())
        under = f"{worst:.3f} at worst, {slowest:.1f} ms at most"
        rows.append(("the same under filters that a ten-thousandth to a half pass", under, "none empty", on, by))
    return rows


def _label_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    scale = 1_000_000 * 1000 / (stored["rows"] * stored["classes"])
    what = f"labelling {stored['rows']:,} vectors by {stored['classes']:,} classes"
    busy = f"{stored['cpu_seconds']:.1f} s of computing ({stored['seconds']:.1f} s by the clock)"
    scaled = f"; {scale * stored['cpu_seconds'] / stored['machine']['cores']:.0f} s at a million on all cores"
    reached = f"{busy}{scaled if scale != 1 else ''}, {stored['peak_memory_mb']:,} MB"
    return [(what, reached, "<= 25 s at a million", _on(stored), "`label.py`")]


def _command_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    what = f"search of {stored['images']:,} images from the command line, whole process"
    reached = f"{seconds(stored['seconds'])}, of computing {stored['cpu_seconds']:.1f} s"
    return [(what, reached, "<= 2 s at 10,000", _on(stored), "`command.py`")]


def _load_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    """Of the page under 20 people; busy is how many processes wanted one of the cores, ours among them."""
    on, by, limits = f"{stored['cores']} cores", "`load.py`", stored["limits"]

    def row(what: str, figure: dict[str, Any], meant: str, busy: float) -> tuple[str, ...]:
        reached = f"p50 {figure['p50']:,.0f} ms, p95 {figure['p95']:,.0f} ms"
        return (what, reached, meant, f"{on}, {busy:.0f} busy", by)

    api, page, typed, start, gradio = (stored[part] for part in ("api", "page", "typed", "start", "gradio"))
    people = f"{stored['users']} people, each searching {stored['images']:,} images every {stored['every']:.0f} s"
    rows = [
        row(f"{people}, through the API", api, f"p95 <= {limits['api_p95']} ms", api["busy"]),
        row("the same through the page: 19 clients", page["clients"], f"p95 <= {limits['page_p95']} ms", page["busy"]),
        row("and one Chromium beside them", page["chromium"], f"p95 <= {limits['page_p95']} ms", page["busy"]),
        row("a query typed on a warm page", typed, f"<= {limits['typed']} ms", typed["busy"]),
        row("the same, typed before the last images have come", typed["at_once"], "-", typed["busy"]),
        (
            "of the typed query, what Gradio adds to any question",
            f"{max(0, gradio['gradio_adds']):.1f} ms; the search itself {typed['server']['p50']:.0f} ms",
            "-",
            f"{on}, {gradio['busy']:.0f} busy",
            by,
        ),
        row("command to first images in Chromium", start, f"<= {limits['start'] / 1000:.0f} s", start["busy"]),
    ]
    if "memory" in stored:
        memory = stored["memory"]
        reached = f"{memory['megabytes'][2]:,.0f} MB to {memory['megabytes'][-1]:,.0f} MB"
        rows.append((f"the server's memory, searches 2,000 to {memory['searches']:,}", reached, "flat", on, by))
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
            f"{what}, {hold}: from frame to frame",
            f"p50 {stored[hold]['p50']:.0f} ms, p95 {stored[hold]['p95']:.0f} ms "
            f"(the page's scripts {stored[hold]['script_ms_a_move']:.0f} ms a move)",
            "p95 <= 50 ms",
            on,
            by,
        )
        for hold in ("pan", "zoom", "lasso", "hover")
    ]
    opened = f"{stored['first']['seconds']:.1f} s, again {stored['again']['seconds']:.1f} s"
    rows.append((f"{what}, opened for the first time", opened, "-", on, by))
    held = stored["memory_mb"]
    memory = f"{held['scripts']:.0f} MB in the page, {held['server_grew']:.0f} MB in the server"
    return [*rows, (f"{what}, memory", memory, "-", on, by)]


INDEX = {
    "build": _build_rows,
    "rivals": _rival_rows,
    "eight_bits": _eight_bit_rows,
    "memory": _memory_rows,
    "search": _search_rows,
    "label": _label_rows,
    "command": _command_rows,
    "load": _load_rows,
    "relabel": _relabel_rows,
    "map": _map_rows,
}


def training_table() -> str:
    """docs/pretraining.md's table of speed."""
    stored = json.loads((HERE / "results" / "training_speed.json").read_text())
    loading, activations, gpu = stored["loading"], stored["activations"], stored["gpu"]
    aims = {"identical settings": ">= 1.0", "each one's best": ">= 1.2"}
    rows = []
    for name, run in stored["beside open_clip_train"].items():
        reached = f"{run['ratio']:.2f} ({run['low']:.2f} – {run['high']:.2f})"
        rates = f"{run['ours']:.0f} and {run['theirs']:.0f} images a second"
        rows.append((f"times open_clip_train, {name}", f"{reached}; {rates}", aims[name.partition(", ")[2]]))
    times = [f"{loading[name]:.0f} times" for name in ("times_the_model", "times_the_model_decoding")]
    rows += [
        (
            "loading alone beside what the model consumes",
            f"{times[0]} from decoded images, {times[1]} from JPEG",
            ">= 3",
        ),
        (
            "activations with `--micro-batch` of an eighth",
            f"{activations['share']:.0%} of the whole batch's",
            "<= 30 %",
        ),
    ]
    if isinstance(gpu, str):
        rows.append(("on a GPU", gpu, "-"))
    else:
        share = f", {gpu['utilisation']:.0%} of its peak" if gpu["utilisation"] else ""
        rows.append((f"ViT-B-32 on a {gpu['device']}", f"{gpu['images_per_second']:,.0f} images/s{share}", "-"))
    head = [f"| on {_on(stored)}, {stored['busy']:.0f} busy | reached | meant |", "|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def bridge_table() -> str:
    """The model card's table of the bridge's three forms."""
    stored = json.loads((HERE / "results" / "bridge.json").read_text())
    forms = {
        "classes": "classes' half alone, as the classifier has it",
        "regression": "both halves, by regression",
        "run": "after the run, which ships",
    }
    rows = []
    for name, said in forms.items():
        of = stored[name]
        retrieval = [
            " / ".join(f"{100 * figure['value']:.1f}" for figure in of[kind].values()) + " %"
            for kind in ("drawings", "shrunken drawings")
        ]
        rows.append(f"| {said} | {share(of['cifar10'])} | {share(of['photos'])} | {' | '.join(retrieval)} |")
    head = "CIFAR-10, ten names | photographs, all 1000 names | drawing found by its caption, top 1 / 5 / 10"
    return "\n".join([f"| bridge | {head} | the same, drawings of 32 pixels |", "|---|---|---|---|---|", *rows])


def with_table(text: str, made: Callable[[], str] = table) -> str:
    """A page's text with the table as it should be."""
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
