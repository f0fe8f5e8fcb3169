"""Write the stored results into the tables of README.md, benchmarks/README.md and two pages of the docs.

    python benchmarks/tables.py

Each table lies between two marker comments. Everything between the markers is generated.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.cells import machine_of, seconds
from benchmarks.index_table import index_table

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


def table() -> str:
    """The table of README.md."""
    starter = json.loads((HERE / "results" / "starter.json").read_text())
    start = json.loads((HERE / "results" / "startup.json").read_text())
    load = json.loads((HERE / "results" / "first_load.json").read_text())
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
            f"first load of the page over {load['rate'] / 1000:.0f} kB/s and {load['latency']} ms, to the search box",
            f"{seconds(load['search'])}; {load['own_bytes']['median'] / 1000:.0f} kB in "
            f"{load['own_requests']['median']:.0f} requests beyond Gradio's",
            "`benchmarks/first_load.py`",
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


def training_table() -> str:
    """The table of training speed in docs/pretraining.md."""
    stored = json.loads((HERE / "results" / "training_speed.json").read_text())
    loading, activations = stored["loading"], stored["activations"]
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
    rows += [*_shuffled(), *_crops(), *_checkpoints(), *_on_gpu(HERE / "results" / "gpu.json")]
    head = [f"| on {machine_of(stored)}, load average {stored['busy']:.0f} | result | target |", "|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def _shuffled() -> list[tuple[str, str, str]]:
    """Reading in windows beside reading in order, by kind of file and latency of the store."""
    stored, rows = json.loads((HERE / "results" / "shuffling.json").read_text()), []
    busy = " to ".join(f"{load:.0f}" for load in stored["load"])
    for name, cpu in stored["by_cpu_time"].items():
        clock = stored["windows_over_in_order"][name]
        by_cpu, by_clock = (f"{one['median']:.0%} ({one['low']:.0%} – {one['high']:.0%})" for one in (cpu, clock))
        what = f"images/s shuffled in windows relative to in order, {name} a request"
        rows.append((what, f"{by_cpu} by CPU time; {by_clock} by the clock at a load of {busy}", ">= 80 %"))
    return rows


def _stored(name: str) -> dict[str, Any]:
    """A result, {} if it has not been measured."""
    file = HERE / "results" / f"{name}.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return found


def _crops() -> list[tuple[str, str, str]]:
    """What small crops and crops of whole images change, seed by seed."""
    multi, crops = _stored("multi_crop"), _stored("crops").get("differences", {})
    rows = [("arithmetic of DINO with small crops at full size", f"{multi['times']:.2f} times that of small ones", "-")]
    of = {"k-NN of DINO after equal steps, small crops small minus at full size": multi.get("knn")}
    names = {"simclr, knn": "k-NN of SimCLR", "clip, zero-shot": "zero-shot of CLIP"}
    of |= {f"{names[name]}, crops of whole images minus of centre squares": crops.get(name) for name in names}
    for what, found in of.items():
        if found:
            between = f"{100 * found['low']:+.1f} to {100 * found['high']:+.1f} over {found['seeds']} seeds"
            rows.append((what, f"{100 * found['difference']:+.1f} points ({between})", "-"))
    return rows


def _checkpoints() -> list[tuple[str, str, str]]:
    """How long a checkpoint holds training up."""
    found = _stored("checkpoints")
    if not found:
        return []
    now, before = (found[name]["median"] * 1000 for name in ("in_the_background", "waited_for"))
    what = f"training held up by a checkpoint of {found['bytes'] / 1e6:.0f} MB"
    load = max(run["load"] for run in found["runs"])
    return [(what, f"{now:,.0f} ms; {before:,.0f} ms if it is waited for, at a load of {load:.0f}", "-")]


def _on_gpu(file: Path) -> list[tuple[str, str, str]]:
    """What benchmarks/gpu.py has measured, if it was run on a GPU."""
    if not file.is_file():
        return [("on a GPU", "not measured", "-")]
    stored, rows = json.loads(file.read_text()), []
    for name, case in stored["cases"].items():
        if "share_of_ceiling" in case:
            rate, ratio = case["ours"]["images_per_second"], case.get("times_the_rival")
            beside = f", {ratio:.2f} times {'open_clip_train' if 'CLIP' in name else 'lightly'}" if ratio else ""
            result = f"{rate:,.0f} images/s, {case['share_of_ceiling']:.0%} of the step alone{beside}"
            rows.append((f"{name} on a {stored['machine']['device']}", result, ">= 90 %, >= 1.1 times"))
    return rows


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
