"""The images of a lesson: a person's own, completed by generated scenes, as PIL images, tensors and batches."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from training.data.batch import Batch
from training.data.keyed import Keyed
from training.data.scenes.source import scene

SIDE = 224  # pixels of a generated image


def completed(photos: Sequence[Image.Image], count: int, side: int = SIDE) -> list[Image.Image]:
    """The photos, with generated scenes after them so that there are count."""
    missing = range(max(0, count - len(photos)))
    return [*photos[:count], *(Image.fromarray(scene(0, i, pixels=side).image) for i in missing)]


def batch_of(photos: Sequence[Image.Image], canvas: int, seed: int = 0) -> Batch:
    """The images as the loader hands them over: whole images, resized to the canvas."""
    pixels = [np.asarray(photo.convert("RGB").resize((canvas, canvas), Image.Resampling.BICUBIC)) for photo in photos]
    return Batch(
        images=torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(),
        captions=[[] for _ in photos],
        labels=torch.full((len(photos),), -1),
        random=Keyed(seed, 0, np.arange(len(photos))),
        aspects=torch.tensor([photo.width / photo.height for photo in photos]),
    )


def scene_images(count: int, side: int) -> Tensor:
    """Generated scenes as uint8 [count, 3, side, side], for tiny runs."""
    pixels = np.stack([scene(0, i, pixels=side).image for i in range(count)])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def shown(image: Tensor, mean: Sequence[float] = (0.0,) * 3, std: Sequence[float] = (1.0,) * 3) -> Image.Image:
    """A tensor [3, S, S] that was normalised with mean and std, as an image."""
    back = image.detach().float() * torch.tensor(std)[:, None, None] + torch.tensor(mean)[:, None, None]
    return Image.fromarray((back.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())
