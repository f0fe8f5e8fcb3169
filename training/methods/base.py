"""The interface of a pretraining method: a backbone, the paper's heads, and a loss over one batch.

The engine knows no more of a method than this file, and a method knows nothing of the engine.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from training.data.batch import Augment, Batch
from training.models.backbone import Backbone

__all__ = ["Augment", "Batch", "Method", "Separable"]


class Method(torch.nn.Module, ABC):
    """One paper.

    Config: a frozen dataclass of knobs. backbone: what is kept after pretraining. augment: turns a
    Batch into the arguments of `loss`; it holds no parameters, can be pickled, and draws every
    random number from `batch.random`. Everything that must survive a kill (queue, centre, teacher,
    counters) is a parameter or a buffer. State that gradients do not reach is moved in after_step.
    Made from `(backbone, config)`, or `(pair, config)` where needs_captions: a pair of towers,
    `training.models.dual_encoder.DualEncoder`. recipe: the paper's own settings of a run, which replace RunConfig's
    defaults (`{"optimizer": "lars", "learning_rate": 0.3}`); the user's replace both. per_sample: the
    loss is a mean of one term a sample, so that micro-batches of any kind of accumulation are exact.
    """

    Config: ClassVar[type]
    needs_captions: ClassVar[bool] = False
    needs_labels: ClassVar[bool] = False
    recipe: ClassVar[Mapping[str, Any]] = {}
    per_sample: ClassVar[bool] = False

    backbone: Backbone
    augment: Augment

    @abstractmethod
    def loss(self, *batch: Any, **_: Any) -> Tensor:
        """A scalar, the mean over the batch; the arguments are what augment made of one batch.

        On several ranks each has its share of the batch, and the mean over ranks of what they return is
        the loss of the whole. (The two stars let a method give its arguments names.)
        """

    def before_step(self, progress: float) -> None:
        """Called after the gradients are there and before the optimiser uses them.

        progress: steps done over all steps, in 0..1. Frozen prototypes drop their gradients here.
        """

    def after_step(self, progress: float) -> None:
        """Called after the optimiser's step: an EMA is updated, a temperature is clamped."""

    def report(self) -> dict[str, float]:
        """Numbers of the last batch worth a line in metrics.jsonl, beside the loss."""
        return {}

    def product(self) -> tuple[dict[str, Any], torch.nn.Module]:
        """What search will load: what encoder.json holds, and the module whose weights go beside it."""
        return self.backbone.made_of, self.backbone.network


class Separable(Method):
    """A method whose loss is a function of per-sample embeddings: an exact large batch fits one device.

    With batch norm in train mode embeddings depend on the rest of the batch and nothing is separable;
    the engine refuses `--micro-batch` then, as it does for methods that are not Separable.
    """

    @abstractmethod
    def embed(self, *batch: Any, **_: Any) -> tuple[Tensor, ...]:
        """The representations that the loss is a function of, each [B, ...]."""

    @abstractmethod
    def objective(self, *representations: Any, **_: Any) -> Tensor:
        """The loss from the representations of a whole batch, gathered from all ranks by this method."""

    def loss(self, *batch: Any, **_: Any) -> Tensor:
        return self.objective(*self.embed(*batch))
