"""What a run makes of its machine: device, precision and workers, set up and said."""

import torch

from training.data.prefetch import Prefetch
from training.engine.config import RunConfig
from training.engine.distributed import World


def set_up_products(device: torch.device, config: RunConfig) -> None:
    """Choose how an NVIDIA GPU multiplies f32 matrices and convolves f32 images. Other devices stay as they are."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high" if config.tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = config.tf32


def described(world: World, config: RunConfig, prefetch: Prefetch, jpegs_on_gpu: bool = False) -> str:
    """The first line of a run's log: where and in which precision it trains, and who prepares its batches.

    jpegs_on_gpu: whether the GPU decodes JPEGs.
    """
    on_gpu = world.device.type == "cuda"
    name = torch.cuda.get_device_name(world.device) if on_gpu else world.device.type.upper()
    where = name if world.size == 1 else f"{world.size} ranks, each on {name}"
    rest = " and TF32" if on_gpu and config.tf32 else ""
    parts = [f"Training on {where} in {config.precision}{rest}"]
    if prefetch.workers:
        kind = f"{'thread' if prefetch.threads else 'worker'}{'s' * (prefetch.workers > 1)}"
        each = " of each rank" if world.size > 1 else ""
        parts.append(f"{prefetch.workers} {kind}{each}, {prefetch.ahead} batches ahead")
    if config.augment_on == "device":
        parts.append(f"images are {'decoded and ' if jpegs_on_gpu else ''}augmented on the device")
    if config.decode_on == "device" and not jpegs_on_gpu:
        parts.append("JPEGs are decoded on the CPU: nvJPEG needs an NVIDIA GPU, --augment-on device and --cache 0")
    return ". ".join(filter(None, ["; ".join(parts), prefetch.note]))
