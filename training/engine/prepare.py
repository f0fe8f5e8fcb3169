"""Preparation of a method before its first step: device, memory layout, batch norm, sharding and compilation."""

import warnings
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from training.engine.config import RunConfig
from training.engine.distributed import World
from training.engine.machine import set_up_products
from training.engine.microbatch import check_exact
from training.engine.processor import keep_freed_memory
from training.engine.sharded import check_fsdp_settings
from training.methods.base import Method, Separable
from training.models.errors import UserError
from training.models.norms import make_norms_global


def prepare_method(method: Method, name: str, config: RunConfig, world: World) -> Method:
    """The method on the rank's device, in train mode. UserError for settings that do not work with it.

    name: what errors call the method.
    """
    if world.device.type == "cpu":
        keep_freed_memory()
    set_up_products(world.device, config)
    channels_last = config.channels_last and not config.fsdp  # FSDP2 takes contiguous weights only
    layout = torch.channels_last if channels_last else torch.contiguous_format
    method = method.to(world.device, memory_format=layout).train()  # type: ignore[call-overload]  # missing in torch's types
    if world.size > 1:
        make_norms_global(method)
    if config.micro_batch:
        check_exact(method, name)
    if config.fsdp:
        check_fsdp_settings(config, world)
    if config.checkpoint_gradients:
        checkpoint_activations(method, name)
    return method


class LossModule(nn.Module):
    """method.loss as a forward pass, which DDP, FSDP and torch.compile need."""

    def __init__(self, method: Method):
        super().__init__()
        self.method = method

    def forward(self, *arguments: Any) -> Tensor:
        return self.method.loss(*arguments)


def compile_loss(loss: LossModule) -> None:
    """Compile the forward pass of the loss with torch.compile, and `embed`, which micro-batches call."""
    loss.compile()
    if isinstance(loss.method, Separable):
        loss.method.embed = torch.compile(loss.method.embed)  # type: ignore[method-assign]


def synchronised(loss: nn.Module, config: RunConfig, world: World) -> nn.Module:
    """The loss, wrapped in DDP where DDP averages the gradients over ranks."""
    if world.size == 1 or config.micro_batch or config.fsdp:
        return loss
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch 2.6 lacks the setting's new name
        return nn.parallel.DistributedDataParallel(loss, broadcast_buffers=False)


def checkpoint_activations(method: nn.Module, name: str) -> None:
    """Turn on gradient checkpointing in the towers. UserError if no tower supports it."""
    supporting = [module for module in method.modules() if hasattr(module, "set_grad_checkpointing")]
    for module in supporting:
        cast(Callable[[bool], None], module.set_grad_checkpointing)(True)
    if not supporting:
        raise UserError(f"The towers of {name} do not support --checkpoint-gradients; leave it out.")
