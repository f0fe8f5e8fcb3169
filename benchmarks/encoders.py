"""Every method on one tower and one budget, and docs/encoders.md out of what is stored.

    python benchmarks/encoders.py run cifar10 --data cifar10-train.parquet --test cifar10-val.parquet
    python benchmarks/encoders.py run vit     --data cifar10-train.parquet --test cifar10-val.parquet
    python benchmarks/encoders.py run scenes
    python benchmarks/encoders.py             (writes docs/encoders.md)

A run that is done is not run again, so any of these can be ended at any time and called again.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from training.comparison.table import markdown  # noqa: E402
from training.models.atomic import write_file  # noqa: E402

STORED, PAGE = HERE / "encoders.json", ROOT / "docs" / "encoders.md"
WORDED = ("clip", "siglip", "slip")
CAPTION = [f"{method}:caption=a photo of a {{label_name}}" for method in WORDED]
CAPTION += ["clip:multi-positive", "siglip:multi-positive"]
BUDGET = ["batch-size=64", "learning-rate=1e-3", "warmup=0.1", "precision=bf16", "workers=0"]
SHORT = [  # what the papers set for a hundred epochs, set for one or two; ssl_lightly.py has the same
    "byol:momentum=0.99",
    "moco:momentum=0.99",
    "moco-v3:momentum=0.99",
    "dino:momentum=0.99",
    "moco:queue=4096",
    "swav:prototypes=256",
    "swav:freeze=0.05",
    "dino:outputs=1024",
    "dino:narrow=128",
    "dino:freeze=0.01",
    "dino:teacher-temperature=0.04",
]
TABLES: dict[str, dict[str, Any]] = {
    "cifar10": {
        "title": "CIFAR-10, a small ResNet",
        "methods": {3: "simclr,moco,byol,swav,dino,clip,siglip,supervised", 1: "moco-v3,slip,autoencoder,untrained"},
        "settings": [*BUDGET, "steps=1200", "evaluate-every=300", *CAPTION, *SHORT, "tower=micro-resnet"],
    },
    "vit": {
        "title": "CIFAR-10, a small ViT: where masking patches is possible",
        "methods": {3: "mae,simclr,clip", 1: "untrained"},
        "settings": [*BUDGET, "steps=1200", "evaluate-every=300", *CAPTION, "tower=tiny"],
    },
    "scenes": {
        "title": "Generated scenes of 64 pixels",
        "methods": {1: "colorisation,jigsaw,relative-position,autoencoder,simclr,clip,siglip,supervised,untrained"},
        "settings": [*BUDGET, "steps=600", "evaluate-every=200", "tower=micro-resnet", "canvas=64"],
        "data": "scenes:10000?pixels=64",
        "test": "scenes:2000?seed=1&pixels=64",
    },
}
PUBLISHED = """| | solo-learn, CIFAR-10, 1000 epochs, linear | lightly, CIFAR-10, 200 epochs, k-NN |
|---|---|---|
| SimCLR | 90.74 | 84.7 |
| MoCo v2 | 92.94 | 83.8 |
| MoCo v3 | 93.10 | – |
| BYOL | 92.58 | 86.9 |
| SwAV | 89.17 | 81.2 |
| DINO | 89.52 | 84.0 |
"""
METHOD_NOTES = """| method | what it learns from | how it can fail, and the flag |
|---|---|---|
| `simclr` | the other view among all views of the batch | |
| `moco` | the other view among a queue of old keys | |
| `moco-v3` | the same within the batch, with a predictor | |
| `byol` | what a slow copy says of the other view | one answer for all: `--no-predictor`, `--no-stop-gradient` |
| `swav` | the other view's cluster | one cluster for all: `--no-sinkhorn` |
| `dino` | what a slow copy says of the whole, from a part | one output: `--no-centring`; none: `--no-sharpening` |
| `mae` | pixels of three quarters of the patches, hidden | a good neighbour it never is: look at the linear probe |
| `colorisation` | the colours of a grey picture | the tower has only ever seen grey pictures |
| `jigsaw` | the order of nine tiles | needs pictures of 48 pixels or more |
| `relative-position` | where a patch lies beside another | needs pictures of 48 pixels or more |
| `autoencoder` | the picture itself, through its features | |
| `slip` | captions as CLIP does, and views as SimCLR does | |
| `supervised`, `untrained` | labels; nothing | the ceiling and the floor |
"""


def run(name: str, data: str | None, test: str | None, seeds: int) -> None:
    """Train and measure one table, and store it."""
    table = TABLES[name]
    data, test = data or table.get("data"), test or table.get("test")
    if not data or not test:
        sys.exit(f"{name} needs --data and --test")
    out = ROOT / "runs" / f"encoders-{name}"
    runs: list[str] = []
    for count, methods in table["methods"].items():
        words = ["compare", "--train", data, "--data", test, "--out", str(out), "--methods", methods, "--json"]
        words += ["--seeds", str(min(count, seeds)), "--suite", "knn,linear,geometry"]
        words += [word for setting in table["settings"] for word in ("--with", setting)]
        subprocess.run([sys.executable, "-m", "training", *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        runs += [str(out / "runs" / f"{m}-{s}") for m in methods.split(",") for s in range(min(count, seeds))]
    words = ["compare", "--train", data, "--data", test, "--out", str(out), "--suite", "knn,linear,geometry", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "training", *words, *runs], cwd=ROOT, check=True, capture_output=True, text=True
    )
    whole = json.loads(done.stdout)
    stored = json.loads(STORED.read_text()) if STORED.is_file() else {}
    stored[name] = {"settings": table["settings"], "rows": whole["rows"]}
    write_file(STORED, json.dumps(stored, indent=1).encode() + b"\n")


def page() -> str:
    """docs/encoders.md."""
    stored = json.loads(STORED.read_text()) if STORED.is_file() else {}
    parts = [
        "# Encoders: one tower, one budget, one table",
        "",
        "<!-- made by benchmarks/encoders.py from the stored results; edit that -->",
        "",
        "Every method is one file in `training/methods/`, trained by one trainer and measured by one set of probes:",
        "",
        "    python -m training compare --methods simclr,byol,supervised --seeds 3 --with tower=micro-resnet \\",
        "        --with steps=1000 --train cifar10-train.parquet --data cifar10-val.parquet --out comparison",
        "",
        "writes `table.md`, `table.json`, `table.csv` and the figures: training curves, k-NN over time, the nearest",
        "neighbours of the same pictures under every encoder, a map coloured by class, alignment against uniformity.",
        "Run directories, `starter`, names of open_clip and names of timm stand beside the methods:",
        "`python -m training compare runs/simclr starter resnet18.a1_in1k --data held-out.parquet`.",
        "",
        METHOD_NOTES,
        "`python -m training doctor RUN` names each of those failures when it sees it.",
        "",
    ]
    for name, table in TABLES.items():
        parts += [f"## {table['title']}", ""]
        if name in stored:
            parts += ["With " + ", ".join(f"`{setting}`" for setting in stored[name]["settings"]) + ".", ""]
            parts += [markdown({"rows": stored[name]["rows"]})]
            parts += ["Intervals are 95 %: over pictures for one seed, Student's over seeds for more.", ""]
        else:
            files = "" if "data" in table else " --data cifar10-train.parquet --test cifar10-val.parquet"
            parts += [f"Not run yet; `python benchmarks/encoders.py run {name}{files}` fills it in.", ""]
    parts += [beside_lightly(), speed_of_views(), "## The full size, on a GPU", ""]
    parts += [
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


def beside_lightly() -> str:
    """The section that sets our methods beside lightly's."""
    lines = [
        "## Beside lightly",
        "",
        "Losses and their gradients equal lightly's to 1e-6 (`tests/test_ssl_losses.py`, where lightly is installed).",
        "Conventions: `byol_loss` is 2 + 2 times `NegativeCosineSimilarity`; all others are equal as they are.",
        "`benchmarks/ssl_lightly.py` gives both sides the same tower, views, heads, optimiser and steps.",
        "",
    ]
    path = HERE / "ssl_lightly.json"
    stored = json.loads(path.read_text()) if path.is_file() else {"runs": [], "model_step": []}
    if stored["model_step"]:
        lines += ["| model step alone | ours | lightly | ours is |", "|---|---|---|---|"]
        for entry in stored["model_step"]:
            ours, theirs = entry["ours"], entry["lightly"]
            lines.append(f"| {entry['method']} | {ours:.3f} s | {theirs:.3f} s | {theirs / ours:.2f} times as fast |")
        first = stored["model_step"][0]
        lines += ["", f"Tower {first['tower']}, batch {first['batch']}, medians of 20 steps in turns, one run.", ""]
    if stored["runs"]:
        lines += [
            "| k-NN | steps | seed | ours | lightly | steps/s, ours over lightly's |",
            "|---|---|---|---|---|---|",
        ]
        for ours in (run for run in stored["runs"] if run["side"] == "ours"):
            key = {name: ours[name] for name in ("method", "seed", "steps", "batch", "tower")}
            match = [r for r in stored["runs"] if r["side"] == "lightly" and key.items() <= r.items()]
            if match:
                ratio = ours["steps_per_second"] / match[0]["steps_per_second"]
                knn = f"{ours['knn']:.1%} | {match[0]['knn']:.1%} | {ratio:.2f}"
                lines.append(f"| {ours['method']} | {ours['steps']} | {ours['seed']} | {knn} |")
        floor = [run["knn"] for run in stored["runs"] if run["side"] == "untrained"]
        lines += ["", *([f"The untrained tower has {sum(floor) / len(floor):.1%}."] if floor else []), ""]
    else:
        lines += [
            "Quality at an equal budget (k-NN on held-out CIFAR-10, three seeds a side) has not been measured yet:",
            "`python benchmarks/ssl_lightly.py --data cifar10-train.parquet --test cifar10-val.parquet` does it,",
            "in pieces that can be ended and gone on with.",
            "",
        ]
    return "\n".join(lines)


