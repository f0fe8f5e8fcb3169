"""docs/encoders.md out of what is stored: the lecture's family with its figures, every table, lightly, collapses."""

import json
import math
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from training.comparison.measure import T975  # noqa: E402
from training.comparison.table import markdown, shown  # noqa: E402

Stored = Mapping[str, Any]
SEEDS = 3  # at least so many a side
FAMILY = {  # method: its name, year, negatives, key idea
    "simclr": ("SimCLR", 2020, "yes, of the batch", "strong augmentation and a projection head that is thrown away"),
    "moco": ("MoCo v2", 2020, "yes, a queue", "a memory of keys and a slowly moving encoder that makes them"),
    "byol": ("BYOL", 2020, "no", "a predictor, a slow target and a stopped gradient"),
    "swav": ("SwAV", 2020, "implicit, clusters", "online clustering, kept even by Sinkhorn; many small crops"),
    "dino": ("DINO", 2021, "no", "self-distillation with centring and sharpening; many small crops"),
    "moco-v3": ("MoCo v3", 2021, "yes, of the batch", "no queue, a predictor, made for transformers"),
    "clip": ("CLIP", 2021, "yes, of the batch", "captions in the place of the second view"),
    "slip": ("SLIP", 2021, "yes, of the batch", "CLIP and SimCLR on one tower"),
    "siglip": ("SigLIP", 2023, "yes, each pair by itself", "a sigmoid for each pair in the place of a softmax"),
    "autoencoder": ("autoencoder", 2006, "no", "the image itself, through its features"),
    "supervised": ("supervised", None, "labels", "the ceiling: it is told the answers"),
    "untrained": ("untrained", None, "", "the floor: batch norm has seen images, and nothing else has happened"),
}
TITLES = {
    "knn.svg": "k-NN over the steps of each method",
    "geometry.svg": "Alignment against uniformity of each encoder",
    "neighbours.webp": "The nearest images of the same four under each encoder; a red frame is another shape",
}
OTHERS = """Four more are measured further down, on towers and images that they can work on: `mae` (three quarters of
the patches hidden, 2021) needs a ViT and is no good neighbour, so look at its linear probe; `jigsaw` (the order of nine
tiles, 2016) and `relative-position` (where a patch lies beside another, 2015) need images of 48 pixels or more;
`colorisation` (the colours of a grey image, 2016) has a tower that has only ever seen grey.
"""
PUBLISHED = """| | solo-learn, CIFAR-10, 1000 epochs, linear | lightly, CIFAR-10, 200 epochs, k-NN |
|---|---|---|
| SimCLR | 90.74 | 84.7 |
| MoCo v2 | 92.94 | 83.8 |
| MoCo v3 | 93.10 | – |
| BYOL | 92.58 | 86.9 |
| SwAV | 89.17 | 81.2 |
| DINO | 89.52 | 84.0 |
"""


def page(tables: Mapping[str, Stored], stored: Stored) -> str:
    """The whole page. tables: how each was made. stored: its rows, by name."""
    parts = [
        "# Encoders: one tower, one budget, one table",
        "",
        "<!-- made by benchmarks/encoders.py from the stored results; edit benchmarks/encoders_page.py -->",
        "",
        "Every method is one file in `training/methods/`, trained by one trainer and measured by one set of probes:",
        "",
        "    python -m training compare --methods simclr,byol,supervised --seeds 3 --with tower=micro-resnet \\",
        "        --with steps=1000 --train cifar10-train.parquet --data cifar10-val.parquet --out comparison",
        "",
        "writes `table.md`, `table.json`, `table.csv` and the figures: training curves, k-NN over time, the nearest",
        "neighbours of the same images under every encoder, a map coloured by class, alignment against uniformity.",
        "Run directories, `starter`, names of open_clip and names of timm stand beside the methods:",
        "`python -m training compare runs/simclr starter resnet18.a1_in1k --data held-out.parquet`.",
        "",
        *family(stored.get("cifar10")),
    ]
    for name, table in tables.items():
        parts += one_table(name, table, stored.get(name))
    parts += [*beside_lightly(read("ssl_lightly")), *collapses(read("collapse")), *speed_of_views(read("views"))]
    parts += [
        "## The full size, on a GPU",
        "",
        "    python -m training compare --methods simclr,moco,moco-v3,byol,swav,dino --seeds 3 \\",
        "        --with tower=resnet18-32 --with epochs=200 --with batch-size=256 --with precision=bf16 \\",
        "        --train cifar10-train.parquet --data cifar10-val.parquet",
        "",
        "It was not run here. What others publish for a ResNet-18, in % (their settings, not ours):",
        "",
        PUBLISHED,
        "Sources: the README of [solo-learn](https://github.com/vturrisi/solo-learn) and the benchmarks page of",
        "[lightly](https://docs.lightly.ai/self-supervised-learning/getting_started/benchmarks.html).",
        "",
    ]
    return "\n".join(parts)


