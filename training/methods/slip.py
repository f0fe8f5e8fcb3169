"""SLIP: the sum of CLIP's and SimCLR's losses on one image tower.

Mu et al. 2022, "SLIP: Self-supervision meets Language-Image Pre-training": CLIP's loss
uses the caption, and SimCLR's loss uses two further views of the image.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from training.data.batch import Augment, Batch
from training.data.views import CROP, JITTER, SIMCLR_COLOURS, ViewKnobs, Views, two_alike
from training.methods.clip import CLIP
from training.methods.heads import mlp
from training.methods.simclr import nt_xent
from training.methods.two_towers import PairViews
from training.models.collectives import gather
from training.models.dual_encoder import DualEncoder
from training.models.knobs import COUNT, NONE_OR_MORE, POSITIVE, knob
from training.models.ranks import rank


class SLIP(CLIP):
    """CLIP's loss, plus SimCLR's loss on two more views through the image tower."""

    recipe: ClassVar = {**CLIP.recipe, "weight_decay": 0.1}

    @dataclass(frozen=True, kw_only=True)
    class Config(CLIP.Config):
        weight: float = knob(1.0, "weight of SimCLR's loss relative to CLIP's", range=NONE_OR_MORE)
        temperature: float = knob(0.1, "temperature of SimCLR's loss", range=POSITIVE)
        view_crop: float = knob(0.2, "smallest crop of SimCLR's views, as a fraction of the image's area", range=CROP)
        jitter: float = knob(0.5, "strength of colour jitter in SimCLR's views", range=JITTER)
        hidden: int = knob(512, "hidden width of the projector (YFCC15M: 4096)", range=COUNT)
        projection: int = knob(128, "output width of the projector (YFCC15M: 256)", range=COUNT)

    def __init__(self, pair: DualEncoder, config: Config):
        super().__init__(pair, config)
        self.slip_config = config
        self.projector = mlp(pair.dim, config.hidden, config.projection)
        knobs = ViewKnobs(crop=config.view_crop, jitter=config.jitter)
        backbone = pair.backbone
        of_simclr = Views(two_alike(knobs, backbone.image_size, SIMCLR_COLOURS), backbone.mean, backbone.std)
        self.augment = _Both(of_simclr, PairViews(pair, config.crop, config.hard_negatives))

    def embed(self, *batch: Any) -> tuple[Tensor, ...]:
        """The projections of the two views, then the output of CLIP's embed."""
        view1, view2, *of_clip = batch
        z1, z2 = (self.projector(self.backbone(view)) for view in (view1, view2))
        return (z1, z2, *super().embed(*of_clip))

    def objective(self, *rows: Any) -> Tensor:
        z1, z2, *of_clip = rows
        of_views = nt_xent(z1, z2, self.slip_config.temperature, (gather(z1), gather(z2)), rank() * len(z1))
        return super().objective(*of_clip) + self.slip_config.weight * of_views


class _Both(Augment):
    """Turns a batch into SimCLR's views, followed by CLIP's arguments."""

    def __init__(self, views: Views, pairs: PairViews):
        self.views, self.pairs = views, pairs

    def prepare(self, batch: Batch) -> Batch:
        return self.pairs.prepare(batch)

    def __call__(self, batch: Batch) -> tuple[Any, ...]:
        batch = batch if batch.texts else self.prepare(batch)  # the texts' random numbers are drawn before the views'
        return (*self.views(batch), *self.pairs(batch))
