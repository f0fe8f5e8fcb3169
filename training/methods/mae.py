"""MAE: reconstruct the masked patches of an image, 75 % of them by default.

He et al. 2022, "Masked Autoencoders Are Scalable Vision Learners". The tower encodes the visible patches
only, which makes it fast. A small decoder, discarded afterwards, reconstructs the pixels. The features score low with
k-NN; evaluate them with a linear probe or fine-tuning. A convolutional tower sees the masked patches as grey, as in
Xie et al. 2022, "SimMIM"; the decoder gets the visible ones all the same.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from training.data.batch import Augment, Batch
from training.data.views import JITTER, ViewKnobs, Views
from training.methods.base import Method
from training.methods.rows import full, health
from training.models.backbone import Backbone
from training.models.errors import UserError
from training.models.knobs import COUNT, NONE_OR_MORE, SHARE, Range, knob
from training.models.patches import patches_of, patchify, sines


class MAE(Method):
    """Mean squared error over the pixels of masked patches, each patch normalised separately."""

    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.95, "warmup": 0.1}
    per_sample: ClassVar = True
    positions: Tensor

    @dataclass(frozen=True, kw_only=True)
    class Config(ViewKnobs):
        jitter: float = knob(0.0, "strength of colour jitter; off, as in the paper", range=JITTER)
        grey: float = knob(0.0, "probability of converting a view to greyscale", range=SHARE)
        hidden_share: float = knob(0.75, "fraction of the patches that are masked", range=Range(above=0, below=1))
        decoder_width: int = knob(128, "width of the decoder (ImageNet: 512)", range=COUNT)
        decoder_depth: int = knob(2, "layers of the decoder (ImageNet: 8)", range=NONE_OR_MORE)
        decoder_heads: int = knob(4, "attention heads of the decoder (ImageNet: 16)", range=COUNT)

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.decoder_width % self.decoder_heads:
                raise UserError(f"{self.decoder_heads} heads do not divide a decoder {self.decoder_width} wide.")

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, width = backbone, config.decoder_width
        self.patches = patches_of(backbone)
        self.patches.fix_positions()
        count = self.patches.grid**2
        self.visible = max(1, round(count * (1 - config.hidden_share)))
        self.into = nn.Linear(self.patches.width, width)
        self.blank = nn.Parameter(torch.empty(1, 1, width).normal_(std=0.02))  # the mask token
        layer = nn.TransformerEncoderLayer(
            width, config.decoder_heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.decoder = nn.TransformerEncoder(layer, config.decoder_depth, nn.LayerNorm(width), False)
        for parameter in self.decoder.parameters():  # the layers are copies with equal weights
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)
        self.out = nn.Linear(width, self.patches.side**2 * 3)
        self.register_buffer("positions", sines(self.patches.grid, width))
        self.augment = Masked(
            Views([config.view(backbone.image_size, (0.4, 0.4, 0.4, 0.1), 0.0)], backbone.mean, backbone.std),
            count,
        )

    def loss(self, images: Tensor, order: Tensor) -> Tensor:
        """order: int64 [B, N], a random order of the patches, of which the first are visible."""
        prediction, mask = self.predict(images, order)
        return mae_loss(prediction, patchify(images, self.patches.side), mask)

    def predict(self, images: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        """The pixels of all patches [B, N, P], standardised within each patch, and the mask [B, N] of hidden ones."""
        encoded = self.patches(images, order[:, : self.visible])  # [B, prefix + visible, width]
        self.features = encoded[:, 0].detach()
        tokens = self.into(encoded)
        first, visible = tokens[:, : self.patches.prefix], tokens[:, self.patches.prefix :]
        blank = self.blank.to(visible.dtype).expand(len(images), order.shape[1] - self.visible, -1)
        shuffled = torch.cat([visible, blank], dim=1)
        back = order.argsort(dim=1)
        ordered = shuffled.gather(1, back[:, :, None].expand(-1, -1, shuffled.shape[2])) + self.positions
        prediction = self.out(self.decoder(torch.cat([first, ordered], dim=1))[:, self.patches.prefix :])
        mask = torch.ones_like(order, dtype=torch.bool).scatter(1, order[:, : self.visible], False)
        return prediction, mask

    def report(self) -> dict[str, float]:
        return health(self.features)


def mae_loss(prediction: Tensor, patches: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error over the pixels of masked patches, with each target patch standardised (MAE, section 4).

    prediction, patches: [B, N, P]; mask: bool or 0/1 [B, N], 1 where a patch is masked. The variance is the
    unbiased one, as in the authors' code. A prediction of zeros scores about 1.
    """
    with torch.autocast(prediction.device.type, enabled=False):
        target = full(patches)
        target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
        each = (full(prediction) - target).square().mean(-1)  # [B, N]
        weight = mask.to(each.dtype)
        return (each * weight).sum() / weight.sum()


class Masked(Augment):
    """One view of each image, and a random order of its patches."""

    def __init__(self, views: Views, count: int):
        self.views, self.count = views, count

    def __call__(self, batch: Batch) -> tuple[Any, ...]:
        return (*self.views(batch), batch.random.permutation(self.count))
