"""Optimisers, and the schedules of learning rate and weight decay."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from training.engine.config import RunConfig
from training.engine.lars import LARS
from training.models.registry import pick

NO_DECAY = ("logit_scale", "logit_bias", "positional_embedding", "pos_embed", "class_embedding", "cls_token")


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups: those with weight decay, those without, and the scalars among the latter.

    No weight decay applies to parameters of at most one axis (biases, gains), temperatures, position embeddings
    and class tokens.
    """
    decayed: list[nn.Parameter] = []
    not_decayed: list[nn.Parameter] = []
    scalars: list[nn.Parameter] = []  # --fsdp does not shard them, and a fused step takes one kind of tensor
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            exempt = parameter.ndim <= 1 or name.rpartition(".")[2] in NO_DECAY
            (scalars if parameter.ndim == 0 else not_decayed if exempt else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}]
    groups += [{"params": of, "weight_decay": 0.0} for of in (not_decayed, scalars)]
    return [group for group in groups if group["params"]]


def build_optimizer(module: nn.Module, config: RunConfig) -> torch.optim.Optimizer:
    """The configured optimiser over the trainable parameters of module."""
    groups = parameter_groups(module, config.weight_decay)
    return pick("optimizer", config.optimizer, OPTIMIZERS)(groups, config)


def _adamw(groups: Iterable[dict[str, Any]], config: RunConfig) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019), fused."""
    return torch.optim.AdamW(
        groups, lr=config.peak_rate, betas=(config.beta1, config.beta2), eps=config.epsilon, fused=True
    )


def _sgd(groups: Iterable[dict[str, Any]], config: RunConfig) -> torch.optim.Optimizer:
    """SGD with momentum."""
    return torch.optim.SGD(groups, lr=config.peak_rate, momentum=config.beta1)


def _lars(groups: Iterable[dict[str, Any]], config: RunConfig) -> torch.optim.Optimizer:
    """LARS (You et al. 2017): layer-wise rates, for large batches."""
    return LARS(groups, lr=config.peak_rate, momentum=config.beta1)


Optimizers = dict[str, Callable[[Iterable[dict[str, Any]], RunConfig], torch.optim.Optimizer]]
OPTIMIZERS: Optimizers = {"adamw": _adamw, "sgd": _sgd, "lars": _lars}


def rate_at(step: int, config: RunConfig) -> float:
    """The learning rate of step (0 is the first): linear warm-up, then a cosine to the final rate."""
    warm = round(config.warmup * config.total_steps)
    if step < warm:
        return config.peak_rate * (step + 1) / warm
    done = (step - warm) / max(1, config.total_steps - warm)
    low = config.final_rate
    return config.peak_rate * (low + (1 - low) * (1 + math.cos(math.pi * done)) / 2)


def decay_at(step: int, config: RunConfig) -> float:
    """The weight decay of step: constant, or a cosine to its final value."""
    if config.final_weight_decay is None:
        return config.weight_decay
    done = step / config.total_steps
    low, high = config.final_weight_decay, config.weight_decay
    return low + (high - low) * (1 + math.cos(math.pi * done)) / 2


def set_schedules(optimizer: torch.optim.Optimizer, step: int, config: RunConfig) -> float:
    """Set the learning rate and weight decay of step in optimizer, and return the learning rate."""
    rate = rate_at(step, config)
    for group in optimizer.param_groups:
        group["lr"] = rate
        if group["weight_decay"]:
            group["weight_decay"] = decay_at(step, config)
    return rate
