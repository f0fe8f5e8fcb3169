"""DINO: self-distillation from an EMA teacher, with centring, sharpening and multi-crop.

Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers". Centring and
sharpening together prevent collapse: centring against one dominant output, sharpening against uniform outputs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.views import BYOL_COLOURS, JITTER, CropKnobs, Views, multi_crop
from training.methods.base import Method
from training.methods.crops import by_size
from training.methods.heads import DINOHead
from training.methods.momentum import cosine
from training.methods.rows import full, health
from training.models.any_size import take_any_size
from training.models.backbone import Backbone
from training.models.collectives import mean
from training.models.ema import ema_copy, update_ema
from training.models.knobs import COUNT, POSITIVE, SHARE, Range, knob


class DINO(Method):
    """The teacher gets the two large crops, the student all crops. The teacher is kept, since it is the better one."""

    recipe: ClassVar = {
        "learning_rate": 1e-3,
        "weight_decay": 0.04,
        "final_weight_decay": 0.4,
        "beta2": 0.999,
        "clip_gradients": 3.0,
        "clip_by": "parameter",  # as the authors' code
        "warmup": 0.1,
    }
    recipes: ClassVar = {  # of the authors' code for a ResNet-50
        "sgd": {
            "learning_rate": 0.03,
            "rate_scaling": "linear",
            "weight_decay": 1e-4,
            "final_weight_decay": None,
        }
    }
    centre: Tensor
    progress: Tensor

    @dataclass(frozen=True, kw_only=True)
    class Config(CropKnobs):
        jitter: float = knob(1.0, "strength of colour jitter: 1 as in the paper, 0 disables it", range=JITTER)
        outputs: int = knob(1024, "output dimension of the head (ImageNet: 65536)", range=Range(least=2))
        hidden: int = knob(512, "hidden width of the head (ImageNet: 2048)", range=COUNT)
        narrow: int = knob(128, "bottleneck width before the last layer (ImageNet: 256)", range=COUNT)
        student_temperature: float = knob(0.1, "temperature of the student's softmax", range=POSITIVE)
        teacher_start: float = knob(
            0.04, "initial temperature of the teacher's softmax; lower is sharper", range=POSITIVE
        )
        teacher_temperature: float = knob(
            0.04, "temperature of the teacher after its warm-up (long runs: 0.07)", range=POSITIVE
        )
        teacher_warmup: float = knob(
            0.1, "fraction of the run over which the teacher's temperature increases", range=SHARE
        )
        momentum: float = knob(
            0.99, "initial EMA momentum of the teacher (ImageNet: 0.996); a cosine takes it to 1", range=SHARE
        )
        centre_momentum: float = knob(0.9, "EMA momentum of the centre of the teacher's outputs", range=SHARE)
        freeze: float = knob(0.01, "fraction of the run in which the last layer is frozen", range=SHARE)
        centring: bool = knob(True, "subtract the centre from the teacher's outputs; without it one output dominates")
        sharpening: bool = knob(True, "use a low teacher temperature; without it the outputs become uniform")

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.config = backbone, config
        self.head = DINOHead(backbone.width, config.hidden, config.narrow, config.outputs)
        self.teacher: Any = ema_copy(nn.ModuleDict({"backbone": self.backbone, "head": self.head}))
        self.register_buffer("centre", torch.zeros(config.outputs))
        self.register_buffer("progress", torch.zeros(()))
        self.pending: list[Tensor] = []  # means of the teacher's outputs in this step, for the centre
        crops = multi_crop(config, backbone.image_size, take_any_size(backbone), BYOL_COLOURS, dino=True)
        self.augment = Views(crops, backbone.mean, backbone.std)

    def loss(self, *crops: Tensor) -> Tensor:
        features = by_size(self.backbone, crops)
        self.features = features[0].detach()
        student = list(self.head(torch.cat(features)).split(len(crops[0])))
        with torch.no_grad():
            teacher_features = torch.cat(by_size(self.teacher["backbone"], crops[:2]))
            outputs = full(self.teacher["head"](teacher_features))
            teacher = list(outputs.split(len(crops[0])))
            self.pending.append(mean(outputs.mean(dim=0)))
            temperature = self.teacher_temperature()
            self.teacher_probabilities = F.softmax((outputs - self.centre) / temperature, dim=1)
        return dino_loss(student, teacher, self.centre, self.config.student_temperature, temperature)

    def teacher_temperature(self) -> Tensor | float:
        """The teacher's temperature at this point of the run, on the device."""
        if not self.config.sharpening:
            return 1.0
        start, end, warmup = self.config.teacher_start, self.config.teacher_temperature, self.config.teacher_warmup
        return start + (self.progress / warmup).clamp_max(1) * (end - start) if warmup else end

    def before_step(self, progress: float) -> None:
        if progress < self.config.freeze:
            self.head.last.grad = None

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        momentum = cosine(self.config.momentum, 1.0, progress)
        update_ema(self.teacher, nn.ModuleDict({"backbone": self.backbone, "head": self.head}), momentum)
        self.progress.fill_(progress)
        if self.config.centring and self.pending:
            self.centre.lerp_(torch.stack(self.pending).mean(dim=0).to(self.centre), 1 - self.config.centre_momentum)
        self.pending = []

    def product(self) -> tuple[dict[str, Any], nn.Module]:
        teacher = self.teacher["backbone"]
        return teacher.made_of, teacher.network

    def report(self) -> dict[str, float]:
        """entropy: of the teacher's output for an image; usage: fraction of outputs in use over all images, 0..1."""
        probabilities, usage = self.teacher_probabilities, self.teacher_probabilities.mean(dim=0)
        entropy = float(-(probabilities * probabilities.clamp_min(1e-12).log()).sum(dim=1).mean())
        used = math.exp(float(-(usage * usage.clamp_min(1e-12).log()).sum())) / len(usage)
        return {"chance": math.log(len(usage)), "entropy": entropy, "usage": used, **health(self.features)}


def dino_loss(
    student: Sequence[Tensor],
    teacher: Sequence[Tensor],
    center: Tensor,
    student_temp: float,
    teacher_temp: Tensor | float,
) -> Tensor:
    """Cross entropy of the student's outputs under the teacher's, over pairs of different views (DINO, equation 3).

    student: V raw outputs [B, K], teacher: T raw outputs [B, K], of the student's first T views. center: subtracted
    from the teacher's outputs, [K] or [1, K]. A view is not compared with itself. Mean over pairs and rows.
    """
    with torch.autocast(student[0].device.type, enabled=False):
        logs = [F.log_softmax(full(view) / student_temp, dim=1) for view in student]
        targets = [F.softmax((full(view) - full(center)) / teacher_temp, dim=1).detach() for view in teacher]
        terms = [
            -(target * log).sum(dim=1).mean()
            for number, target in enumerate(targets)
            for view, log in enumerate(logs)
            if view != number
        ]
        return torch.stack(terms).mean()
