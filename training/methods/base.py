"""The interface of a pretraining method: a backbone, the paper's heads, and a loss over one batch.

The engine uses methods only through this interface, and methods do not import the engine.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from training.data.batch import Augment, Batch
from training.data.dataset import ImageDataset
from training.models.backbone import Backbone

__all__ = ["Augment", "Batch", "Method", "Separable"]

# Where a method's own paper does not say: the settings of these two, for a ResNet-50 on ImageNet.
OF_OPTIMIZER: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "sgd": {"MoCo's paper": {"learning_rate": 0.03, "rate_scaling": "linear", "weight_decay": 1e-4}},
    "lars": {"SimCLR's paper": {"learning_rate": 0.3, "rate_scaling": "linear", "weight_decay": 1e-6}},
}


class Method(torch.nn.Module, ABC):
    """A pretraining method, usually of one paper.

    Config: a frozen dataclass of knobs. backbone: the part that is kept after pretraining. augment: turns a
    Batch into the arguments of `loss`, see Augment. All state that a checkpoint must restore (queue, centre, teacher,
    counters) is a parameter or a buffer. State without gradients is updated in after_step, from what `loss` puts into
    the list `pending`. The constructor takes
    `(backbone, config)`, or `(pair, config)` if needs_captions, where pair is a
    `training.models.dual_encoder.DualEncoder`. recipe: settings of the paper, which replace the defaults of RunConfig
    (`{"weight_decay": 0.05, "beta2": 0.999}`); settings of the user replace both. recipes: the same for other
    optimizers than that of `recipe`, by their names. per_sample: the loss is a mean of one term per sample, so that
    micro-batches are exact.
    """

    Config: ClassVar[type]
    needs_captions: ClassVar[bool] = False
    needs_labels: ClassVar[bool] = False
    recipe: ClassVar[Mapping[str, Any]] = {}
    recipes: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    per_sample: ClassVar[bool] = False

    backbone: Backbone
    augment: Augment

    @classmethod
    def papers(cls, optimizer: str | None) -> dict[str, Mapping[str, Any]]:
        """Settings of RunConfig from papers, by their origin, of which the first counts.

        optimizer: the one that the user chose, None for that of `recipe`. Where the method's paper does not use it,
        another paper gives its learning rate.
        """
        own = cls.recipe.get("optimizer", "adamw")
        if optimizer is None or optimizer == own:
            return {"paper": cls.recipe}
        return {
            "paper": cls.recipes.get(optimizer, {}),
            **OF_OPTIMIZER.get(optimizer, {}),
            f"paper, with {own}": cls.recipe,
        }

    def see_data(self, images: ImageDataset) -> None:
        """Called once, before the first step, with the images of the run: what belongs to each is looked up."""

    @abstractmethod
    def loss(self, *batch: Any, **_: Any) -> Tensor:
        """A scalar, the mean over the batch. The arguments are the output of augment for one batch.

        Each rank gets its part of the batch, and the loss of the whole batch is the mean over ranks. (The two
        stars allow subclasses to name their arguments.)
        """

    def before_step(self, progress: float) -> None:
        """Called between the backward pass and the optimiser's step.

        progress: steps done over all steps, in 0..1. Frozen prototypes discard their gradients here.
        """

    def after_step(self, progress: float) -> None:
        """Called after the optimiser's step: an EMA is updated, a temperature is clamped."""

    def discard_step(self) -> None:
        """Called in the place of after_step if the step is left out: what the forward pass kept for it is dropped."""
        self.pending: list[Tensor] = []

    def report(self) -> dict[str, float]:
        """Metrics of the last batch that metrics.jsonl records beside the loss."""
        return {}

    def product(self) -> tuple[dict[str, Any], torch.nn.Module]:
        """The encoder that search will load: the contents of encoder.json, and the module with its weights."""
        return self.backbone.made_of, self.backbone.network


class Separable(Method):
    """A method whose loss is a function of per-sample embeddings, so that `--micro-batch` is exact for it.

    With batch norm in train mode, embeddings depend on the rest of the batch. The engine then refuses
    `--micro-batch`, as it does for methods that are neither Separable nor per_sample.
    """

    @abstractmethod
    def embed(self, *batch: Any, **_: Any) -> tuple[Tensor, ...]:
        """The representations that the loss is a function of, each [B, ...]."""

    @abstractmethod
    def objective(self, *representations: Any, **_: Any) -> Tensor:
        """The loss from the representations of this rank's batch; the method gathers those of other ranks."""

    def loss(self, *batch: Any, **_: Any) -> Tensor:
        return self.objective(*self.embed(*batch))
