"""Settings that speed up training on a CPU; they do not change results."""

import contextlib
import ctypes
import sys

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

KEEP = 1 << 30  # bytes: blocks up to this size, and this much freed memory, are not returned to the system
MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # of glibc's mallopt


def keep_freed_memory() -> None:
    """Make glibc keep freed memory: activations are allocated every step, and the kernel zeroes each new page.

    This saved a tenth of a step with the tiny towers. It does nothing except on Linux with glibc.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(MMAP_THRESHOLD, KEEP)
            mallopt(TRIM_THRESHOLD, KEEP)


def attention(device: str, dtype: torch.dtype | None) -> contextlib.AbstractContextManager[object]:
    """The attention implementation of a step, backward pass included, since that may recompute activations.

    On a CPU in half precision, the backward pass of PyTorch's fused attention takes up to ten times as long as
    that of its plain one.
    """
    return sdpa_kernel(SDPBackend.MATH) if device == "cpu" and dtype else contextlib.nullcontext()
