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
import copy
import io
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
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

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
SIZE, SMALL, CROPS = 32, 14, 4
KINDS = ("speed", "model_step")  # of figures that --speed measures
TURNS = 3  # of both sides, when speed is measured
UNTIMED = 10  # steps in which workers, kernels and caches begin
HIDDEN, WIDTH, PROTOTYPES, OUTPUTS, NARROW, QUEUE = 512, 128, 256, 1024, 128, 4096
MOMENTUM = {"moco": 0.99, "byol": 0.99, "dino": 0.99}
HALF = {"mean": [0.5] * 3, "std": [0.5] * 3}
RUN = {
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 0.05,
    "warmup": 0.1,
    "beta2": 0.999,
    "epsilon": 1e-8,
}
SETTINGS: dict[str, dict[str, Any]] = {  # of ours; what lightly's side is given below is the same
    "simclr": {"temperature": 0.5, "crop": 0.2, "jitter": 0.5},
    "moco": {"temperature": 0.2, "crop": 0.2, "jitter": 1.0, "queue": QUEUE, "momentum": 0.99, "groups": 1},
    "byol": {"crop": 0.2, "jitter": 1.0, "momentum": 0.99},
    "swav": {"crop": 0.25, "jitter": 0.5, "prototypes": PROTOTYPES, "freeze": 0.05, "small_crops": CROPS},
    "dino": {"crop": 0.25, "jitter": 1.0, "outputs": OUTPUTS, "narrow": NARROW, "freeze": 0.01, "small_crops": CROPS},
}


class ImageDataset(torch.utils.data.Dataset):
    """The images of a parquet file with Hugging Face's bytes column, for lightly's side and for measuring."""

    def __init__(self, path: Path, transform: Any = None, most: int | None = None):
        table = pq.read_table(path).slice(0, most) if most else pq.read_table(path)
        column = next(name for name in ("image", "img") if name in table.column_names)
        label = next(name for name in ("label", "label_name", "class") if name in table.column_names)
        self.bytes = [row["bytes"] if isinstance(row, dict) else row for row in table[column].to_pylist()]
        names = table[label].to_pylist()
        number_of = {name: number for number, name in enumerate(sorted(set(names)))}
        self.labels = np.array([number_of[name] for name in names])
        self.transform = transform

    def __len__(self) -> int:
        return len(self.bytes)

    def __getitem__(self, number: int) -> Any:
        image = Image.open(io.BytesIO(self.bytes[number])).convert("RGB")
        return self.transform(image) if self.transform else image


def transforms_of(name: str) -> Any:
    """lightly's own, with the settings above."""
    import lightly.transforms as t

    alike: dict[str, Any] = {"input_size": SIZE, "gaussian_blur": 0.0, "min_scale": 0.2, "normalize": HALF}
    if name == "simclr":
        return t.SimCLRTransform(cj_strength=0.5, **alike)
    if name == "moco":
        return t.MoCoV2Transform(**alike)
    if name == "byol":
        second = t.BYOLView2Transform(**alike, solarization_prob=0.2)
        return t.BYOLTransform(t.BYOLView1Transform(**alike), second)
    if name == "swav":
        return t.SwaVTransform(
            (SIZE, SMALL), (2, CROPS), (0.25, 0.08), (1.0, 0.25), cj_strength=0.5, gaussian_blur=0.0, normalize=HALF
        )
    colours = {"cj_strength": 1.0, "cj_bright": 0.4, "cj_contrast": 0.4, "cj_sat": 0.2, "cj_hue": 0.1}
    blurs = {"gaussian_blur": (0.0, 0.0, 0.0), "normalize": HALF}
    return t.DINOTransform(SIZE, (0.25, 1.0), SMALL, (0.08, 0.25), CROPS, **colours, **blurs)


