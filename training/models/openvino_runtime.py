"""Towers run by OpenVINO on a processor: exported once, kept by their key, loaded without torch.

Later processes run an export without importing torch, timm, transformers or open_clip. Importing this module loads
none of them either, and the first process need not: `export_apart` lets another one export, whose memory ends with it.
"""

import hashlib
import json
import mmap
import os
import platform
import shutil
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.models.atomic import replace_file, temporary_name, write_file
from training.models.cache import cache_dir
from training.models.errors import UserError
from training.models.parallel import cores

if TYPE_CHECKING:
    import openvino
    import torch

Tower = Callable[[NDArray[Any]], NDArray[np.float32]]  # [N, ...] to [N, width]; may be called from any thread

COMPILED = ".compiled"
MOST_KEPT = 200e6  # bytes of an export, up to which it is stored compiled too: that takes as much disk again

exporting = threading.Lock()  # two conversions at once trace into each other's graphs


def is_exported(key: str, precision: str) -> bool:
    """Whether the tower of that key can run without its module; int8: of images."""
    whole = export_path(key, precision)
    needed = [whole, whole.with_suffix(".bin")]
    if precision == "int8":
        needed = [whole.with_name(f"{whole.stem}-int8{ending}") for ending in (".xml", ".bin", ".json")]
    return all(path.is_file() for path in needed)


def export_path(key: str, precision: str) -> Path:
    """Where an export lies. For bf16 its weights are of 16 bits, which halves what a process reads and holds."""
    return cache_dir("openvino", library().__version__.partition("-")[0]) / (
        f"{key}-half.xml" if precision == "bf16" else f"{key}.xml"
    )


def export_apart(module: str, *arguments: str) -> None:
    """Let another process export, by `python -m module`, unless this one has torch in its memory already.

    module: ends with 1 and prints why if it cannot, which becomes a UserError; does not call this function itself.
    What it dies of otherwise is met again, and said, where the caller exports for itself. It ends with this process,
    if it calls end_with_parent.
    """
    if "torch" in sys.modules:
        return
    root = str(Path(__file__).parent.parent.parent)
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", module, *arguments]
    pipe, environment = subprocess.PIPE, os.environ | {"PYTHONPATH": paths}
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read().strip()
        code = process.wait()  # before stdin is closed, which would end it
    if code == 1 and said:
        raise UserError(said.splitlines()[-1])
    if code < 0:
        raise UserError(f"The process that exports {arguments[0]} was killed by signal {-code}; is memory short?")


def exported(
    build: Callable[[], "torch.nn.Module"], example: NDArray[Any], key: str, free: Sequence[int], precision: str
) -> Path:
    """The tower as an OpenVINO file, made the first time it is asked for."""
    path = export_path(key, precision)
    with exporting:
        if not (path.is_file() and path.with_suffix(".bin").is_file()):
            _export(library(), build, example, path, free, half=precision == "bf16")
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
        replace_file(temporary.with_suffix(".bin"), path.with_suffix(".bin"))
        replace_file(temporary, path)  # the graph last: it is what says that the export is whole
    except (OSError, RuntimeError) as error:  # what OpenVINO says of a full disk is "basic_ios::clear"
        free = shutil.disk_usage(path.parent).free / 1e6
        raise UserError(
            f"The exported encoder cannot be written to {path.parent}, whose disk has {free:,.0f} MB free; make room, "
            f"or set GELATO_CACHE to a folder on another disk."
        ) from error
    finally:
        temporary.with_suffix(".bin").unlink(missing_ok=True)
        temporary.unlink(missing_ok=True)


@cache
def library() -> ModuleType:
    """The library without its telemetry, which reports every export to its makers unless told not to.

    It is a package of its own, and without it OpenVINO keeps silent.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # as if it were not installed
    import openvino

    return openvino


@cache
def core() -> "openvino.Core":
    return library().Core()


def load_export(path: Path, precision: str, streams: bool, keep: bool = False) -> Tower:
    """The tower of an export. streams: as for `load_tower`. keep: store what is compiled, for the next process."""
    properties = library().properties
    hint = properties.hint
    settings: dict[str, Any] = {hint.inference_precision(): precision}
    if streams:
        settings |= {properties.num_streams(): cores(), properties.inference_num_threads(): cores()}
        settings[hint.enable_cpu_pinning()] = False  # others use this machine too
    else:
        settings |= {hint.performance_mode(): hint.PerformanceMode.LATENCY}
    stored = path.with_name(f"{path.stem}-{precision}{'-streams' * streams}-{processor()}{COMPILED}")
    blob = _stored(stored, path) if keep else None
    compiled = _compiled(path, settings, stored if keep else None, blob)
    kind = compiled.input(0).element_type
    mine = threading.local()  # a request holds one batch, so each thread has its own

    def run(batch: NDArray[Any]) -> NDArray[np.float32]:
        # Filled by hand: what `infer(array)` does by itself can wait for ever when two threads do it at once.
        if getattr(mine, "shape", None) != batch.shape:
            if not hasattr(mine, "shape"):
                mine.request = compiled.create_infer_request()
            mine.request.set_input_tensor(library().Tensor(kind, batch.shape))
            mine.shape = batch.shape
        mine.request.get_input_tensor().data[:] = batch
        mine.request.start_async()
        mine.request.wait()
        return np.array(mine.request.get_output_tensor().data, np.float32)

    run.blob = blob  # type: ignore[attr-defined]  # it has to live as long as the tower, whose weights lie in it
    return run


def _stored(path: Path, export: Path) -> mmap.mmap | None:
    """A stored tower as it was compiled, mapped; None where there is none, or it is of an earlier export."""
    with suppress(OSError, ValueError):  # an empty file is the latter
        if path.stat().st_mtime_ns >= export.stat().st_mtime_ns:
            with path.open("rb") as file:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # OpenVINO takes no array to read only
    return None


def _compiled(
    export: Path, settings: dict[str, Any], stored: Path | None, blob: mmap.mmap | None
) -> "openvino.CompiledModel":
    """The tower, compiled for this processor. blob: from an earlier time, which saves two thirds of the work."""
    if blob is not None:
        with suppress(RuntimeError):  # it is damaged, or of another OpenVINO
            weights = library().Tensor(np.frombuffer(blob, np.uint8), shared_memory=True)
            return core().import_model(weights, "CPU", settings)
    compiled = core().compile_model(str(export), "CPU", settings)
    if stored is not None and export.with_suffix(".bin").stat().st_size <= MOST_KEPT:
        with suppress(OSError):  # a full disk, say: it is compiled again then
            write_file(stored, compiled.export_model().getvalue())
    return compiled


def has_bf16() -> bool:
    """Whether the processor computes in bf16 itself; elsewhere it is slower than f32, not faster.

    The answer is cached, so that a command whose texts are all embedded already need not load OpenVINO.
    """
    file: Path | None = None
    with suppress(OSError, ValueError, KeyError, TypeError):
        file = cache_dir("processors") / f"{processor()}.json"
        return bool(json.loads(file.read_bytes())["bf16"])
    found = "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if file is not None:
        with suppress(OSError):
            write_file(file, json.dumps({"bf16": found}).encode())
    return found


@cache
def processor() -> str:
    """A hash of the processor's model and features, and of the version of OpenVINO, which decides what they can do."""
    facts = [version("openvino"), platform.machine(), platform.processor()]
    with suppress(OSError):  # Linux names its processors here
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        facts += [next((line for line in lines if line.startswith(key)), "") for key in ("model name", "flags")]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
