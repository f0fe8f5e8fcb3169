"""Batch norm over the batches of all ranks, on any device: one big batch, however many processes share it.

With statistics of its own on each rank a network can tell which rank an image came from, and a contrastive
loss learns to (He et al. 2020, section 3.3). PyTorch's SyncBatchNorm does the same on a GPU, and does it here; it
refuses a CPU.
"""

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules._functions import SyncBatchNorm
from torch.nn.modules.batchnorm import _BatchNorm

from training.models.collectives import total
from training.models.ranks import world_size


class GlobalBatchNorm(_BatchNorm):
    """Batch norm of [B, C, ...] with the statistics of all ranks' batches. Alone it is PyTorch's own.

    after: what the layer that it replaces did with the result (timm's batch norms end in an activation).
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        after: nn.Module | None = None,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats)
        self.after = after

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"batch norm wants [B, C, ...], not {list(input.shape)}")

    def forward(self, input: Tensor) -> Tensor:
        if world_size() > 1 and (self.training or self.running_mean is None):
            self._check_input_dim(input)
            synced = input.is_cuda and self.training and self.momentum is not None
            output = self._on_gpus(input) if synced else self._over_ranks(input)
        else:
            output = super().forward(input)
        return output if self.after is None else self.after(output)

    def _on_gpus(self, input: Tensor) -> Tensor:
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        running = self.running_mean, self.running_var, self.eps, self.momentum
        return SyncBatchNorm.apply(input, self.weight, self.bias, *running, dist.group.WORLD, world_size())

    def _over_ranks(self, input: Tensor) -> Tensor:
        values = input if input.dtype == torch.float64 else input.float()
        others = [axis for axis in range(input.ndim) if axis != 1]
        shape = [1, -1] + [1] * (input.ndim - 2)
        count = total(values.new_full((1,), values.numel() / values.shape[1]))
        mean = total(values.sum(others)) / count
        centred = values - mean.view(shape)
        variance = total(centred.square().sum(others)) / count  # in a second pass: E[x²] - E[x]² would cancel
        if self.training and self.running_mean is not None and self.running_var is not None:
            with torch.no_grad():
                self._remember(mean, variance * count / (count - 1).clamp_min(1))
        output = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.weight is not None:
            output = output * self.weight.view(shape) + self.bias.view(shape)
        return output.to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        for running, new in ((self.running_mean, mean), (self.running_var, variance)):
            share = 1 / self.num_batches_tracked.to(running) if self.momentum is None else self.momentum
            running.lerp_(new.to(running.dtype), share)


def make_norms_global(module: nn.Module) -> nn.Module:
    """Replace every batch norm inside module (or module itself) by one over all ranks, weights and names kept."""
    if isinstance(module, _BatchNorm):
        return module if isinstance(module, GlobalBatchNorm) else _as_global(module)
    for name, child in module.named_children():
        if (replaced := make_norms_global(child)) is not child:
            setattr(module, name, replaced)
    return module


def _as_global(norm: _BatchNorm) -> GlobalBatchNorm:
    parts = [part for part in (getattr(norm, "drop", None), getattr(norm, "act", None)) if part is not None]
    after = nn.Sequential(*parts) if parts else None
    new = GlobalBatchNorm(
        norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats, after=after
    )
    new.weight, new.bias = norm.weight, norm.bias
    new.running_mean, new.running_var = norm.running_mean, norm.running_var
    new.num_batches_tracked = norm.num_batches_tracked
    return new.train(norm.training)
