"""Running a tower fast: OpenVINO on a processor, PyTorch on a GPU and where nothing else is.

A tower is exported to OpenVINO once and kept by its key; later processes run it without importing
torch, timm, transformers or open_clip. Importing this module loads none of them either, and the first
process need not: `apart` lets another one export, whose memory ends with it.
"""

import contextlib
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.models.atomic import temporary_name
from training.models.cache import cache_dir
from training.models.errors import UserError
from training.models.parallel import cores
from training.models.registry import pick

if TYPE_CHECKING:
    import openvino
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


_exporting = threading.Lock()  # two conversions at once trace into each other's graphs

Tower = Callable[[NDArray[Any]], NDArray[np.float32]]  # [N, ...] to [N, width]; may be called from any thread


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
        half = gpu is not None or (runtime == "openvino" and _processor_has_bf16())
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
) -> Tower:
    """A tower that runs.

    build: makes the module, called only if it is not exported yet. example: a batch of one of what it
    takes; later batches may have any size along the axes in free. key: names the weights and preprocessing, so
    that the export of one never stands in for another. streams: a call runs on one core, so that as many calls as
    there are cores run side by side, which is more a second; otherwise a call has all cores, and answers sooner.
    """
    if runtime == "torch":
        return _torch_tower(build(), precision)
    points = precision if precision != "int8" else "bf16" if _processor_has_bf16() else "f32"  # of numbers with a point
    if precision == "int8" and example.dtype == np.uint8:  # images; a text tower is small work, and reads in half
        from training.models.quantisation import quantized

        path = _exported(build, example, key, free, "f32")
        with _exporting:
            whole = partial(_openvino_tower, precision="f32", streams=streams)
            path = quantized(_openvino(), _core(), path, example.shape[1], whole)
    else:
        path = _exported(build, example, key, free, points)
    return _openvino_tower(path, points, streams)


def is_exported(key: str, precision: str) -> bool:
    """Whether the tower of that key can run without its module; int8: of images."""
    whole = export_path(key, precision)
    needed = [whole, whole.with_suffix(".bin")]
    if precision == "int8":
        needed = [whole.with_name(f"{whole.stem}-int8{ending}") for ending in (".xml", ".bin", ".json")]
    return all(path.is_file() for path in needed)


def export_path(key: str, precision: str) -> Path:
    """Where an export lies. For bf16 its weights are of 16 bits, which halves what a process reads and holds."""
    return cache_dir("openvino", _openvino().__version__.partition("-")[0]) / (
        f"{key}-half.xml" if precision == "bf16" else f"{key}.xml"
    )


def apart(module: str, *arguments: str) -> None:
    """Let another process export, by `python -m module`, unless this one has torch in its memory already.

    module: ends with 1 and prints why if it cannot, which becomes a UserError; does not call this function itself.
    What it dies of otherwise is met again, and said, where the caller exports for itself.
    """
    if "torch" in sys.modules:
        return
    root = str(Path(__file__).parent.parent.parent)
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True)
    if done.returncode == 1 and done.stdout.strip():
        raise UserError(done.stdout.strip().splitlines()[-1])
    if done.returncode < 0:
        raise UserError(
            f"The process that exports {arguments[0]} was killed by signal {-done.returncode}; is memory short?"
        )


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


def _exported(
    build: Callable[[], "torch.nn.Module"], example: NDArray[Any], key: str, free: Sequence[int], precision: str
) -> Path:
    """The tower as an OpenVINO file, made the first time it is asked for."""
    path = export_path(key, precision)
    with _exporting:
        if not (path.is_file() and path.with_suffix(".bin").is_file()):
            _export(_openvino(), build, example, path, free, half=precision == "bf16")
    return path


def _export(
    openvino: ModuleType,
    build: Callable[[], "torch.nn.Module"],
    example: NDArray[Any],
    path: Path,
    free: Sequence[int],
    half: bool,
) -> None:
    import torch

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the conversion traces, which PyTorch calls deprecated
        model = openvino.convert_model(build().eval(), example_input=torch.from_numpy(example))
    model.reshape([-1 if axis in free else size for axis, size in enumerate(example.shape)])
    save_model(openvino, model, path, half)


def save_model(openvino: ModuleType, model: "openvino.Model", path: Path, half: bool) -> None:
    """Write an OpenVINO model to path (.xml) and its weights beside it (.bin), whole or not at all."""
    temporary = temporary_name(path, ".xml")
    try:
        openvino.save_model(model, temporary, compress_to_fp16=half)
        os.replace(temporary.with_suffix(".bin"), path.with_suffix(".bin"))
        os.replace(temporary, path)  # the graph last: it is what says that the export is whole
    finally:
        temporary.with_suffix(".bin").unlink(missing_ok=True)
        temporary.unlink(missing_ok=True)


@cache
def _openvino() -> ModuleType:
    """The library without its telemetry, which reports every export to its makers unless told not to.

    It is a package of its own, and without it OpenVINO keeps silent.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # as if it were not installed
    import openvino

    return openvino


@cache
def _core() -> "openvino.Core":
    return _openvino().Core()


def _openvino_tower(path: Path, precision: str, streams: bool) -> Tower:
    properties = _openvino().properties
    hint = properties.hint
    settings: dict[str, Any] = {hint.inference_precision(): precision}
    if streams:
        settings |= {properties.num_streams(): cores(), properties.inference_num_threads(): cores()}
        settings[hint.enable_cpu_pinning()] = False  # others use this machine too
    else:
        settings |= {hint.performance_mode(): hint.PerformanceMode.LATENCY}
    compiled = _core().compile_model(str(path), "CPU", settings)
    kind = compiled.input(0).element_type
    mine = threading.local()  # a request holds one batch, so each thread has its own

    def run(batch: NDArray[Any]) -> NDArray[np.float32]:
        # Filled by hand: what `infer(array)` does by itself can wait for ever when two threads do it at once.
        if getattr(mine, "shape", None) != batch.shape:
            if not hasattr(mine, "shape"):
                mine.request = compiled.create_infer_request()
            mine.request.set_input_tensor(_openvino().Tensor(kind, batch.shape))
            mine.shape = batch.shape
        mine.request.get_input_tensor().data[:] = batch
        mine.request.start_async()
        mine.request.wait()
        return np.array(mine.request.get_output_tensor().data, np.float32)

    return run


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


def _processor_has_bf16() -> bool:
    """Whether the processor computes in bf16 itself; elsewhere it is slower than f32, not faster."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
