"""How much memory a run takes."""

import resource
import sys

import torch


def peak_memory(device: torch.device) -> int:
    """Peak memory in bytes: of the GPU on CUDA, else of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kilobytes, except on macOS
