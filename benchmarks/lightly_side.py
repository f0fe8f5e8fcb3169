"""The methods as lightly's own modules make them: transforms, heads, losses, schedules and the loop of its examples.

What is given to them is the same as ssl_lightly.py gives to ours. lightly is imported when a method is made.
"""

import copy
import io
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent))

from training.models.backbones import build_backbone

SIZE, SMALL, CROPS = 32, 14, 4
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
