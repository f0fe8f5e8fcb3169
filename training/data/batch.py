"""What the loader hands to a method's augment."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from training.data.gpu_jpeg import cut, on_canvas
from training.data.keyed import Keyed


@dataclass(frozen=True)
class Batch:
    """B samples as the loader hands them over, all at one size.

    images: uint8 [B, 3, S, S], on any device, each a whole image that was resized to a square, the canvas. captions: B
    lists, each with the captions that a sample has. labels: int64 [B], -1 where there is none. random: the samples' own
    random numbers, which are drawn on the CPU. aspects: float32 [B] on the CPU, width over height of the originals.
    texts: what `Augment.prepare` made of the captions, () before it. jpegs: the files of images that the device is to
    decode, and the length of each [B], 0 for those that are decoded; these alone are in images then.
    """

    images: Tensor
    captions: list[list[str]]
    labels: Tensor
    random: Keyed
    aspects: Tensor
    texts: tuple[Tensor, ...] = ()
    jpegs: tuple[Tensor, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.captions)

    def pin_memory(self) -> "Batch":
        """The same in memory that a GPU can copy from in the background; PyTorch's data loader calls it."""
        pinned = tuple(tensor.pin_memory() for tensor in self.texts)
        return replace(self, images=self.images.pin_memory(), labels=self.labels.pin_memory(), texts=pinned)

    def to(self, device: torch.device) -> "Batch":
        """The same with the images on a device, all decoded."""
        images = moved(self.images, device)
        if self.jpegs is not None:
            held, lengths = self.jpegs
            decoded = on_canvas(cut(held, lengths), images.shape[-1], device)
            own, theirs = (lengths == 0).nonzero()[:, 0], lengths.nonzero()[:, 0]
            images = torch.cat([images, decoded])[moved(torch.cat([own, theirs]).argsort(), device)]
        return replace(self, images=images, jpegs=None)


class Augment(ABC):
    """Turns a batch into the arguments of a loss, on the device that the images of the batch are on.

    Both steps draw from `batch.random` only, so that a sample is augmented alike in any batch, worker or rank. What is
    chosen by random numbers is chosen on the CPU, where they are: nothing waits for a GPU. It can be pickled and holds
    no parameters.
    """

    def prepare(self, batch: Batch) -> Batch:
        """What needs no images, such as tokens, done in a loader worker."""
        return batch

    @abstractmethod
    def __call__(self, batch: Batch) -> tuple[Any, ...]:
        """The arguments of the loss; the batch need not be prepared."""


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device, without waiting for the copy."""
    return tensor.to(device, non_blocking=True)
