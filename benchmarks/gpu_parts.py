"""The parts of benchmarks/gpu.py, each run as a process of its own: gpu_parts.py PART SETTINGS, one JSON line."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from training.data.config import DataConfig  # noqa: E402
from training.data.loader import Batches  # noqa: E402
from training.engine.distributed import join  # noqa: E402
from training.engine.feed import Feed, whole_f32  # noqa: E402
from training.engine.trainer import Trainer  # noqa: E402
from training.pretrain import plan  # noqa: E402

LOG_EVERY, WARM, TIMED = 10, 5, 20
THEIRS = """
import sys, open_clip
for config in sys.argv.pop(1).split():
    open_clip.add_model_config(config)
from open_clip_train.main import main
main(sys.argv[1:])
"""


@dataclass(frozen=True)
class Settings:
    """Of a case, and of the machine: what gpu.py hands over."""

    method: str
    tower: str
    batch: int
    steps: int
    images: int
    side: int
    small_crops: int
    device: str
    workers: int
    folder: str

    def trainer(self, **of_run: Any) -> Trainer:
        """Ours, on the shards, without a run directory."""
        user = {"batch_size": self.batch, "steps": 10**6, "workers": self.workers, "device": self.device}
        world = join(self.device)
        data = DataConfig(data=(f"{self.folder}/{{00000..00007}}.tar",), tower=self.tower, cache=0)
        own = {"small_crops": self.small_crops} if self.method == "dino" else {}
        planned = plan(self.method, data, user | {"warmup": 0.0} | of_run, own, world)
        return Trainer(planned.method, self.method, planned.batches, planned.run, world, quiet=True)


class Same(Feed):
    """One batch again and again, which lies on the device: what a loader that takes no time would give."""

    def __init__(self, trainer: Trainer):
        feed = trainer.feed(0, 1)
        self.arguments, _ = next(feed)
        feed.close()
        self.waited = 0.0

    def __next__(self) -> tuple[tuple[Any, ...], list[list[str]]]:
        return self.arguments, []

    def close(self) -> None:
        pass


def machine(case: Settings) -> dict[str, Any]:
    from training.models.parallel import cores

    found: dict[str, Any] = {"torch": torch.__version__, "python": sys.version.split()[0], "cores": cores()}
    if case.device == "cuda":
        found |= {"device": torch.cuda.get_device_name(), "cuda": torch.version.cuda}
    return found


def ceiling(case: Settings) -> dict[str, Any]:
    """The step alone: images/s, floating point operations of an image, memory."""
    from torch.utils.flop_counter import FlopCounterMode

    trainer = case.trainer()
    feed = Same(trainer)
    with FlopCounterMode(display=False) as counter:
        trainer._train_step(feed)
    rate = case.batch / seconds_of(lambda: trainer._train_step(feed), case.device)
    flops = counter.get_total_flops() / case.batch
    found: dict[str, Any] = {"images_per_second": rate, "flops_per_image": flops}
    if case.device == "cuda":
        found["memory_bytes"] = torch.cuda.max_memory_allocated()
    return found


def seconds_of(step: Callable[[], object], device: str) -> float:
    """Seconds of a step, the mean of TIMED after WARM."""
    for _ in range(WARM):
        step()
    wait(device)
    begun = time.perf_counter()
    for _ in range(TIMED):
        step()
    wait(device)
    return (time.perf_counter() - begun) / TIMED


def wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def loading(case: Settings) -> dict[str, Any]:
    """Batches that are made, copied and augmented, without a step."""
    trainer = case.trainer()
    feed = trainer.feed(0, case.steps)
    for _ in range(WARM):
        next(feed)
    wait(case.device)
    begun = time.perf_counter()
    for _ in range(WARM, case.steps):
        next(feed)
    wait(case.device)
    seconds = time.perf_counter() - begun
    feed.close()
    return {"images_per_second": case.batch * (case.steps - WARM) / seconds}


def open_clip(case: Settings) -> dict[str, Any]:
    """open_clip_train on the same shards: images/s between its log lines, as they come."""
    from training.models.tower_configs import TINY

    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "gelato-tiny.json")
        config.write_text(json.dumps(TINY["tiny"]))
        model = "gelato-tiny" if case.tower == "tiny" else case.tower
        words = [sys.executable, "-c", THEIRS, str(config), "--model", model, "--dataset-type", "webdataset"]
        words += ["--train-data", f"{case.folder}/{{00000..00007}}.tar", "--batch-size", str(case.batch)]
        words += ["--train-num-samples", str(case.batch * case.steps), "--epochs", "1", "--warmup", "1"]
        words += ["--workers", str(case.workers), "--log-every-n-steps", str(LOG_EVERY), "--logs", folder]
        words += ["--precision", "amp_bf16" if case.device == "cuda" else "fp32", "--dataset-resampled"]
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        running = subprocess.Popen(words, text=True, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        times, said = [], []
        assert running.stdout is not None
        for line in running.stdout:
            said.append(line.strip())
            if re.search(r"Train Epoch: .*Batch \(t\)", line):
                times.append(time.perf_counter())
        running.wait()
    rates = times[1:]  # the first line is after one step
    if len(rates) < 3:
        return {"error": (said or ["it said nothing"])[-1][:300]}
    lines = len(rates) - 2  # the last line comes at the end, after fewer steps
    return {"images_per_second": case.batch * LOG_EVERY * lines / (rates[lines] - rates[0])}


def lightly(case: Settings) -> dict[str, Any]:
    """The method of lightly's examples around the same tower, with lightly's transforms and PyTorch's data loader."""
    import lightly.transforms as transforms
    import numpy as np
    from PIL import Image

    from benchmarks.lightly_side import Lightlys
    from training.data.views import CropKnobs
    from training.models.any_size import take_any_size

    method = Lightlys(case.method, case.tower, case.steps)
    size = method.backbone.image_size
    small = CropKnobs().small(size, take_any_size(method.backbone))  # as large as ours
    transform = (
        transforms.SimCLRTransform(input_size=size)
        if case.method == "simclr"
        else transforms.DINOTransform(size, local_crop_size=small, n_local_views=case.small_crops)
    )
    files = sorted(Path(case.folder, "images/all").glob("*.jpg"))

    class Images(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return case.batch * case.steps

        def __getitem__(self, number: int) -> Any:
            return transform(Image.open(files[number % len(files)]).convert("RGB"))

    method = method.to(case.device, memory_format=torch.channels_last).train()
    trained = [weight for weight in method.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, fused=True)
    np.random.seed(0)
    loader = torch.utils.data.DataLoader(
        Images(), case.batch, num_workers=case.workers, pin_memory=case.device == "cuda", drop_last=True
    )
    begun = 0.0
    for step, views in enumerate(loader):
        if step == WARM:
            wait(case.device)
            begun = time.perf_counter()
        on_device = [view.to(case.device, non_blocking=True, memory_format=torch.channels_last) for view in views]
        with torch.autocast(case.device, torch.bfloat16, enabled=case.device == "cuda"):
            loss = method.loss(on_device, step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        method.before_step(step)
        optimizer.step()
    wait(case.device)
    return {"images_per_second": case.batch * (case.steps - WARM) / (time.perf_counter() - begun)}


def exactness(case: Settings) -> dict[str, Any]:
    """How far precisions, a repetition and augmentation on the device are from a reference; whether steps wait."""
    losses = {name: _losses(case, **of_run) for name, of_run in _PRECISIONS.items()}
    reference = torch.tensor(losses["f32"])
    found: dict[str, Any] = {
        f"largest relative difference of the loss, {name} and f32": float(
            ((torch.tensor(values) - reference) / reference).abs().max()
        )
        for name, values in losses.items()
        if name != "f32"
    }
    found["a repetition has the same bits"] = losses["bf16"] == _losses(case, **_PRECISIONS["bf16"])
    found["largest difference of pixels augmented on the device, of 1"] = _augmentation(case)
    found["a step that waits for the GPU"] = _waiting(case)
    return found


_PRECISIONS = {
    "f32": {"precision": "f32", "tf32": False},
    "TF32": {"precision": "f32", "tf32": True},
    "bf16": {"precision": "bf16", "tf32": True},
}


def _losses(case: Settings, **of_run: Any) -> list[float]:
    """Of ten steps from the same weights, on the same batches of at most 64 images."""
    trainer = case.trainer(batch_size=min(case.batch, 64), learning_rate=1e-4, workers=0, **of_run)
    feed, losses = trainer.feed(0, 10), []
    for _ in range(10):
        trainer._train_step(feed)
        losses.append(float(trainer.window[0]))
        trainer.window.zero_()
    return losses


def _augmentation(case: Settings) -> dict[str, float]:
    """By method: the largest difference between views made on the device and on the CPU, before normalisation."""
    from dataclasses import replace

    found = {}
    for method in ("clip", "simclr", "byol", "dino"):
        views = replace(case, method=method, tower="tiny").trainer(batch_size=min(case.batch, 64), workers=0)
        made = Batches(views.batches.images, views.batches.sampler, views.batches.augment, seed=0, augmented=False)
        on_cpu, elsewhere = made[0].arguments, made[0].arguments
        device = torch.device(case.device)
        with whole_f32(device):
            pairs = zip(views.batches.augment(on_cpu), views.batches.augment(elsewhere.to(device)), strict=True)
        differences = [(one - other.cpu()).abs().max() for one, other in pairs if one.is_floating_point()]
        found[method] = float(torch.stack(differences).max()) / 2  # mean and std of tiny are 0.5
    return found


def _waiting(case: Settings) -> str:
    """The operation of a step that waits for the GPU, "none" if none does."""
    if case.device != "cuda":
        return "not measured: no GPU"
    trainer = case.trainer(batch_size=min(case.batch, 64), workers=0)
    feed = trainer.feed(0, 5)
    trainer._train_step(feed)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            trainer._train_step(feed)
    except RuntimeError as error:
        return str(error).splitlines()[0]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return "none"


PARTS = {part.__name__: part for part in (machine, ceiling, loading, open_clip, lightly, exactness)}

if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    print(json.dumps(PARTS[sys.argv[1]](Settings(**json.loads(sys.argv[2])))))