def read(name: str) -> Stored:
    """What a script of this folder stored; nothing if it was never run."""
    path = HERE / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def family(table: Stored | None) -> list[str]:
    """The lecture's family in one table, with what was measured."""
    lines = [
        "## The family",
        "",
        "The lecture's table of the family, its kin beside it, and what each came to on the same small ResNet, the",
        "same images and the same budget (the settings and all other figures are in the table after this one).",
        "",
        "| | method | year | negatives | key idea | linear | k-NN | effective rank |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows = {row["encoder"]: row for row in (table or {"rows": []})["rows"]}
    for method, (title, year, negatives, idea) in FAMILY.items():
        figures = rows.get(method, {"figures": {}})["figures"]
        cells = [shown(name, figures.get(name)) for name in ("linear", "knn", "geometry/effective_rank")]
        lines.append(f"| {' | '.join([title, f'`{method}`', str(year or ''), negatives, idea, *cells])} |")
    return [*lines, "", OTHERS]


def one_table(name: str, table: Stored, stored: Stored | None) -> list[str]:
    """The section of one table."""
    lines = [f"## {table['title']}", ""]
    files = "" if "data" in table else " --data cifar10-train.parquet --test cifar10-val.parquet"
    command = f"`python benchmarks/encoders.py run {name}{files}`"
    if stored is None:
        return [*lines, f"Not run yet; {command} fills it in.", ""]
    lines += [f"Made by {command}, with " + ", ".join(f"`{setting}`" for setting in stored["settings"]) + ".", ""]
    lines += [markdown(stored), "Intervals are 95 %: over images for one seed, Student's over seeds for more."]
    lines += ["Images a second are of one core of a machine that did other things besides: an order, no more.", ""]
    for figure in table["figures"]:
        lines += [f"![{TITLES[figure]}](encoders/{name}-{figure})", ""]
    return [*lines, *([table["said"], ""] if "said" in table else [])]


def beside_lightly(stored: Stored) -> list[str]:
    """The section that sets our methods beside lightly's."""
    lines = [
        "## Beside lightly",
        "",
        "Losses and their gradients equal lightly's to 1e-6 (`tests/test_training_ssl_losses.py`, "
        "where lightly is installed).",
        "Conventions: `byol_loss` is 2 + 2 times `NegativeCosineSimilarity`; all others are equal as they are.",
        "`benchmarks/ssl_lightly.py` gives both sides the same tower, views, heads, optimiser, rates and steps.",
        "",
    ]
    if stored.get("runs"):
        lines += quality(stored["runs"])
    if stored.get("speed"):
        lines += ["| steps a second, data included | ours | lightly's | ours is |", "|---|---|---|---|"]
        for row in stored["speed"]:
            lines.append(f"| `{row['method']}` | {in_turns(row['ours'], row['lightly'], '{:.1f}')} |")
        lines += [
            "",
            f"Batch {row['batch']}, {row['workers']} worker, in turns, medians; range of the turns' ratios.",
            "",
        ]
    if stored.get("model_step"):
        lines += ["| the model's step alone | ours | lightly's | ours is |", "|---|---|---|---|"]
        for entry in stored["model_step"]:
            ours, theirs = entry["ours"], entry["lightly"]
            lines.append(f"| `{entry['method']}` | {ours:.3f} s | {theirs:.3f} s | {theirs / ours:.2f} times as fast |")
        first = stored["model_step"][0]
        lines += ["", f"Tower {first['tower']}, batch {first['batch']}, medians of 20 steps in turns, one run.", ""]
    return lines


def in_turns(ours: list[float], theirs: list[float], shape: str) -> str:
    """Cells: both medians, and the ratio of each turn."""
    ratios = sorted(one / other for one, other in zip(ours, theirs, strict=True))
    medians = [shape.format(statistics.median(side)) for side in (ours, theirs)]
    return f"{' | '.join(medians)} | {statistics.median(ratios):.2f} times ({ratios[0]:.2f} – {ratios[-1]:.2f})"


def quality(runs: list[Stored]) -> list[str]:
    """k-NN of both sides, and the 95 % interval of the difference of their means."""
    floor = [run["knn"] for run in runs if run["side"] == "untrained"]
    if len(floor) < SEEDS:
        return []
    first = runs[0]
    lines = [
        f"k-NN on held-out CIFAR-10 after {first['steps']} steps of {first['batch']} images; the neighbours are "
        f"{first['bank']:,} training images.",
        f"The untrained tower has {mean_and_interval(floor)}.",
        "",
        "| k-NN | seeds | ours | lightly's | ours - lightly's, points | above -2 | clear of untrained |",
        "|---|---|---|---|---|---|---|",
    ]
    for method in dict.fromkeys(run["method"] for run in runs if run["side"] == "ours"):
        ours, theirs = (
            [run["knn"] for run in runs if (run["side"], run["method"]) == (side, method)]
            for side in ("ours", "lightly")
        )
        if min(len(ours), len(theirs)) < SEEDS:
            continue
        low, high = difference(ours, theirs)
        apart = statistics.fmean(ours) - statistics.fmean(theirs)
        clear = interval(ours)[0] > interval(floor)[1]
        lines.append(
            f"| `{method}` | {len(ours)} | {mean_and_interval(ours)} | {mean_and_interval(theirs)} | "
            f"{apart * 100:+.1f} ({low * 100:+.1f} – {high * 100:+.1f}) | {yes(low > -0.02)} | {yes(clear)} |"
        )
    return [*lines, ""]


def interval(values: list[float]) -> tuple[float, float]:
    """Student's 95 % interval of the mean."""
    far = T975[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))
    return statistics.fmean(values) - far, statistics.fmean(values) + far


