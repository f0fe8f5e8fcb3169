"""How much memory a run takes."""

import torch

from training.models.memory import peak_memory_bytes


def peak_memory(device: torch.device) -> int:
    """Peak memory in bytes: of the GPU on CUDA, else of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    return peak_memory_bytes()
