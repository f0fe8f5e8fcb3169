"""Batches on their way to the device: copied and augmented there while the step before them still runs."""

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import torch
from torch import Tensor

from training.data.batch import Batch
from training.data.loader import LoadedBatch, each


class Feed:
    """The arguments of a method's loss on the device, batch by batch.

    loaded: from the data loader, by pinned memory where there is a GPU. augment: Batches.arguments, for batches
    whose images come as they were decoded. channels_last: the memory format of images. On a GPU copies and
    augmentation run on a stream of their own. waited: seconds spent waiting for the data loader so far.
    """

    def __init__(
        self,
        loaded: Generator[LoadedBatch, None, None],
        augment: Callable[[Batch], tuple[Any, ...]],
        device: torch.device,
        channels_last: bool,
    ):
        self.loaded, self.augment, self.device, self.channels_last = loaded, augment, device, channels_last
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self.waited = 0.0

    def __iter__(self) -> Iterator[tuple[tuple[Any, ...], list[list[str]]]]:
        return self

    def __next__(self) -> tuple[tuple[Any, ...], list[list[str]]]:
        """The arguments of the next batch, and [path, reason] of each image in it that cannot be read."""
        before = time.perf_counter()
        batch = next(self.loaded)
        self.waited += time.perf_counter() - before
        if self.stream is None:
            return self._placed(batch.arguments), batch.broken
        with torch.cuda.stream(self.stream):
            arguments = self._placed(batch.arguments)
        current = torch.cuda.current_stream(self.device)
        current.wait_stream(self.stream)

        def used_here(tensor: Tensor) -> Tensor:  # so that its memory is not given away before the step has used it
            tensor.record_stream(current)
            return tensor

        return each(arguments, used_here), batch.broken

    def close(self) -> None:
        """End the data loader's workers."""
        self.loaded.close()

    def _placed(self, arguments: tuple[Any, ...] | Batch) -> tuple[Any, ...]:
        if isinstance(arguments, Batch):
            with whole_f32(self.device):
                arguments = self.augment(arguments.to(self.device))
        return tuple(each(arguments, self._on_device))

    def _on_device(self, tensor: Tensor) -> Tensor:
        layout = torch.channels_last if tensor.ndim == 4 and self.channels_last else torch.preserve_format
        return tensor.to(self.device, non_blocking=True, memory_format=layout)


@contextlib.contextmanager
def whole_f32(device: torch.device) -> Iterator[None]:
    """Within the `with`, products of f32 matrices on a GPU are not rounded to TF32: they resize images."""
    if device.type != "cuda":
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
