"""LARS: layer-wise adaptive rate scaling, an optimiser for batches of thousands of images.

You, Gitman and Ginsburg 2017, "Large Batch Training of Convolutional Networks". Three variants are in use; this is
that of the SSL papers' code (BYOL, MoCo v3): the weight decay is added to the gradient first, then
trust = eta |p| / |g + decay p|. Parameters of at most one axis (biases, gains) take an SGD step with momentum.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.optim import Optimizer

ETA = 1e-3  # the papers' trust coefficient; 0.02 has been used on small data sets


class LARS(Optimizer):
    """SGD with momentum; each layer's gradient is scaled to eta times the norm of the layer's weights."""

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, momentum: float = 0.9, eta: float = ETA):
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
                    weight_norm, gradient_norm = parameter.norm(), gradient.norm()
                    trust = group["eta"] * weight_norm / gradient_norm
                    gradient = gradient * torch.where((weight_norm > 0) & (gradient_norm > 0), trust, 1.0)
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                state["momentum"].mul_(group["momentum"]).add_(gradient)
                parameter.sub_(state["momentum"], alpha=group["lr"])
        return loss
