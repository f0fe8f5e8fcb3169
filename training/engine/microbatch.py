"""An exact large batch in pieces: gradient caching (Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size").

The representations of the whole batch are computed piece by piece without a graph, the loss is taken
over all of them, and a second pass per piece, with the random numbers of the first, carries the loss's
gradient into the towers. Only one piece's activations are ever alive.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from training.models.errors import UserError


def why_not_exact(method: nn.Module) -> str | None:
    """Why a batch of this method cannot be computed in pieces with the result of the whole, or None."""
    if not (hasattr(method, "objective") or getattr(method, "per_sample", False)):
        return "its loss is not a function of each image's own representation"
    mixing = next((name for name, module in method.named_modules() if _mixes(module)), None)
    if mixing is not None:
        return f"its batch norm ({mixing}) computes each image from the others of its piece"
    return None


def _mixes(module: nn.Module) -> bool:
    """Whether a layer makes one image's result depend on the rest of the batch."""
    if not (isinstance(module, _BatchNorm) or "BatchNorm" in type(module).__name__):
        return False
    return module.training and any(p.requires_grad for p in module.parameters())


def refuse_inexact(method: nn.Module, name: str) -> None:
    """UserError with the reason if micro-batches would change what is learned."""
    reason = why_not_exact(method)
    if reason:
        raise UserError(
            f"--micro-batch cannot be exact for {name}: {reason}. Leave it out, choose a tower without batch norm "
            f"(tiny, or a ViT), or use --accumulate, which averages smaller batches and is not the same."
        )


def cached_backward(
    method: Any,
    arguments: tuple[Any, ...],
    size: int,
    autocast: Callable[[], Any],
    backward: Callable[[Tensor], None],
) -> Tensor:
    """The gradients of method.loss(*arguments), in pieces of size, left in .grad; the loss comes back.

    autocast: makes the context that forward passes run in. backward: takes the loss to gradients, scaled
    as the caller likes.
    """
    pieces = list(cut(arguments, size))
    states, parts = [], []
    for piece in pieces:
        states.append(random_state())
        with torch.no_grad(), autocast():
            parts.append(method.embed(*piece))
    after = random_state()
    whole = [torch.cat(column) for column in zip(*parts, strict=True)]
    leaves = [rows.detach().requires_grad_(rows.is_floating_point()) for rows in whole]
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
    method: Any,
    arguments: tuple[Any, ...],
    size: int,
    autocast: Callable[[], Any],
    backward: Callable[[Tensor], None],
) -> Tensor:
    """The same for a loss that is a mean of one term a sample: pieces are simply added up."""
    pieces = list(cut(arguments, size))
    total = None
    for piece in pieces:
        with autocast():
            part = method.loss(*piece) / len(pieces)
        backward(part)
        total = part.detach() if total is None else total + part.detach()
    assert total is not None
    return total


def cut(thing: Any, size: int) -> Iterator[Any]:
    """Tensors, and tuples and lists of them, in pieces of size along their first axis."""
    if isinstance(thing, Tensor):
        yield from thing.split(size)
    elif isinstance(thing, tuple | list):
        yield from (type(thing)(column) for column in zip(*(cut(part, size) for part in thing), strict=True))
    else:
        raise ValueError(f"augment gave a {type(thing).__name__}, which cannot be cut into micro-batches")


def random_state() -> dict[str, Tensor]:
    """Torch's random numbers on the processor and on this rank's GPU."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, Tensor]) -> None:
    """Go on from a state that random_state gave."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
