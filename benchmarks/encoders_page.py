"""The text of docs/encoders.md from the stored results: methods, tables, the comparison with lightly, collapses."""

import json
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from training.comparison.table import formatted_figure, markdown  # noqa: E402
from training.models.intervals import student_interval  # noqa: E402

Stored = Mapping[str, Any]
SEEDS = 3  # minimum of each side
FAMILY = {  # method: its name, year, negatives, key idea
    "simclr": ("SimCLR", 2020, "yes, from the batch", "strong augmentation and a projection head that is discarded"),
    "moco": ("MoCo v2", 2020, "yes, from a queue", "a queue of keys from a momentum encoder"),
    "byol": ("BYOL", 2020, "no", "a predictor, a momentum encoder and a stop-gradient"),
    "swav": ("SwAV", 2020, "implicit, clusters", "online clustering balanced by Sinkhorn's algorithm; multi-crop"),
    "dino": ("DINO", 2021, "no", "self-distillation with centring and sharpening; multi-crop"),
    "moco-v3": ("MoCo v3", 2021, "yes, from the batch", "a predictor and no queue; designed for ViTs"),
    "clip": ("CLIP", 2021, "yes, from the batch", "captions in place of the second view"),
    "slip": ("SLIP", 2021, "yes, from the batch", "the losses of CLIP and SimCLR on one tower"),
    "siglip": ("SigLIP", 2023, "yes, each pair separately", "a sigmoid per pair in place of a softmax"),
    "autoencoder": ("autoencoder", 2006, "no", "reconstruction of the image"),
    "supervised": ("supervised", None, "labels", "upper reference: trained on the labels"),
    "untrained": ("untrained", None, "", "lower reference: only batch norm statistics are computed"),
}
TITLES = {
    "knn.svg": "k-NN over the steps of each method",
    "geometry.svg": "Alignment against uniformity of each encoder",
    "neighbours.webp": "Nearest neighbours of four images for each encoder; a red frame marks another shape",
}
OTHERS = """Four more methods are measured below, on towers and images that they need. `mae` (masked patches, 2021)
needs a ViT; its k-NN accuracy is low, so compare it by the linear probe. `jigsaw` (the permutation of nine tiles, 2016)
and `relative-position` (the direction of a neighbouring patch, 2015) need images of 48 pixels or more. `colorisation`
(the colours of a grey image, 2016) trains its tower on grey images only.
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
    """The whole page. tables: the settings of each table. stored: its rows, by name."""
    parts = [
        "# Encoders: all methods with the same tower and number of steps",
        "",
        "<!-- made by benchmarks/encoders.py from the stored results; edit benchmarks/encoders_page.py -->",
        "",
        "Every method is one file in `training/methods/`. One trainer trains them all, and the same probes evaluate",
        "them:",
        "",
        "    python -m training compare --methods simclr,byol,supervised --seeds 3 --with tower=micro-resnet \\",
        "        --with steps=1000 --train cifar10-train.parquet --data cifar10-val.parquet --out comparison",
        "",
        "This writes `table.md`, `table.json`, `table.csv` and figures: training curves, k-NN over the steps, nearest",
        "neighbours of the same images for every encoder, a map coloured by class, and alignment against uniformity.",
        "Run directories, `starter`, open_clip models and timm models can be compared too. Each is measured by what",
        "it can do, and a cell says what an encoder lacks for a probe. Without `--out`, nothing is written:",
        "`python -m training compare runs/simclr starter resnet18.a1_in1k --data held-out.parquet`.",
        "",
        *family(stored.get("cifar10")),
    ]
    for name, table in tables.items():
        parts += one_table(name, table, stored.get(name))
    parts += [*beside_lightly(read("ssl_lightly")), *collapses(read("collapse")), *speed_of_views(read("views"))]
    parts += [
        "## Full-size training on a GPU",
        "",
        "    python -m training compare --methods simclr,moco,moco-v3,byol,swav,dino --seeds 3 \\",
        "        --with tower=resnet18-32 --with epochs=200 --with batch-size=256 --with precision=bf16 \\",
        "        --train cifar10-train.parquet --data cifar10-val.parquet --out comparison",
        "",
        "This was not run here. Published results for a ResNet-18, in %, with the settings of these projects:",
        "",
        PUBLISHED,
        "Sources: the README of [solo-learn](https://github.com/vturrisi/solo-learn) and the benchmarks page of",
        "[lightly](https://docs.lightly.ai/self-supervised-learning/getting_started/benchmarks.html).",
        "",
    ]
    return "\n".join(parts)


def read(name: str) -> Stored:
    """The stored result of a script of this folder; empty if it was never run."""
    path = HERE / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def family(table: Stored | None) -> list[str]:
    """The methods of the lecture and related ones in one table, with their results."""
    lines = [
        "## Methods",
        "",
        "The methods of the lecture and some related ones, with their results for the same small ResNet, the same",
        "images and the same number of steps. The next table has the settings and all other figures.",
        "",
        "| | method | year | negatives | key idea | linear | k-NN | effective rank |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows = {row["encoder"]: row for row in (table or {"rows": []})["rows"]}
    for method, (title, year, negatives, idea) in FAMILY.items():
        figures = rows.get(method, {"figures": {}})["figures"]
        cells = [formatted_figure(name, figures.get(name)) for name in ("linear", "knn", "geometry/effective_rank")]
        lines.append(f"| {' | '.join([title, f'`{method}`', str(year or ''), negatives, idea, *cells])} |")
    return [*lines, "", OTHERS]


def one_table(name: str, table: Stored, stored: Stored | None) -> list[str]:
    """The section of one table."""
    lines = [f"## {table['title']}", ""]
    files = "" if "data" in table else " --data cifar10-train.parquet --test cifar10-val.parquet"
    command = f"`python benchmarks/encoders.py run {name}{files}`"
    if stored is None:
        return [*lines, f"Not run yet. Run {command}.", ""]
    lines += [f"Made by {command}, with " + ", ".join(f"`{setting}`" for setting in stored["settings"]) + ".", ""]
    lines += [
        markdown(stored),
        "Intervals are 95 %: bootstrap over images for one seed, Student's t over several seeds.",
    ]
    lines += ["Images per second were measured on one core of a shared machine, and are only a rough guide.", ""]
    for figure in table["figures"]:
        lines += [f"![{TITLES[figure]}](encoders/{name}-{figure})", ""]
    return [*lines, *([table["remark"], ""] if "remark" in table else [])]


def beside_lightly(stored: Stored) -> list[str]:
    """The section that compares the methods with those of lightly."""
    lines = [
        "## Comparison with lightly",
        "",
        "Losses and their gradients agree with lightly's within 1e-6. `tests/test_training_ssl_losses.py` checks this "
        "if lightly is installed.",
        "`byol_loss` equals 2 + 2 `NegativeCosineSimilarity`; all other losses are equal without conversion.",
        "`benchmarks/ssl_lightly.py` uses the same tower, views, heads, optimiser, learning rates and steps for both.",
        "",
    ]
    if stored.get("runs"):
        lines += quality(stored["runs"])
    if stored.get("speed"):
        lines += ["| steps per second, with data loading | Gelato | lightly | ratio |", "|---|---|---|---|"]
        for row in stored["speed"]:
            precision = row.get("precision", "f32")
            cells = in_turns(row["ours"], row["lightly"], "{:.1f}")
            lines.append(f"| `{row['method']}`, {precision} | {cells} |")
        lines += [
            "",
            f"Batch size {row['batch']}, {row['workers']} worker, measured alternately: medians, and the range of "
            f"the ratios. {of_load(stored['speed'])}",
            "",
        ]
    if stored.get("model_step"):
        lines += ["| training step without data loading | Gelato | lightly | ratio |", "|---|---|---|---|"]
        for entry in stored["model_step"]:
            ours, theirs = entry["ours"], entry["lightly"]
            lines.append(f"| `{entry['method']}` | {ours:.3f} s | {theirs:.3f} s | {theirs / ours:.2f} |")
        first = stored["model_step"][0]
        lines += [
            "",
            f"Tower {first['tower']}, batch size {first['batch']}, medians of 20 alternating steps, one run.",
            "",
        ]
    return lines


def of_load(rows: list[Stored]) -> str:
    """A sentence on what else the machine did; empty if it did nothing."""
    busy = {f"`{row['method']}`": row["load"] for row in rows if "load" in row}
    if not busy:
        return ""
    low, high = min(busy.values()), max(busy.values())
    return f"The load average was {low:.0f} to {high:.0f} for {', '.join(busy)}, whose ratios are thus rough."


def in_turns(ours: list[float], theirs: list[float], shape: str) -> str:
    """Cells: both medians, and the median and range of the ratios."""
    ratios = sorted(one / other for one, other in zip(ours, theirs, strict=True))
    medians = [shape.format(statistics.median(side)) for side in (ours, theirs)]
    return f"{' | '.join(medians)} | {statistics.median(ratios):.2f} ({ratios[0]:.2f} – {ratios[-1]:.2f})"


def quality(runs: list[Stored]) -> list[str]:
    """k-NN accuracy of both sides, and the 95 % interval of the difference of their means."""
    untrained = [run["knn"] for run in runs if run["side"] == "untrained"]
    if len(untrained) < SEEDS:
        return []
    first = runs[0]
    lines = [
        f"k-NN accuracy on held-out CIFAR-10 after {first['steps']} steps of {first['batch']} images, with "
        f"{first['bank']:,} training images as neighbours.",
        f"The untrained tower has {mean_and_interval(untrained)}.",
        "",
        "| k-NN | seeds | Gelato | lightly | difference, percentage points | interval above -2 | above untrained |",
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
        gap = statistics.fmean(ours) - statistics.fmean(theirs)
        clear = student_interval(ours)[0] > student_interval(untrained)[1]
        lines.append(
            f"| `{method}` | {len(ours)} | {mean_and_interval(ours)} | {mean_and_interval(theirs)} | "
            f"{gap * 100:+.1f} ({low * 100:+.1f} – {high * 100:+.1f}) | {yes(low > -0.02)} | {yes(clear)} |"
        )
    return [*lines, ""]


def difference(ours: list[float], theirs: list[float]) -> tuple[float, float]:
    """95 % interval of the difference of two means (Student's t, pooled variances, equal numbers of runs)."""
    from scipy.stats import ttest_ind

    interval = ttest_ind(ours, theirs).confidence_interval(0.95)
    return float(interval.low), float(interval.high)


def mean_and_interval(values: list[float]) -> str:
    low, high = student_interval(values)
    return f"{statistics.fmean(values):.1%} ({low:.1%} – {high:.1%})"


def yes(so: bool) -> str:
    return "yes" if so else "no"


def collapses(stored: Stored) -> list[str]:
    """Ablations of the parts that prevent a collapse."""
    if not stored:
        return []
    lines = [
        "## Collapse",
        "",
        "Methods without negatives have parts that prevent a collapse, in which all images get the same embedding.",
        "Options of the commands switch these parts off; `python -m training doctor RUN` then detects the collapse.",
        "The runs have 300 steps on CIFAR-10 and are made by `benchmarks/collapse.py`. The lecture's claims about",
        "collapse are tested with five seeds in [claims](claims.md#byol-collapse).",
        "",
        "| run | k-NN, each seed | effective rank | problems found by the doctor | first diagnosis, first seed |",
        "|---|---|---|---|---|",
    ]
    arms = dict.fromkeys((run["method"], run["flag"]) for run in stored["runs"])
    for method, flag in arms:
        runs = [run for run in stored["runs"] if (run["method"], run["flag"]) == (method, flag)]
        label = f"`{method}{f' --{flag}' if flag else ''}`"
        knn = ", ".join(f"{run['knn']['value']:.1%}" for run in runs)
        rank = ", ".join(f"{run['effective_rank']:.1f}" for run in runs)
        says = runs[0]["doctor"][0]["what"] if runs[0]["doctor"] else "no problem"
        found = sum(bool(run["doctor"]) for run in runs)
        lines.append(f"| {label} | {knn} | {rank} | {found} of {len(runs)} | {says} |")
    lines += [
        "",
        "The doctor also reports the complete DINO: after 300 steps, its loss is still at ln K (K outputs). After the",
        "1,200 steps of the first table it reports no problem.",
    ]
    return [*lines, ""]


def speed_of_views(stored: Stored) -> list[str]:
    """The speed of augmentation."""
    if not stored:
        return []
    lines = [
        "## Views",
        "",
        "SimCLR's two views of each image, computed for a whole batch by Gelato and for one image at a time by",
        f"torchvision, with one thread, {stored['turns']} repetitions each (`benchmarks/views.py`):",
        "",
        "| image side | Gelato, images/s | torchvision, images/s | ratio |",
        "|---|---|---|---|",
    ]
    for row in stored["rows"]:
        ratio = row["ratio"]
        span = f"{ratio['median']:.1f} ({ratio['min']:.1f} – {ratio['max']:.1f})"
        lines.append(f"| {row['size']} | {row['ours']:,.0f} | {row['torchvision']:,.0f} | {span} |")
    return [*lines, ""]