def speed_of_views() -> str:
    """The section on how fast views are made."""
    path = HERE / "views.json"
    if not path.is_file():
        return ""
    stored = json.loads(path.read_text())
    lines = [
        "## Views",
        "",
        "SimCLR's two views of each picture, a batch at once, beside torchvision's, one picture at a time; one",
        f"thread, {stored['turns']} turns each (`benchmarks/views.py`):",
        "",
        "| side | ours, pictures/s | torchvision, pictures/s | ours is |",
        "|---|---|---|---|",
    ]
    for row in stored["rows"]:
        ratio = row["ratio"]
        span = f"{ratio['median']:.1f} times as fast ({ratio['min']:.1f} – {ratio['max']:.1f})"
        lines.append(f"| {row['size']} | {row['ours']:,.0f} | {row['torchvision']:,.0f} | {span} |")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command")
    of_run = commands.add_parser("run", help="train, measure and store one table")
    of_run.add_argument("table", choices=TABLES)
    of_run.add_argument("--data", help="pictures to learn from")
    of_run.add_argument("--test", help="pictures to measure on")
    of_run.add_argument("--seeds", type=int, default=3, help="at most so many")
    parser.add_argument("--check", action="store_true", help="fail if the page is not what is stored")
    asked = parser.parse_args()
    if asked.command == "run":
        run(asked.table, asked.data, asked.test, asked.seeds)
    if asked.check:
        sys.exit("docs/encoders.md is stale; python benchmarks/encoders.py" if PAGE.read_text() != page() else 0)
    write_file(PAGE, page().encode())


if __name__ == "__main__":
    main()
