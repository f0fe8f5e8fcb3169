"""LARS: each layer's step is a fixed share of its weights' length, so that batches of thousands train.

You, Gitman and Ginsburg 2017, "Large Batch Training of Convolutional Networks". There are three formulas about; this
is the one of the SSL papers' own code (BYOL, MoCo v3): the weight decay joins the gradient first, then
trust = eta |p| / |g + decay p|. Biases, gains and everything else of at most one axis take a plain step.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.optim import Optimizer

ETA = 1e-3  # the papers' trust coefficient; small data sets have been trained with 0.02


class LARS(Optimizer):
    """SGD with momentum, each layer's gradient brought to a share eta of the layer's length."""

    def __init__(self, groups: Iterable[Any], lr: float, momentum: float = 0.9, eta: float = ETA):
        super().__init__(groups, {"lr": lr, "momentum": momentum, "eta": eta, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                gradient = parameter.grad
                if parameter.ndim > 1:
                    gradient = gradient.add(parameter, alpha=group["weight_decay"])
                    length, of_gradient = parameter.norm(), gradient.norm()
                    trust = group["eta"] * length / of_gradient
                    gradient = gradient * torch.where((length > 0) & (of_gradient > 0), trust, 1.0)
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                state["momentum"].mul_(group["momentum"]).add_(gradient)
                parameter.sub_(state["momentum"], alpha=group["lr"])
        return loss
