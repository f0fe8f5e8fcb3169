"""SimCLR: NT-Xent between two views of each image of a batch.

Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations". The loss is taken on
z, behind a projector that is thrown away afterwards; what is kept is h, in front of it.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from training.data.views import SIMCLR_COLOURS, ViewKnobs, Views, two_alike
from training.methods.base import Separable
from training.methods.heads import mlp
from training.methods.rows import full, health
from training.models.backbone import Backbone
from training.models.collectives import gather
from training.models.knobs import COUNT, POSITIVE, knob
from training.models.ranks import rank, world_size


class SimCLR(Separable):
    """NT-Xent over two views of each image of the global batch."""

    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.999}
    recipes: ClassVar = {  # section 2.2
        "lars": {"learning_rate": 0.3, "rate_scaling": "linear", "weight_decay": 1e-6, "warmup": 0.1}
    }

    @dataclass(frozen=True, kw_only=True)
    class Config(ViewKnobs):
        temperature: float = knob(
            0.5, "softmax temperature; lower weights hard negatives more (ImageNet: 0.1)", range=POSITIVE
        )
        hidden: int = knob(512, "hidden width of the projector (ImageNet: 2048)", range=COUNT)
        projection: int = knob(128, "output width of the projector", range=COUNT)

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.temperature = backbone, config.temperature
        self.projector = mlp(backbone.width, config.hidden, config.projection, last_norm=True)
        self.augment = Views(two_alike(config, backbone.image_size, SIMCLR_COLOURS), backbone.mean, backbone.std)

    def embed(self, view1: Tensor, view2: Tensor) -> tuple[Tensor, ...]:
        h1, h2 = self.backbone(view1), self.backbone(view2)
        return self.projector(h1), self.projector(h2), h1.detach()

    def objective(self, z1: Tensor, z2: Tensor, h: Tensor) -> Tensor:
        self.features = h
        return nt_xent(z1, z2, self.temperature, (gather(z1), gather(z2)), rank() * len(z1))

    def report(self) -> dict[str, float]:
        return {"chance": math.log(2 * len(self.features) * world_size() - 1), **health(self.features)}


def nt_xent(
    z1: Tensor, z2: Tensor, temperature: float, everyone: tuple[Tensor, Tensor] | None = None, first: int = 0
) -> Tensor:
    """Normalised temperature-scaled cross entropy (SimCLR, equation 1).

    z1, z2: [B, D], row i of each a view of image i. Each of the 2B rows has one positive, its other view,
    among 2B - 1 candidates. Mean over rows, in nats; identical embeddings score exactly log(2B - 1).
    everyone: z1 and z2 of all ranks, in which this rank's rows start at `first`.
    """
    with torch.autocast(z1.device.type, enabled=False):  # half precision is too coarse for the softmax
        z = F.normalize(full(torch.cat([z1, z2])), dim=1)  # [2b, D]
        candidates = z if everyone is None else F.normalize(full(torch.cat(everyone)), dim=1)  # [2B, D]
        place, half = torch.arange(first, first + len(z1), device=z.device), len(candidates) // 2
        itself = torch.cat([place, place + half])
        other_view = torch.cat([place + half, place])
        similarity = z @ candidates.T / temperature  # [2b, 2B]
        similarity = similarity.scatter(1, itself[:, None], float("-inf"))  # a row is not a candidate for itself
        return F.cross_entropy(similarity, other_view)
