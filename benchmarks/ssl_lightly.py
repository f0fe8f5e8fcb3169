"""Our methods beside the same methods written with lightly's own modules: quality and speed at an equal budget.

    python benchmarks/ssl_lightly.py --data cifar10-train.parquet --test cifar10-val.parquet

needs `pip install lightly` beside requirements.txt. Both sides have the same tower, views, heads, optimiser, rates,
batch, steps and seeds; ours is trained by `python -m training METHOD`, theirs by the loop below, which takes its
transforms, heads, losses and schedules from lightly. k-NN (k 20, temperature 0.07) on held-out images is measured by
the same function. A run that is done is stored in ssl_lightly.json and not run again; --steps and the rest begin
a table of their own.

    python benchmarks/ssl_lightly.py --data cifar10-train.parquet --test cifar10-val.parquet --speed

measures steps a second instead, on a machine that does nothing else: with the data, the sides in turns, each in
a process of its own; and the model's step alone.
"""

import argparse
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.lightly_side import (  # noqa: E402
    CROPS,
    HIDDEN,
    NARROW,
    OUTPUTS,
    PROTOTYPES,
    QUEUE,
    RUN,
    SIZE,
    UNTIMED,
    WIDTH,
    ImageDataset,
    Lightlys,
    train_lightly,
)
from training.data.batch import Batch  # noqa: E402
from training.data.keyed import Keyed  # noqa: E402
from training.engine.config import resolve  # noqa: E402
from training.engine.optim import build_optimizer, set_schedules  # noqa: E402
from training.evaluation.knn import knn_accuracy  # noqa: E402
from training.methods import METHODS  # noqa: E402
from training.models.atomic import write_file  # noqa: E402
from training.models.backbones import build_backbone  # noqa: E402
from training.models.run_files import load_run_weights  # noqa: E402

OUT = Path(__file__).parent / "results/ssl_lightly.json"
KINDS = ("speed", "model_step")  # of figures that --speed measures
TURNS = 3  # of both sides, when speed is measured
SETTINGS: dict[str, dict[str, Any]] = {  # of ours; what lightly's side is given below is the same
    "simclr": {"temperature": 0.5, "crop": 0.2, "jitter": 0.5},
    "moco": {"temperature": 0.2, "crop": 0.2, "jitter": 1.0, "queue": QUEUE, "momentum": 0.99, "groups": 1},
    "byol": {"crop": 0.2, "jitter": 1.0, "momentum": 0.99},
    "swav": {"crop": 0.25, "jitter": 0.5, "prototypes": PROTOTYPES, "freeze": 0.05, "small_crops": CROPS},
    "dino": {"crop": 0.25, "jitter": 1.0, "outputs": OUTPUTS, "narrow": NARROW, "freeze": 0.01, "small_crops": CROPS},
}


def train_ours(
    name: str, data: Path, tower: str, steps: int, batch: int, seed: int, workers: int, precision: str = "f32"
) -> Any:
    """The tower that our command ends with, and the seconds of its steps after the first UNTIMED."""
    words = [name, "--data", data, "--tower", tower, "--steps", steps, "--batch-size", batch, "--seed", seed]
    words += ["--workers", workers, "--checkpoint-every", 10**6, "--log-every", UNTIMED, "--device", "cpu"]
    words += ["--precision", precision, "--no-report"]
    for option, value in (SETTINGS[name] | RUN | {"hidden": HIDDEN}).items():
        words += ["--" + option.replace("_", "-"), value]
    if name == "dino":
        words += ["--final-weight-decay", RUN["weight_decay"]]
    if name != "dino":
        words += ["--projection", WIDTH]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "training", *map(str, words), "--out", f"{folder}/run"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lines = [json.loads(line) for line in Path(f"{folder}/run/metrics.jsonl").read_text().splitlines()]
        backbone = build_backbone(tower)
        load_run_weights(backbone.network, Path(f"{folder}/run"))
    return backbone, sum(line.get("seconds", 0.0) for line in lines if line["step"] > UNTIMED)


