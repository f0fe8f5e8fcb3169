"""Small convolutional networks trained with image-only methods, for claims: at 32 pixels, and at 64."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from training.claims.small_clip import SIDE, images_of, scenes, train
from training.data.dataset import ImageDataset
from training.evaluation.linear import linear_accuracy
from training.methods import METHODS
from training.models.backbone import Backbone
from training.models.small_networks import PlainCNN

SSL_STEPS, SSL_BATCH, SSL_SCENES = 200, 64, 2000
CLEAR_SIDE, CLEAR_STEPS, CLEAR_SCENES, HELD = 64, 300, 4000, 2000
ALONE = {"least": 1, "most": 1, "copies": 0}


def ssl_run(seed: int, quick: bool, name: str, settings: Mapping[str, Any] | None = None) -> dict[str, float]:
    """Train a small network at 32 pixels with an image-only method.

    Returns the method's report of its last batch, and the accuracy of linear probes on features (h) and projections
    (z).
    """
    torch.manual_seed(seed)
    backbone = Backbone(PlainCNN((16, 32, 64)), 64, SIDE)
    method_class = METHODS[name]
    method: Any = method_class(backbone, method_class.Config(**(settings or {})))
    images = images_of(scenes(SSL_SCENES, seed, ALONE), captions=False)
    train(method, name, images, seed, 20 if quick else SSL_STEPS, SSL_BATCH, 1e-3, adamw=True)
    measured = dict(method.report())
    method.eval()
    pixels = _tensor(images, 1000)
    with torch.no_grad():
        h = torch.cat([method.backbone(part) for part in pixels.split(250)])
        z = method.projector(h) if hasattr(method, "projector") else None
    labels = images.labels[:1000]
    colours = [str(item.metadata["colour"]) for item in map(images.item, range(min(1000, len(images))))]
    tints = np.unique(colours, return_inverse=True)[1]
    for what, rows in {"h": h, "z": z}.items():
        if rows is not None:
            measured |= {
                f"{what}: {attribute}": linear_accuracy(rows[:600], values[:600], rows[600:], values[600:])
                for attribute, values in {"shape": labels, "colour": tints}.items()
            }
    if z is not None:
        units = nn.functional.normalize(z, dim=1)
        measured["z spread"] = float(units.std(dim=0).mean()) * float(np.sqrt(units.shape[1]))
    return measured


def clear_run(seed: int, quick: bool, name: str, settings: Mapping[str, Any] | None = None) -> dict[str, float]:
    """Train a small network at 64 pixels, where shapes can be distinguished, with one more layer than `ssl_run`.

    Linear probes are trained on half of a separate set of scenes, and tested on the other half.
    """
    torch.manual_seed(seed)
    backbone = Backbone(PlainCNN((16, 32, 64, 64)), 64, CLEAR_SIDE)
    method_class = METHODS[name]
    method: Any = method_class(backbone, method_class.Config(**(settings or {})))
    at_64 = ALONE | {"pixels": CLEAR_SIDE}
    images = images_of(scenes(500 if quick else CLEAR_SCENES, seed, at_64), False, CLEAR_SIDE)
    train(method, name, images, seed, 20 if quick else CLEAR_STEPS, SSL_BATCH, 1e-3, adamw=True)
    method.eval()
    count = 400 if quick else HELD
    held = images_of(scenes(count, seed, at_64, "iid"), False, CLEAR_SIDE)
    pixels, half = _tensor(held, count), count // 2
    with torch.no_grad():
        h = torch.cat([method.backbone(part) for part in pixels.split(250)])
        rows_of = {"h": h} | ({"z": method.projector(h)} if hasattr(method, "projector") else {})
    measured = dict(method.report())
    for attribute in ("shape", "colour", "size"):
        names = [str(held.item(number).metadata[attribute]) for number in range(count)]
        values = np.unique(names, return_inverse=True)[1]
        for what, rows in rows_of.items():
            measured[f"{what}: {attribute}"] = linear_accuracy(rows[:half], values[:half], rows[half:], values[half:])
    return measured


def _tensor(images: ImageDataset, count: int) -> torch.Tensor:
    """The first `count` images, normalised to -1..1."""
    pixels = np.stack([images.whole(number).pixels for number in range(count)])
    return (torch.from_numpy(pixels).float() / 255 - 0.5) / 0.5
