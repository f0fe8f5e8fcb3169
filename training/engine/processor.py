"""What a processor needs to train fast and other devices do not; nothing here changes what is learned."""

import contextlib
import ctypes
import sys

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

KEEP = 1 << 30  # bytes: blocks up to this size, and this much of freed memory, stay with the process
MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # of glibc's mallopt


def keep_freed_memory() -> None:
    """Have glibc keep what is freed: activations come and go every step, and a page taken anew is zeroed first.

    Saved a tenth of a step of the tiny towers. Elsewhere than on Linux with glibc nothing happens.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(MMAP_THRESHOLD, KEEP)
            mallopt(TRIM_THRESHOLD, KEEP)


def attention(device: str, dtype: torch.dtype | None) -> contextlib.AbstractContextManager[object]:
    """How attention is computed in a step, backward pass included, since that may compute activations again.

    On a processor PyTorch's fused one takes up to ten times as long backwards in half precision as its plain one.
    """
    return sdpa_kernel(SDPBackend.MATH) if device == "cpu" and dtype else contextlib.nullcontext()
