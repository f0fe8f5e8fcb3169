"""Methods without negatives, with and without what keeps them from collapsing: what they learn, what the doctor says.

    python benchmarks/collapse.py --data cifar10-train.parquet --test cifar10-val.parquet

trains each arm with three seeds, two minutes a run on one core. A run that is done is not run again; collapse.json
holds them, and benchmarks/encoders.py makes a section of docs/encoders.md of it.
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

from encoders import BUDGET, SHORT  # noqa: E402

from training.comparison.training import train_run  # noqa: E402
from training.models.atomic import write_file  # noqa: E402

STORED = HERE / "results" / "collapse.json"
SETTINGS = (*BUDGET, *SHORT, "steps=300", "tower=micro-resnet", "evaluate-every=300", "suite=knn")
ARMS = (
    ("byol", None),
    ("byol", "no-predictor"),
    ("byol", "no-stop-gradient"),
    ("swav", None),
    ("swav", "no-sinkhorn"),
    ("dino", None),
    ("dino", "no-centring"),
    ("dino", "no-sharpening"),
)


def measured(run: Path) -> dict[str, Any]:
    """What a finished run came to: k-NN, the effective rank of its last batch, and what the doctor says of it."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    last = next(line["evaluation"] for line in reversed(lines) if "evaluation" in line)
    words = [sys.executable, "-m", "training", "doctor", str(run), "--json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    knn = next(iter(last.values()))["knn"]
    rank = next(line["effective_rank"] for line in reversed(lines) if "effective_rank" in line)
    return {"knn": knn, "effective_rank": rank, "doctor": json.loads(done.stdout)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="CIFAR-10's training images as parquet")
    parser.add_argument("--test", required=True, help="held-out images as parquet")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    stored = json.loads(STORED.read_text()) if STORED.is_file() else {"settings": list(SETTINGS), "runs": []}
    for seed in range(asked.seeds):
        for method, flag in ARMS:
            key = {"method": method, "flag": flag, "seed": seed}
            if any(key.items() <= run.items() for run in stored["runs"]):
                continue
            settings = (*SETTINGS, flag) if flag else SETTINGS
            run = ROOT / "runs" / "collapse" / f"{method}-{flag or 'whole'}-{seed}"
            train_run(method, seed, asked.data, asked.test, run, settings)
            stored["runs"].append({**key, **measured(run)})
            write_file(STORED, json.dumps(stored, indent=1).encode() + b"\n")
            print(method, flag or "whole", seed, stored["runs"][-1], flush=True)


if __name__ == "__main__":
    main()