class Lightlys(nn.Module):
    """A method as lightly's examples put it together, around the same tower."""

    def __init__(self, name: str, tower: str, steps: int):
        super().__init__()
        import lightly.loss as losses
        import lightly.models.modules as heads
        from lightly.models.utils import deactivate_requires_grad

        self.name, self.steps = name, steps
        self.backbone = build_backbone(tower)
        width = self.backbone.width
        if name == "simclr":
            self.head = heads.SimCLRProjectionHead(width, HIDDEN, WIDTH)
            self.criterion = losses.NTXentLoss(temperature=0.5)
        elif name == "moco":
            self.head = heads.MoCoProjectionHead(width, HIDDEN, WIDTH)
            self.criterion = losses.NTXentLoss(temperature=0.2, memory_bank_size=(QUEUE, WIDTH))
        elif name == "byol":
            self.head = heads.BYOLProjectionHead(width, HIDDEN, WIDTH)
            self.predictor = heads.BYOLPredictionHead(WIDTH, HIDDEN, WIDTH)
            self.criterion = losses.NegativeCosineSimilarity()
        elif name == "swav":
            self.head = heads.SwaVProjectionHead(width, HIDDEN, WIDTH)
            self.prototypes = heads.SwaVPrototypes(WIDTH, PROTOTYPES, int(0.05 * steps))
            self.criterion = losses.SwaVLoss()
        else:
            self.head = heads.DINOProjectionHead(width, HIDDEN, NARROW, OUTPUTS, freeze_last_layer=1)
            self.slow_head = heads.DINOProjectionHead(width, HIDDEN, NARROW, OUTPUTS)  # weight norm cannot be copied
            self.slow_head.load_state_dict(self.head.state_dict())
            self.criterion = losses.DINOLoss(output_dim=OUTPUTS)
        if name in MOMENTUM:
            self.slow_backbone = copy.deepcopy(self.backbone)
            self.slow_head = self.slow_head if name == "dino" else copy.deepcopy(self.head)
            deactivate_requires_grad(self.slow_backbone)
            deactivate_requires_grad(self.slow_head)

    def project(self, view: torch.Tensor) -> torch.Tensor:
        return self.head(self.backbone(view).flatten(start_dim=1))

    @torch.no_grad()
    def slowly(self, view: torch.Tensor) -> torch.Tensor:
        return self.slow_head(self.slow_backbone(view).flatten(start_dim=1)).detach()

    def loss(self, views: list[torch.Tensor], step: int) -> torch.Tensor:
        """One training step's loss, slow copies moved first, as lightly's examples do."""
        if self.name in MOMENTUM:
            from lightly.models.utils import update_momentum
            from lightly.utils.scheduler import cosine_schedule

            start = MOMENTUM[self.name]
            m = start if self.name == "moco" else cosine_schedule(step, self.steps, start, 1.0)
            update_momentum(self.backbone, self.slow_backbone, m)
            update_momentum(self.head, self.slow_head, m)
        if self.name == "simclr":
            return self.criterion(self.project(views[0]), self.project(views[1]))
        if self.name == "moco":
            return self.criterion(self.project(views[0]), self.slowly(views[1]))
        if self.name == "byol":
            one, other = (self.predictor(self.project(view)) for view in views)
            # lightly's examples average the two directions; ours adds 2 - 2 cos over both: 4 times that.
            return 2 * (self.criterion(one, self.slowly(views[1])) + self.criterion(other, self.slowly(views[0])))
        if self.name == "swav":
            self.prototypes.normalize()
            rows = [F.normalize(self.project(view), dim=1) for view in views]
            scores = [self.prototypes(row, step) for row in rows]
            return self.criterion(scores[:2], scores[2:])
        teacher = [self.slowly(view) for view in views[:2]]
        return self.criterion(teacher, [self.project(view) for view in views], teacher_temp=0.04)

    def before_step(self, step: int) -> None:
        if self.name != "dino":
            return
        if step < 0.01 * self.steps:
            self.head.cancel_last_layer_gradients(current_epoch=0)
        nn.utils.clip_grad_norm_(self.parameters(), 3.0)

    @property
    def product(self) -> nn.Module:
        """What lightly's benchmarks measure."""
        return self.slow_backbone if self.name == "dino" else self.backbone


def train_lightly(
    name: str, data: Path, tower: str, steps: int, batch: int, seed: int, workers: int, precision: str = "f32"
) -> Any:
    """The tower that lightly's side ends with, and the seconds of its steps after the first UNTIMED."""
    from lightly.models.utils import get_weight_decay_parameters
    from lightly.utils.scheduler import CosineWarmupScheduler

    torch.manual_seed(seed)
    np.random.seed(seed)
    method = Lightlys(name, tower, steps).to(memory_format=torch.channels_last).train()
    decayed, free = get_weight_decay_parameters(
        [m for m in method.children() if not isinstance(m, nn.modules.loss._Loss)]
    )
    groups = [{"params": [p for p in decayed if p.requires_grad], "weight_decay": RUN["weight_decay"]}]
    groups += [{"params": [p for p in free if p.requires_grad], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RUN["learning_rate"], betas=(0.9, RUN["beta2"]), eps=RUN["epsilon"])
    schedule = CosineWarmupScheduler(optimizer, int(RUN["warmup"] * steps), steps, end_value=0.0)
    loader = torch.utils.data.DataLoader(
        ImageDataset(data, transforms_of(name)), batch, shuffle=True, drop_last=True, num_workers=workers
    )
    step, begun = 0, 0.0
    while step < steps:
        for views in loader:
            if step == UNTIMED:
                begun = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                loss = method.loss([view.contiguous(memory_format=torch.channels_last) for view in views], step)
            optimizer.zero_grad()
            loss.backward()
            method.before_step(step)
            optimizer.step()
            schedule.step()
            step += 1
            if step == steps:
                break
    return method.product, time.perf_counter() - begun


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
    views = [a.contiguous(memory_format=torch.channels_last) for a in arguments]
    theirs = Lightlys(name, tower, 10**6).to(memory_format=torch.channels_last).train()
    their_optimizer = torch.optim.AdamW([p for p in theirs.parameters() if p.requires_grad], fused=True)

    def our_step(step: int) -> None:
        set_schedules(optimizer, step, config)
        method.loss(*views).backward()
        method.before_step(0.5)
        nn.utils.clip_grad_norm_(method.parameters(), math.inf)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        method.after_step(0.5)

    def their_step(step: int) -> None:
        loss = theirs.loss(list(views), step)
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
