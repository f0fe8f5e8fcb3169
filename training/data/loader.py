"""From steps of a run to what a method's loss takes; the same for any number of workers."""

import signal
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from training.data.batch import Augment, Batch
from training.data.dataset import ImageDataset
from training.data.keyed import GOLDEN, Keyed, mix
from training.data.sampler import Sampler

PREFETCHED = 4  # batches that each worker prepares in advance


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

    def steps(self, start: int, stop: int, workers: int) -> Iterator[LoadedBatch]:
        """Batches start..stop-1 in order. workers: processes that prepare them, 0 for this one."""
        if workers == 0:
            yield from (self[step] for step in range(start, stop))
            return
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This DataLoader will create")  # as many as were asked for
            loader = iter(
                DataLoader(
                    self,
                    batch_size=None,
                    sampler=range(start, stop),
                    num_workers=workers,
                    prefetch_factor=PREFETCHED,
                    worker_init_fn=_ignore_signals,
                )
            )
        yield from loader


def _ignore_signals(worker: int) -> None:
    """Ctrl-C and a scheduler's SIGTERM reach workers too, and the trainer needs them for its last step."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
