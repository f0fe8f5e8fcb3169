"""From steps of a run to what a method's loss takes; the same for any number of workers."""

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from training.data.batch import Augment, Batch
from training.data.dataset import ImageDataset
from training.data.keyed import GOLDEN, Keyed, mix
from training.data.sampler import Sampler
from training.data.workers import from_workers


@dataclass(frozen=True)
class LoadedBatch:
    """arguments: of a method's loss. broken: [path, reason] of each image that another stands in for."""

    arguments: tuple[Any, ...]
    broken: list[list[str]]


class Batches(Dataset[Any]):
    """Batch number s of one rank, made from nothing but s: a worker can make any of them."""

    def __init__(
        self, images: ImageDataset, sampler: Sampler, augment: Augment, seed: int, rank: int = 0, ranks: int = 1
    ):
        self.images, self.sampler, self.augment = images, sampler, augment
        self.seed, self.rank, self.ranks = seed, rank, ranks

    def __getitem__(self, step: int) -> LoadedBatch:
        draw = self.sampler.batch(step, self.rank, self.ranks)
        samples = draw.samples.copy()
        self.images.read_ahead(samples)
        pixels = np.empty((len(samples), 3, self.images.canvas, self.images.canvas), np.uint8)
        broken: list[list[str]] = []
        for i, sample in enumerate(samples):
            instead = partial(self._stand_in, int(sample), int(draw.epochs[i]))
            samples[i], pixels[i], of_this = self.images.readable(int(sample), instead)
            broken += of_this
        batch = Batch(
            torch.from_numpy(pixels),
            [self.images.captions(int(sample)) for sample in samples],
            torch.from_numpy(self.images.labels[samples]),
            Keyed(self.seed, draw.epochs, samples),
        )
        return LoadedBatch(self.augment(batch), broken)

    def _stand_in(self, sample: int, epoch: int, attempt: int) -> int:
        """Another image of the same source, the same in every worker and every run."""
        source = int(np.searchsorted(self.images.first, sample, side="right")) - 1
        with np.errstate(over="ignore"):
            key = np.array([self.seed % 2**64, epoch, sample, attempt], np.uint64)
            drawn = int(mix((mix(key * GOLDEN) + np.arange(4, dtype=np.uint64)).sum(keepdims=True))[0])
        return int(self.images.first[source]) + drawn % self.images.sizes[source]

    def steps(self, start: int, stop: int, workers: int) -> Generator[LoadedBatch, None, None]:
        """Batches start..stop-1 in order; close it to end the workers. workers: processes, 0 for this one.

        Errors are those of from_workers.
        """
        if workers == 0:
            yield from (self[step] for step in range(start, stop))
            return
        yield from from_workers(self, range(start, stop), workers)
