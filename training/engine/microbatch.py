"""Exact gradients of a large batch from micro-batches: gradient caching.

Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup". The representations of the
whole batch are computed micro-batch by micro-batch without a graph. The loss is computed over all of them. A second
forward pass of each micro-batch, with the random numbers of the first, propagates the loss's gradient into the
towers. Only the activations of one micro-batch are in memory at a time.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from training.methods.base import Method, Separable
from training.models.errors import UserError


def inexact_reason(method: Method) -> str | None:
    """Why micro-batches would change the gradients of this method, or None if they are exact."""
    if not (isinstance(method, Separable) or method.per_sample):
        return "its loss is not a function of per-image representations"
    mixing = next((name for name, module in method.named_modules() if _mixes(module)), None)
    if mixing is not None:
        return f"its batch norm ({mixing}) normalises each image with the others of its micro-batch"
    return None


def _mixes(module: nn.Module) -> bool:
    """Whether a layer makes the output for one image depend on the rest of the batch."""
    if not (isinstance(module, _BatchNorm) or "BatchNorm" in type(module).__name__):
        return False
    return module.training and any(p.requires_grad for p in module.parameters())


def check_exact(method: Method, name: str) -> None:
    """UserError with the reason if micro-batches would change the gradients."""
    reason = inexact_reason(method)
    if reason:
        raise UserError(
            f"--micro-batch is not exact for {name}: {reason}. Leave it out, choose a tower without batch norm "
            f"(tiny, or a ViT), or use --accumulate, which averages the gradients of smaller batches instead."
        )


def cached_backward(
    method: Separable,
    arguments: tuple[Any, ...],
    size: int,
    autocast: Callable[[], AbstractContextManager[object]],
    backward: Callable[[Tensor], None],
) -> Tensor:
    """Add the gradients of method.loss(*arguments) to .grad with micro-batches of `size`, and return the loss.

    autocast: makes the context of forward passes. backward: computes gradients of the loss, scaled as the
    caller needs.
    """
    pieces = list(split(arguments, size))
    states, parts = [], []
    for piece in pieces:
        states.append(random_state())
        with torch.no_grad(), autocast():
            parts.append(method.embed(*piece))
    after = random_state()
    batch = [torch.cat(column) for column in zip(*parts, strict=True)]
    leaves = [rows.detach().requires_grad_(rows.is_floating_point()) for rows in batch]
    with autocast():
        loss = method.objective(*leaves)
    backward(loss)
    gradients = [leaf.grad.split(size) if leaf.grad is not None else None for leaf in leaves]
    for number, (piece, state) in enumerate(zip(pieces, states, strict=True)):
        set_random_state(state)
        with autocast():
            rows = method.embed(*piece)
        pairs = [(r, g[number]) for r, g in zip(rows, gradients, strict=True) if g is not None and r.requires_grad]
        torch.autograd.backward([r for r, _ in pairs], [g for _, g in pairs])
    set_random_state(after)
    return loss.detach()


def summed_backward(
    method: Method,
    arguments: tuple[Any, ...],
    size: int,
    autocast: Callable[[], AbstractContextManager[object]],
    backward: Callable[[Tensor], None],
) -> Tensor:
    """The same for a loss that is a mean of one term per sample: the losses of micro-batches are averaged."""
    pieces = list(split(arguments, size))
    total = None
    for piece in pieces:
        with autocast():
            part = method.loss(*piece) / len(pieces)
        backward(part)
        total = part.detach() if total is None else total + part.detach()
    assert total is not None
    return total


def split(arguments: object, size: int) -> Iterator[Any]:
    """Tensors, and tuples and lists of them, split into micro-batches of `size` along their first axis."""
    if isinstance(arguments, Tensor):
        yield from arguments.split(size)
    elif isinstance(arguments, tuple | list):
        kind = type(arguments)
        yield from (kind(column) for column in zip(*(split(part, size) for part in arguments), strict=True))
    else:
        raise ValueError(f"augment returned a {type(arguments).__name__}, which cannot be split into micro-batches")


def random_state() -> dict[str, Tensor]:
    """The state of torch's random number generators on the CPU and on this rank's GPU."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, Tensor]) -> None:
    """Restore a state returned by random_state."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
