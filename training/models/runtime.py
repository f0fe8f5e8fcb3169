"""Running a tower fast: OpenVINO on a processor, PyTorch on a GPU and where nothing else is.

Importing this module loads neither. What concerns OpenVINO alone is in openvino_runtime.py.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.models.errors import UserError
from training.models.half_precision import keeps_direction, trial_images
from training.models.openvino_runtime import Tower, core, exported, exporting, has_bf16, library, load_export
from training.models.parallel import cores
from training.models.registry import pick

if TYPE_CHECKING:
    import torch

RUNTIMES = {"openvino": "a processor's own", "torch": "PyTorch, on a GPU where there is one"}
PRECISIONS = {
    "f32": "full",
    "bf16": "half, with the range of full",
    "f16": "half, on a GPU",
    "int8": "eight bits, of image towers on a processor",
}


@dataclass(frozen=True)
class Batching:
    """What embeds the most inputs a second. batch_size: inputs of a call. streams: concurrent calls."""

    batch_size: int
    streams: int


def resolve(runtime: str | None = None, precision: str | None = None) -> tuple[str, str]:
    """The runtime and precision to use: those asked for, else the fastest that keep the vectors' direction.

    UserError for a name that is none of RUNTIMES or PRECISIONS.
    """
    if runtime is None:
        runtime = "torch" if _gpu_at_hand() or not find_spec("openvino") else "openvino"
    pick("runtime", runtime, RUNTIMES)
    if runtime == "openvino" and not find_spec("openvino"):
        raise UserError("The runtime openvino is not installed; pip install openvino, or use --runtime torch.")
    if precision is None:
        gpu = _gpu() if runtime == "torch" else None
        half = gpu is not None or (runtime == "openvino" and has_bf16())
        precision = ("f16" if gpu == "mps" else "bf16") if half else "f32"
    pick("precision", precision, PRECISIONS)
    if precision == "f16" and runtime == "openvino":
        raise UserError("The precision f16 is for GPUs; on a processor choose bf16 or f32.")
    if precision == "int8" and runtime != "openvino":
        raise UserError("The precision int8 is for processors, with --runtime openvino; here choose bf16 or f32.")
    return runtime, precision


def batching_of(runtime: str) -> Batching:
    """On a processor, small batches that stay in its caches, one to a core; on a GPU, one large batch at a time."""
    if runtime == "openvino":
        return Batching(batch_size=8, streams=cores())
    return Batching(batch_size=128 if _gpu_at_hand() and _gpu() == "cuda" else 32, streams=1)


def load_tower(
    build: Callable[[], "torch.nn.Module"],
    example: NDArray[Any],
    key: str,
    runtime: str,
    precision: str,
    free: Sequence[int] = (0,),
    streams: bool = False,
    trial: Callable[[], NDArray[Any]] | None = None,
) -> Tower:
    """A tower that runs.

    build: makes the module, called only if it is not exported yet. example: a batch of one of what it
    takes; later batches may have any size along the axes in free. key: names the weights and preprocessing, so
    that the export of one never stands in for another. streams: a call runs on one core, so that as many calls as
    there are cores run side by side, which is more a second; otherwise a call has all cores, and answers sooner.
    trial: inputs on which bf16 is compared with f32, and is not used where it turns the vectors too far; of images
    they need not be given, and of texts there is no comparison without.
    """
    if runtime == "torch":
        return _torch_tower(build(), precision)
    points = precision if precision != "int8" else "bf16" if has_bf16() else "f32"  # of numbers with a point
    if precision == "int8" and example.dtype == np.uint8:  # images; a text tower is small work, and reads in half
        from training.models.quantisation import quantized

        path = exported(build, example, key, free, "f32")
        with exporting:
            whole = partial(load_export, precision="f32", streams=streams)
            path = quantized(library(), core(), path, example.shape[1], whole)
    else:
        path = exported(build, example, key, free, points)
        if example.dtype == np.uint8:
            trial = partial(trial_images, example.shape[1])
        if points == "bf16" and trial and not keeps_direction(path, partial(load_export, path, streams=False), trial):
            path, points = exported(build, example, key, free, "f32"), "f32"
    return load_export(path, points, streams=streams, keep=True)


def image_module(tower: "torch.nn.Module", mean: Sequence[float], std: Sequence[float]) -> "torch.nn.Module":
    """tower with what comes before it in the graph: uint8 [N, S, S, 3] RGB to normalised float [N, 3, S, S]."""
    import torch

    class Pixels(torch.nn.Module):
        scale: torch.Tensor
        shift: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.tower = tower
            self.register_buffer("scale", 1 / (255 * torch.tensor(std)).view(1, 3, 1, 1))
            self.register_buffer("shift", (-torch.tensor(mean) / torch.tensor(std)).view(1, 3, 1, 1))

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.tower(pixels.permute(0, 3, 1, 2).to(torch.float32) * self.scale + self.shift)

    return Pixels().eval()


def _torch_tower(module: "torch.nn.Module", precision: str) -> Tower:
    import torch

    device = _gpu() or "cpu"
    module = module.eval().to(device).to(memory_format=torch.channels_last)
    dtype = {"bf16": torch.bfloat16, "f16": torch.float16}.get(precision)

    def run(batch: NDArray[Any]) -> NDArray[np.float32]:
        half = torch.autocast(device, dtype) if dtype else contextlib.nullcontext()
        with torch.inference_mode(), half:
            return module(torch.from_numpy(batch).to(device)).float().cpu().numpy()

    return run


def _gpu() -> str | None:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


def _gpu_at_hand() -> bool:
    """Whether PyTorch would find a GPU, without importing it where there clearly is none."""
    import platform

    devices = Path("/dev/nvidia0").exists() or Path("/dev/kfd").exists()
    return (devices or platform.system() != "Linux") and _gpu() is not None
