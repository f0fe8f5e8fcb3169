"""Weights, gradients and optimiser state sharded over the ranks (FSDP2), for towers that do not fit one device.

The result equals that of DDP to rounding. A run can be resumed with or without --fsdp.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from training.engine.config import RunConfig
from training.engine.distributed import World
from training.models.errors import UserError

T = TypeVar("T")


class Stateful(Protocol):
    """A module, an optimiser, or anything else that is saved and loaded by a state_dict."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> object: ...


def check_fsdp_settings(config: RunConfig, world: World) -> None:
    """UserError if the settings of a run do not work with --fsdp."""
    reasons = {
        "there is only one rank; start the run with torchrun": world.size == 1,
        "--micro-batch needs DDP; leave one of them out": config.micro_batch > 0,
        "the gradient scaling of --precision f16 needs unsharded gradients; use bf16": config.precision == "f16",
        "--compile is not tested with it; leave one of them out": config.compile,
        "lars needs the norm of whole layers; use adamw or sgd": config.optimizer == "lars",
    }
    for reason, holds in reasons.items():
        if holds:
            raise UserError(f"--fsdp cannot be used here: {reason}.")


def shard(module: nn.Module, world: World, half: torch.dtype | None = None) -> list[nn.Parameter]:
    """Shard the weights of module layer by layer, and return those that are not sharded.

    Scalars, such as temperatures, are not sharded. half: the precision in which ranks exchange the weights of a
    tower's layers; gradients are averaged in f32, and what is outside of layers (heads, embeddings) stays f32.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    policy = MixedPrecisionPolicy(param_dtype=half, reduce_dtype=torch.float32, cast_forward_inputs=False)
    mesh = init_device_mesh(world.device.type, (world.size,))
    scalars = [parameter for parameter in module.parameters() if parameter.ndim == 0]
    for layer in reversed(list(_layers(module))):
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(module, mesh=mesh, ignored_params=set(scalars))
    return scalars


def exchange_dtype(device: torch.device, half: torch.dtype | None) -> torch.dtype | None:
    """The precision in which ranks exchange layers: that of the activations on a GPU, whose autocast takes any weights.

    On a CPU, layer norm of f32 activations refuses weights in bf16, so weights stay f32 there.
    """
    return half if device.type == "cuda" else None


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """Consecutive layers of one type, except the last, of which a tower may run only a part."""
    for row in module.modules():
        parts = list(row.children()) if isinstance(row, nn.ModuleList | nn.Sequential) else []
        if (
            len(parts) > 1
            and len({type(part) for part in parts}) == 1
            and next(parts[0].parameters(), None) is not None
        ):
            yield from parts[:-1]


def full_tensors(values: T) -> T:
    """Gather sharded tensors, also inside dicts, tuples and lists, as full tensors on the CPU.

    Every rank must call this.
    """
    gathered: Any = values
    if isinstance(values, dict):
        gathered = {name: full_tensors(part) for name, part in values.items()}
    elif isinstance(values, tuple | list):
        gathered = type(values)(full_tensors(part) for part in values)
    elif hasattr(values, "full_tensor"):
        gathered = values.full_tensor().cpu()
    return gathered


def load_full_state(target: Stateful, state: dict[str, Any]) -> None:
    """target.load_state_dict(state), where state holds full tensors and target may be sharded."""
    if isinstance(target, nn.Module):
        own = target.state_dict()
        state = {name: _local(tensor, own[name]) if name in own else tensor for name, tensor in state.items()}
    elif isinstance(target, torch.optim.Optimizer):
        weights = [weight for group in target.param_groups for weight in group["params"]]
        moments = {
            number: {name: _local(moment, weights[number]) for name, moment in of_weight.items()}
            for number, of_weight in state["state"].items()
        }
        state = state | {"state": moments}
    target.load_state_dict(state)


def _local(value: object, like: Tensor) -> object:
    """This rank's shard of value, if it is a tensor of like's shape and like is sharded; in like's memory layout."""
    if not isinstance(value, Tensor) or value.shape != like.shape or hasattr(value, "full_tensor"):
        return value
    if not hasattr(like, "full_tensor"):  # a fused step reads both in memory order
        return torch.empty_like(like, dtype=value.dtype).copy_(value)
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(like, DTensor)
    return distribute_tensor(value.to(like.device).contiguous(), like.device_mesh, like.placements, src_data_rank=None)


def gradient_norms(parameters: Iterable[nn.Parameter]) -> Tensor:
    """[K]: the norm of each gradient that there is, of this rank's shard where it is sharded."""
    gradients = [weight.grad for weight in parameters if weight.grad is not None]
    local: list[Any] = [part.to_local() if hasattr(part, "to_local") else part for part in gradients]
    return torch.stack(torch._foreach_norm(local)) if local else torch.zeros(1)


def clip_gradients(
    parameters: Iterable[nn.Parameter], norms: Tensor, max_norm: float | None, each: bool = False
) -> Tensor:
    """`clip_grad_norm_` over sharded and unsharded weights together; returns the norm before clipping.

    norms: of this rank's gradients, of which the norm of all is made if none is sharded. each: the gradient of each
    weight is clipped by its own norm.
    """
    weights = [weight for weight in parameters if weight.grad is not None]
    any_sharded = any(hasattr(weight, "full_tensor") for weight in weights)
    if each and max_norm is not None:
        before = clip_gradients(weights, norms, None)
        for weight, norm in zip(weights, norms, strict=True):
            whole = full_tensors(nn.utils.get_total_norm([weight.grad])) if any_sharded else norm  # type: ignore[list-item]
            nn.utils.clip_grads_with_norm_([weight], max_norm, whole)
        return before
    if not any_sharded:
        norm = torch.linalg.vector_norm(norms)
        if max_norm is not None:
            nn.utils.clip_grads_with_norm_(weights, max_norm, norm)
        return norm
    parts = [[w for w in weights if hasattr(w, "full_tensor") == sharded] for sharded in (True, False)]
    totals: list[Any] = [nn.utils.get_total_norm([w.grad for w in part]) for part in parts if part]  # type: ignore[misc]
    norm = torch.stack([of.full_tensor() if hasattr(of, "full_tensor") else of for of in totals]).norm()
    if max_norm is not None:
        for part in parts:
            if part:
                nn.utils.clip_grads_with_norm_(part, max_norm, norm)
    return norm
