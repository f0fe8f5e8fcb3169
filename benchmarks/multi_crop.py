"""What the small crops of DINO's multi-crop save, and what they cost in k-NN: small crops small, and at full size.

    python benchmarks/multi_crop.py --data cifar10-train.parquet --test cifar10-val.parquet [--steps 150] [--seeds 3]

Both trainings see the same crops; in the first the small ones have 3/7 of the tower's side (the default), in the second
that of large ones, as on a ViT whose positions are not interpolated. Arithmetic of a step is counted by PyTorch and
needs no quiet machine; CPU time is that of the whole command. k-NN is that of `python -m training evaluate`.
The result is kept in results/multi_crop.json; a run that is done is not run again.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean, median
from typing import Any

import click

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
RESULT = Path(__file__).parent / "results/multi_crop.json"
TOWER, SIDE, BATCH = "tiny", 32, 64
SMALL, FULL = "small crops of 3/7 of the side", "small crops at full size"
SIDES = {SMALL: [], FULL: ["--small-size", str(SIDE)]}


def arithmetic(small_size: int | None) -> float:
    """Floating-point operations of DINO's loss and its gradients for an image."""
    import numpy as np
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from training.data.batch import Batch
    from training.data.keyed import Keyed
    from training.methods.dino import DINO
    from training.models.backbones import build_backbone

    method = DINO(build_backbone(TOWER), DINO.Config(small_size=small_size))
    images = torch.zeros(BATCH, 3, SIDE, SIDE, dtype=torch.uint8)
    keyed = Keyed(0, 0, np.arange(BATCH))
    views = method.augment(Batch(images, [[]] * BATCH, torch.zeros(BATCH), keyed, torch.ones(BATCH)))
    with FlopCounterMode(display=False) as counter:
        method.loss(*views).backward()
    return counter.get_total_flops() / BATCH


def train(data: str, test: str, steps: int, seed: int, words: list[str]) -> dict[str, float]:
    """CPU seconds of a training, and its k-NN accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        run = f"{folder}/run"
        command = [sys.executable, "-m", "training", "dino", "--data", data, "--tower", TOWER, "--out", run]
        command += ["--steps", str(steps), "--batch-size", str(BATCH), "--seed", str(seed), "--workers", "0"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, "--no-report", *words], cwd=ROOT, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        measure = [sys.executable, "-m", "training", "evaluate", run, "--data", test, "--suite", "knn", "--json"]
        said = subprocess.run(measure, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_seconds": round(cpu, 1), "knn": json.loads(said)["knn"]["value"]}


def compared(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Seed by seed: k-NN with small crops minus k-NN at full size, and how many times the CPU time the latter takes."""
    pairs = [
        (small, full)
        for small in runs
        for full in runs
        if (small["side"], full["side"]) == (SMALL, FULL) and small["seed"] == full["seed"]
    ]
    if not pairs:
        return {}
    apart = [small["knn"] - full["knn"] for small, full in pairs]
    means = {side: round(mean(run["knn"] for run in runs if run["side"] == side), 4) for side in SIDES}
    knn = means | {"difference": round(mean(apart), 4), "low": round(min(apart), 4), "high": round(max(apart), 4)}
    times = median(full["cpu_seconds"] / small["cpu_seconds"] for small, full in pairs)
    return {"knn": knn | {"seeds": len(apart)}, "cpu_times": round(times, 3)}


@click.command()
@click.option("--data", required=True)
@click.option("--test", required=True)
@click.option("--steps", default=150, show_default=True)
@click.option("--seeds", default=3, show_default=True)
def main(data: str, test: str, steps: int, seeds: int) -> None:
    """Measure what is not measured yet, print it, and keep it."""
    stored: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() else {"runs": []}
    flops = {side: arithmetic(int(words[1]) if words else None) for side, words in SIDES.items()}
    stored |= {
        "flops_per_image": flops,
        "times": flops[FULL] / flops[SMALL],
        "tower": TOWER,
        "batch": BATCH,
        "cores": os.cpu_count(),
    }
    RESULT.write_text(json.dumps(stored, indent=1) + "\n")
    for seed in range(seeds):
        for side, words in SIDES.items():
            key = {"side": side, "seed": seed, "steps": steps}
            if not any(key.items() <= run.items() for run in stored["runs"]):
                stored["runs"].append(key | {"load": os.getloadavg()[0]} | train(data, test, steps, seed, words))
                print(stored["runs"][-1], flush=True)
                stored |= compared(stored["runs"])
                RESULT.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