@torch.no_grad()
def neighbours(backbone: Any, train: ImageDataset, test: ImageDataset) -> float:
    """k-NN accuracy of a tower's features."""
    backbone = backbone.eval()

    def features(images: ImageDataset) -> np.ndarray:
        pixels = np.stack([np.asarray(images[i]) for i in range(len(images))])
        rows = [
            backbone((torch.from_numpy(pixels[i : i + 500]).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5)
            for i in range(0, len(pixels), 500)
        ]
        return torch.cat(rows).numpy()

    return knn_accuracy(features(train), train.labels, features(test), test.labels)


def model_step(name: str, tower: str, batch: int, repeats: int) -> dict[str, float]:
    """Seconds of the model's step alone, data at hand: medians of repeats, the two sides in turns."""
    method = METHODS[name](build_backbone(tower), METHODS[name].Config(hidden=HIDDEN, **SETTINGS[name]))  # type: ignore[call-arg]
    method = method.to(memory_format=torch.channels_last).train()
    config, _ = resolve(RUN | {"steps": 10**6, "batch_size": batch}, {}, 10**6)
    optimizer = build_optimizer(method, config)
    images = torch.randint(0, 256, (batch, 3, SIZE, SIZE), dtype=torch.uint8)
    keyed = Keyed(0, 0, np.arange(batch))
    arguments = method.augment(Batch(images, [[]] * batch, torch.zeros(batch), keyed, torch.ones(batch)))
    arguments = [a.contiguous(memory_format=torch.channels_last) if a.ndim == 4 else a for a in arguments]
    views = [a for a in arguments if a.ndim == 4]  # MoCo's arguments hold more
    theirs = Lightlys(name, tower, 10**6).to(memory_format=torch.channels_last).train()
    their_optimizer = torch.optim.AdamW([p for p in theirs.parameters() if p.requires_grad], fused=True)

    def our_step(step: int) -> None:
        set_schedules(optimizer, step, config)
        method.loss(*arguments).backward()
        method.before_step(0.5)
        nn.utils.clip_grad_norm_(method.parameters(), math.inf)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        method.after_step(0.5)

    def their_step(step: int) -> None:
        loss = theirs.loss(views, step)
        their_optimizer.zero_grad()
        loss.backward()
        theirs.before_step(10**6)
        their_optimizer.step()

    seconds: dict[str, list[float]] = {"ours": [], "lightly": []}
    for step in range(repeats + 2):
        for side, one in (("ours", our_step), ("lightly", their_step)):
            begun = time.perf_counter()
            one(step)
            if step >= 2:
                seconds[side].append(time.perf_counter() - begun)
    return {side: statistics.median(values) for side, values in seconds.items()}


def speed(asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Steps a second with the data, the two sides in turns: both, and their ratio of each turn; a row at a time."""
    steps = 60
    for name, precision in itertools.product(asked.methods.split(","), ("f32", "bf16")):
        ours, theirs = [], []
        for turn in range(TURNS):
            for run, rates in ((train_ours, ours), (train_lightly, theirs)):
                _, seconds = run(name, asked.data, asked.tower, steps, asked.batch, turn, asked.workers, precision)
                rates.append((steps - UNTIMED) / seconds)
        ratios = sorted(one / other for one, other in zip(ours, theirs, strict=True))
        row = {"method": name, "precision": precision, "batch": asked.batch, "workers": asked.workers}
        row |= {"load": os.getloadavg()[1], "ours": ours, "lightly": theirs}
        yield row | {"ratio": statistics.median(ratios), "low": ratios[0], "high": ratios[-1]}
        print(f"{name}, {precision}: {statistics.median(ratios):.2f} times lightly's steps/s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="CIFAR-10's training images as parquet")
    parser.add_argument("--test", type=Path, required=True, help="held-out images as parquet")
    parser.add_argument("--methods", default="simclr,moco,byol,swav,dino")
    parser.add_argument("--tower", default="micro-resnet")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--speed", action="store_true", help="time the sides instead of measuring what they learn")
    parser.add_argument("--bank", type=int, default=10000, help="training images that serve as neighbours")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    stored = json.loads(OUT.read_text()) if OUT.is_file() else {"runs": [], "model_step": []}
    setting = {
        "tower": asked.tower,
        "steps": asked.steps,
        "batch": asked.batch,
        "workers": asked.workers,
        "bank": asked.bank,
    }
    train, test = ImageDataset(asked.data, most=asked.bank), ImageDataset(asked.test)

    def keep() -> None:
        stored["processors"], stored["torch"] = os.cpu_count(), torch.__version__
        write_file(OUT, json.dumps(stored, indent=1).encode() + b"\n")

    def known(kind: str, key: dict[str, Any]) -> bool:
        return any(key.items() <= entry.items() for entry in stored[kind])

    if asked.speed:
        methods = asked.methods.split(",")
        others = {kind: [row for row in stored.get(kind, []) if row["method"] not in methods] for kind in KINDS}
        stored["speed"] = others["speed"]
        for row in speed(asked):  # kept one by one: an hour of measuring should not hang on its last minute
            stored["speed"].append(row)
            keep()
        setting = {"tower": asked.tower, "batch": asked.batch}
        steps = [{"method": name, **setting, **model_step(name, **setting, repeats=20)} for name in methods]
        stored["model_step"] = others["model_step"] + steps
        return keep()
    for seed in range(asked.seeds):
        key = {"side": "untrained", "method": "untrained", "seed": seed, **setting}
        if not known("runs", key):
            torch.manual_seed(seed)
            backbone = build_backbone(asked.tower).train()
            for start in range(0, 50 * asked.batch, asked.batch):  # batch norm gets to know its inputs
                some = np.stack([np.asarray(train[i % len(train)]) for i in range(start, start + asked.batch)])
                with torch.no_grad():
                    backbone((torch.from_numpy(some).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5)
            stored["runs"].append({**key, "knn": neighbours(backbone, train, test)})
            keep()
        for name in asked.methods.split(","):
            for side, run in (("ours", train_ours), ("lightly", train_lightly)):
                key = {"side": side, "method": name, "seed": seed, **setting}
                if known("runs", key):
                    continue
                backbone, _ = run(name, asked.data, asked.tower, asked.steps, asked.batch, seed, asked.workers)
                knn = neighbours(backbone, train, test)
                stored["runs"].append({**key, "knn": knn})
                keep()
                print(f"{name} {side} seed {seed}: k-NN {knn:.3f}", flush=True)


if __name__ == "__main__":
    main()
