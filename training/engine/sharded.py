"""Weights, gradients and optimiser shared out among the ranks (FSDP2), for towers that do not fit one device.

What a run learns is what DDP learns, to rounding, and its checkpoints are those of any other run: whole tensors,
which a run without --fsdp goes on from, as one with it goes on from theirs.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from training.engine.config import RunConfig
from training.engine.distributed import World
from training.models.errors import UserError


def refuse_unsharded(config: RunConfig, world: World) -> None:
    """UserError where a run's settings leave nothing to share out, or nothing that was tried."""
    reasons = {
        "there is one rank, which would hold everything anyway; start it with torchrun": world.size == 1,
        "--micro-batch goes through the towers by another door; it needs DDP": config.micro_batch > 0,
        "--precision f16 scales gradients that must lie in one place; bf16 does not": config.precision == "f16",
        "--compile was not tried with it; leave one of them out": config.compile,
        "lars takes the length of whole layers; choose adamw or sgd": config.optimizer == "lars",
    }
    for reason, holds in reasons.items():
        if holds:
            raise UserError(f"--fsdp cannot be: {reason}.")


def share(module: nn.Module, world: World) -> list[nn.Parameter]:
    """Share out the weights of module, layer by layer; those that stay whole on each rank come back.

    Numbers alone, such as temperatures, stay: nothing of them could be shared.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(world.device.type, (world.size,))
    alone = [parameter for parameter in module.parameters() if parameter.ndim == 0]
    for layer in reversed(list(_layers(module))):
        fully_shard(layer, mesh=mesh)
    fully_shard(module, mesh=mesh, ignored_params=set(alone))
    return alone


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """Layers of one kind that follow each other, but for the last, of which a tower may run only a part."""
    for row in module.modules():
        parts = list(row.children()) if isinstance(row, nn.ModuleList | nn.Sequential) else []
        if (
            len(parts) > 1
            and len({type(part) for part in parts}) == 1
            and next(parts[0].parameters(), None) is not None
        ):
            yield from parts[:-1]


def whole(thing: Any) -> Any:
    """A tensor of which each rank has a part as one on the processor, in whatever holds it. Every rank must ask."""
    if isinstance(thing, dict):
        return {name: whole(part) for name, part in thing.items()}
    if isinstance(thing, tuple | list):
        return type(thing)(whole(part) for part in thing)
    return thing.full_tensor().cpu() if hasattr(thing, "full_tensor") else thing


def put_back(thing: Any, state: dict[str, Any]) -> None:
    """thing.load_state_dict(state), where state is whole and each rank of thing may have a part of it."""
    if isinstance(thing, nn.Module):
        own = thing.state_dict()
        state = {name: _part(tensor, own[name]) if name in own else tensor for name, tensor in state.items()}
    elif isinstance(thing, torch.optim.Optimizer):
        weights = [weight for group in thing.param_groups for weight in group["params"]]
        of_weights = {
            number: {name: _part(of, weights[number]) for name, of in kept.items()}
            for number, kept in state["state"].items()
        }
        state = state | {"state": of_weights}
    thing.load_state_dict(state)


def _part(tensor: Any, like: Any) -> Any:
    """This rank's part of tensor, if it is of like's shape and like is shared out; laid out in memory as like is."""
    if not isinstance(tensor, Tensor) or tensor.shape != like.shape:
        return tensor
    if not hasattr(like, "full_tensor"):  # a fused step reads both in the order of their memory
        return torch.empty_like(like, dtype=tensor.dtype).copy_(tensor)
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(like.device).contiguous(), like.device_mesh, like.placements, src_data_rank=None)


def clip_gradients(parameters: Iterable[nn.Parameter], most: float) -> Tensor:
    """`clip_grad_norm_` over weights of which some are shared out and some are not; the length before comes back."""
    weights = [weight for weight in parameters if weight.grad is not None]
    parts = [[w for w in weights if hasattr(w, "full_tensor") == shared] for shared in (True, False)]
    lengths = [whole(nn.utils.get_total_norm([w.grad for w in part])) for part in parts if part]  # type: ignore[misc]
    length = torch.stack([of.cpu() for of in lengths]).norm()
    if most < math.inf:
        for part in parts:
            if part:
                nn.utils.clip_grads_with_norm_(part, most, length.to(part[0].device))
    return length
