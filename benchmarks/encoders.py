"""Train every method with the same tower and steps, and write docs/encoders.md from the stored results.

    python benchmarks/encoders.py run cifar10 --data cifar10-train.parquet --test cifar10-val.parquet
    python benchmarks/encoders.py run vit     --data cifar10-train.parquet --test cifar10-val.parquet
    python benchmarks/encoders.py run scenes
    python benchmarks/encoders.py             (writes docs/encoders.md)

A finished run is not repeated, so each command can be stopped at any time and called again.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

from training.models.atomic import write_file  # noqa: E402

STORED, PAGE = HERE / "results" / "encoders.json", ROOT / "docs" / "encoders.md"
FIGURES = ROOT / "docs" / "encoders"
DRAWN = ("knn.svg", "geometry.svg")  # figures without images, for data whose images may not be redistributed
WITH_CAPTIONS = ("clip", "siglip", "slip")
CAPTION = [f"{method}:caption=a photo of a {{label_name}}." for method in WITH_CAPTIONS]
CAPTION += ["clip:multi-positive", "siglip:multi-positive"]
BUDGET = ["batch-size=64", "learning-rate=1e-3", "warmup=0.1", "precision=bf16", "workers=0"]
SHORT = [  # settings of the papers for a hundred epochs, adapted to one or two; ssl_lightly.py uses the same
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
        "figures": DRAWN,
        "methods": {3: "simclr,moco,byol,swav,dino,clip,siglip,supervised", 1: "moco-v3,slip,autoencoder,untrained"},
        "settings": [*BUDGET, "steps=1200", "evaluate-every=300", *CAPTION, *SHORT, "tower=micro-resnet"],
        "remark": "The runs have one and a half epochs, a hundredth of what the papers use. The table therefore ranks "
        "the speed of learning, not the final accuracy. Every method is better than the untrained tower.",
    },
    "vit": {
        "title": "CIFAR-10, a small ViT (with MAE)",
        "figures": DRAWN,
        "methods": {3: "mae,simclr,clip", 1: "untrained"},
        "settings": [*BUDGET, "steps=1200", "evaluate-every=300", *CAPTION, "tower=tiny"],
    },
    "scenes": {
        "title": "Generated scenes of one object, 64 pixels: its shape",
        "figures": (*DRAWN, "neighbours.webp"),
        "methods": {1: "colorisation,jigsaw,relative-position,autoencoder,simclr,clip,siglip,supervised,untrained"},
        "settings": [
            *BUDGET,
            "steps=1500",
            "evaluate-every=500",
            "tower=micro-resnet",
            "canvas=64",
            "label-column=shape",
        ],
        "data": "scenes:10000?pixels=64&most=1&copies=0",
        "test": "scenes:2000?seed=1&pixels=64&most=1&copies=0",
        "remark": "Captions name the shape and are as informative as labels here. SimCLR stays near the untrained "
        "tower: two crops of a small object often share only the background, so the features encode the background "
        "([claims](claims.md#aggressive-augmentation)).",
    },
}


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
        words += ["--seeds", str(min(count, seeds))]
        words += [word for setting in table["settings"] for word in ("--with", setting)]
        subprocess.run([sys.executable, "-m", "training", *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        runs += [str(out / "runs" / f"{m}-{s}") for m in methods.split(",") for s in range(min(count, seeds))]
    words = ["compare", "--train", data, "--data", test, "--out", str(out), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "training", *words, *runs], cwd=ROOT, check=True, capture_output=True, text=True
    )
    whole = json.loads(done.stdout)
    for figure in table["figures"]:
        write_file(FIGURES / f"{name}-{figure}", (out / figure).read_bytes())
    stored = json.loads(STORED.read_text()) if STORED.is_file() else {}
    stored[name] = {"settings": table["settings"], "rows": whole["rows"]}
    write_file(STORED, json.dumps(stored, indent=1).encode() + b"\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command")
    of_run = commands.add_parser("run", help="train, measure and store one table")
    of_run.add_argument("table", choices=TABLES)
    of_run.add_argument("--data", help="images to learn from")
    of_run.add_argument("--test", help="images to measure on")
    of_run.add_argument("--seeds", type=int, default=3, help="at most so many")
    parser.add_argument("--check", action="store_true", help="fail if the page is not what is stored")
    asked = parser.parse_args()
    if asked.command == "run":
        run(asked.table, asked.data, asked.test, asked.seeds)
    from encoders_page import page

    stored = json.loads(STORED.read_text()) if STORED.is_file() else {}
    text = page(TABLES, stored)
    if asked.check:
        sys.exit("docs/encoders.md is stale; python benchmarks/encoders.py" if PAGE.read_text() != text else 0)
    write_file(PAGE, text.encode())


if __name__ == "__main__":
    main()
