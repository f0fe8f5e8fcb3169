"""From steps of a run to what a method's loss takes; the same for any number of workers."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from training.data.batch import Augment, Batch
from training.data.dataset import ImageDataset
from training.data.gpu_jpeg import joined
from training.data.keyed import GOLDEN, Keyed, mix
from training.data.prefetch import Prefetch
from training.data.sampler import Sampler
from training.data.workers import from_workers
from training.models.parallel import ordered_map


@dataclass(frozen=True)
class LoadedBatch:
    """arguments: of a method's loss, or the Batch that they are made of where its images are to be augmented.

    broken: [path, reason] of each image that another stands in for.
    """

    arguments: tuple[Any, ...] | Batch
    broken: list[list[str]]

    def pin_memory(self) -> "LoadedBatch":
        """The same in memory that a GPU can copy from in the background; PyTorch's data loader calls it."""
        if isinstance(self.arguments, Batch):
            return replace(self, arguments=self.arguments.pin_memory())
        return replace(self, arguments=tuple(each(self.arguments, Tensor.pin_memory)))


def each(arguments: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The arguments of a loss, with each tensor changed, also inside tuples and lists."""
    if isinstance(arguments, Tensor):
        return change(arguments)
    if isinstance(arguments, tuple | list):
        return type(arguments)(each(part, change) for part in arguments)
    return arguments


def bytes_of(arguments: Any) -> int:
    """Bytes of the images of a batch, or of all tensors of the arguments of a loss."""
    if isinstance(arguments, Batch):
        return arguments.images.nbytes
    if isinstance(arguments, Tensor):
        return arguments.nbytes
    return sum(map(bytes_of, arguments)) if isinstance(arguments, tuple | list) else 0


class Batches(Dataset[Any]):
    """Batch number s of one rank, made from nothing but s: a worker can make any of them.

    augmented: whether images are augmented here, on the CPU, or left to who takes the batch.
    """

    def __init__(
        self,
        images: ImageDataset,
        sampler: Sampler,
        augment: Augment,
        seed: int,
        rank: int = 0,
        ranks: int = 1,
        augmented: bool = True,
    ):
        self.images, self.sampler, self.augment = images, sampler, augment
        self.seed, self.rank, self.ranks, self.augmented = seed, rank, ranks, augmented

    def __getitem__(self, step: int) -> LoadedBatch:
        draw = self.sampler.batch(step, self.rank, self.ranks)
        samples = draw.samples.copy()
        self.images.read_ahead(samples)
        pixels = np.empty((len(samples), 3, self.images.canvas, self.images.canvas), np.uint8)
        aspects, decoded, jpegs = np.empty(len(samples), np.float32), 0, list[bytes]()
        broken: list[list[str]] = []
        for i, sample in enumerate(samples):
            instead = partial(self._stand_in, int(sample), int(draw.epochs[i]))
            samples[i], whole, of_this = self.images.readable(int(sample), instead)
            aspects[i] = whole.aspect
            jpegs.append(whole.jpeg)
            if not whole.jpeg:
                pixels[decoded] = whole.pixels
                decoded += 1
            broken += of_this
        batch = Batch(
            torch.from_numpy(pixels[:decoded]),
            [self.images.captions(int(sample)) for sample in samples],
            torch.from_numpy(self.images.labels[samples]),
            Keyed(self.seed, draw.epochs, samples),
            torch.from_numpy(aspects),
            jpegs=joined(jpegs) if decoded < len(samples) else None,
        )
        return LoadedBatch(self._loaded(batch), broken)

    def _loaded(self, batch: Batch) -> tuple[Any, ...] | Batch:
        prepared = self.augment.prepare(batch)
        return self.arguments(prepared) if self.augmented else prepared

    def arguments(self, prepared: Batch) -> tuple[Any, ...]:
        """The arguments of the loss for a batch that was not augmented here, on the device of its images."""
        return self.augment(prepared)

    def bytes_each(self) -> int:
        """Bytes of a batch of this rank as it is loaded, estimated from two blank images."""
        canvas = self.images.canvas
        pixels, labels = torch.zeros(2, 3, canvas, canvas, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64)
        captions, first = [self.images.captions(0)] * 2, Keyed(0, 0, np.zeros(2, np.int64))
        loaded = self._loaded(Batch(pixels, captions, labels, first, torch.ones(2)))
        return bytes_of(loaded) * (self.sampler.batch_size // self.ranks) // len(pixels)

    def _stand_in(self, sample: int, epoch: int, attempt: int) -> int:
        """Another image of the same source, the same in every worker and every run."""
        source = int(np.searchsorted(self.images.first, sample, side="right")) - 1
        with np.errstate(over="ignore"):
            key = np.array([self.seed % 2**64, epoch, sample, attempt], np.uint64)
            drawn = int(mix((mix(key * GOLDEN) + np.arange(4, dtype=np.uint64)).sum(keepdims=True))[0])
        return int(self.images.first[source]) + drawn % self.images.sizes[source]

    def steps(self, start: int, stop: int, prefetch: Prefetch) -> Generator[LoadedBatch, None, None]:
        """Batches start..stop-1 in order; close it to end the workers. Errors are those of from_workers."""
        steps = range(start, stop)
        if not prefetch.workers:
            yield from (self[step] for step in steps)
        elif prefetch.threads:
            with ThreadPoolExecutor(prefetch.workers, "batches") as pool:
                made = ordered_map(self.__getitem__, steps, pool, prefetch.workers * prefetch.ahead)
                with closing(made):
                    yield from made
        else:
            yield from from_workers(self, steps, prefetch.workers, prefetch.ahead, prefetch.pinned)
