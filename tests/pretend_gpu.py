"""A GPU that is not there: shapes, devices and dtypes as on one, no values, and an error for whatever waits for it.

CUDA tensors are PyTorch's fake ones. Mixing them with tensors of the CPU fails as it would; so does every operation
whose result the CPU needs, and every copy for which it would have to wait. Tensors of the CPU stay real.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._pytree import tree_iter

CUDA = torch.device("cuda", 0)
COPIES = ("_to_copy", "copy_")


class Waited(AssertionError):
    """The CPU waited for the GPU."""


class PretendGPU(FakeTensorMode):
    """Within the `with`, tensors may be put on CUDA and computed with."""

    def __init__(self) -> None:
        super().__init__(allow_non_fake_inputs=True)

    def dispatch(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        everything = list(tree_iter((args, kwargs or {})))
        fakes = any(isinstance(one, FakeTensor) for one in everything)
        to_cuda = any(isinstance(one, torch.device) and one.type == "cuda" for one in everything)
        if not fakes and not to_cuda:
            return func(*args, **kwargs or {})
        if func._opname in COPIES:
            self._check_copy(func, args, kwargs or {})
        return super().dispatch(func, types, args, kwargs)

    def _check_copy(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if func._opname == "copy_":
            target, source, *rest = args
            devices, background = (source.device, target.device), bool(rest and rest[0]) or kwargs.get("non_blocking")
        else:
            devices = (args[0].device, kwargs.get("device") or args[0].device)
            background = kwargs.get("non_blocking")
        kinds = {device.type for device in devices}
        if len(kinds) > 1 and (devices[1].type == "cpu" or not background):
            raise Waited(f"a copy from {devices[0]} to {devices[1]}")


@contextmanager
def pretend_gpu() -> Iterator[torch.device]:
    """The device of a pretend GPU."""
    with torch.autograd.set_multithreading_enabled(False), PretendGPU():
        yield CUDA


def put_on(module: nn.Module, device: torch.device) -> nn.Module:
    """The module with its weights and buffers on the pretend GPU."""
    for part in module.modules():
        for name, weight in list(part._parameters.items()):
            if weight is not None:
                moved = torch.empty_like(weight, device=device)
                part._parameters[name] = nn.Parameter(moved, requires_grad=weight.requires_grad)
        for name, buffer in list(part._buffers.items()):
            if buffer is not None:
                part._buffers[name] = torch.empty_like(buffer, device=device)
    return module