def difference(ours: list[float], theirs: list[float]) -> tuple[float, float]:
    """Student's 95 % interval of the difference of the means of as many independent runs a side, variances pooled."""
    apart = statistics.fmean(ours) - statistics.fmean(theirs)
    pooled = (statistics.variance(ours) + statistics.variance(theirs)) / 2
    far = T975[2 * len(ours) - 2] * math.sqrt(pooled * 2 / len(ours))
    return apart - far, apart + far


def mean_and_interval(values: list[float]) -> str:
    low, high = interval(values)
    return f"{statistics.fmean(values):.1%} ({low:.1%} – {high:.1%})"


def yes(so: bool) -> str:
    return "yes" if so else "no"


def collapses(stored: Stored) -> list[str]:
    """What keeps methods without negatives from collapsing, left out one at a time."""
    if not stored:
        return []
    lines = [
        "## Collapse",
        "",
        "What keeps a method without negatives from one answer for every image can be left out by a flag, and then",
        "`python -m training doctor RUN` says so. Runs of 300 steps on CIFAR-10 by `benchmarks/collapse.py`; what the",
        "lecture claims of it, with verdicts over five seeds, is in [claims](claims.md#byol-collapse).",
        "",
        "| run | k-NN, each seed | effective rank | found wrong by the doctor | what it says, for the first seed |",
        "|---|---|---|---|---|",
    ]
    arms = dict.fromkeys((run["method"], run["flag"]) for run in stored["runs"])
    for method, flag in arms:
        runs = [run for run in stored["runs"] if (run["method"], run["flag"]) == (method, flag)]
        label = f"`{method}{f' --{flag}' if flag else ''}`"
        knn = ", ".join(f"{run['knn']['value']:.1%}" for run in runs)
        rank = ", ".join(f"{run['effective_rank']:.1f}" for run in runs)
        says = runs[0]["doctor"][0]["what"] if runs[0]["doctor"] else "nothing wrong"
        found = sum(bool(run["doctor"]) for run in runs)
        lines.append(f"| {label} | {knn} | {rank} | {found} of {len(runs)} | {says} |")
    lines += [
        "",
        "So short a run of DINO as it is has not left ln K either, and the doctor says that too; after the 1,200 steps",
        "of the first table it finds nothing wrong.",
    ]
    return [*lines, ""]


def speed_of_views(stored: Stored) -> list[str]:
    """How fast views are made."""
    if not stored:
        return []
    lines = [
        "## Views",
        "",
        "SimCLR's two views of each image, a batch at once, beside torchvision's, one image at a time; one",
        f"thread, {stored['turns']} turns each (`benchmarks/views.py`):",
        "",
        "| side | ours, images/s | torchvision, images/s | ours is |",
        "|---|---|---|---|",
    ]
    for row in stored["rows"]:
        ratio = row["ratio"]
        span = f"{ratio['median']:.1f} times as fast ({ratio['min']:.1f} – {ratio['max']:.1f})"
        lines.append(f"| {row['size']} | {row['ours']:,.0f} | {row['torchvision']:,.0f} | {span} |")
    return [*lines, ""]
