"""The momentum encoder's lag: how far it is behind, and how well the keys of a queue still agree with it."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from training.lessons.lesson import Part, Settings
from training.lessons.parts import curve, sentence
from training.lessons.photos import scene_images
from training.lessons.said import say
from training.lessons.tiny_run import tiny_run
from training.methods.moco import MoCo
from training.models.backbones import build_backbone

STEPS, BATCH, SIDE, EVERY, PROBED = 48, 32, 32, 4, 32


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    momentum = settings.number("momentum")
    torch.manual_seed(0)
    config = MoCo.Config(queue=8 * BATCH, momentum=momentum, hidden=64, projection=32, groups=1, crop=0.5)
    method = MoCo(build_backbone("plain-cnn", SIDE), config)
    online = nn.Sequential(method.backbone, method.projector)
    images = scene_images(256, SIDE)
    probed = images[:PROBED].float() / 127.5 - 1
    behind: list[tuple[float, float]] = []
    keys: list[Tensor] = []
    for step, _ in enumerate(tiny_run(method, images, STEPS, BATCH)):
        keys.append(keys_of(method, probed))
        behind.append((step + 1, lag(method.keys, online)))
        if step % EVERY == EVERY - 1:
            title = say("Distance of the key encoder's weights from the query encoder's, relative")
            yield curve("lag", title, {say("lag"): behind}, x=say("step"), low=0.0)
            title = say("Cosine of a key with the key that the encoder makes of the image now")
            yield curve(
                "age", title, {say("agreement"): by_age(keys)}, x=say("age in the queue, in steps"), low=0.0, high=1.0
            )
    oldest = by_age(keys)[-1]
    yield sentence(
        say(
            "With a momentum of {momentum:g}, keys of {age:.0f} steps ago have a cosine of {cosine:.2f} with "
            "those of now; "
            "the key encoder is {behind:.0%} of a weight's size behind.",
            momentum=momentum,
            age=oldest[0],
            cosine=oldest[1],
            behind=behind[-1][1],
        )
    )


@torch.no_grad()
def keys_of(method: MoCo, images: Tensor) -> Tensor:
    """The keys of images, [N, D] unit rows, without an effect on the run's statistics."""
    method.keys.eval()
    keys = F.normalize(method.keys(images), dim=1)
    method.keys.train()
    return keys


def by_age(keys: Sequence[Tensor]) -> list[tuple[float, float]]:
    """The mean cosine of keys [N, D] of each earlier step with those of the last one, by their age; age 0 is 1."""
    now = keys[-1]
    return [(float(age), float((keys[-1 - age] * now).sum(dim=1).mean())) for age in range(min(len(keys), 32))]


@torch.no_grad()
def lag(keys: nn.Module, online: nn.Module) -> float:
    """The distance of all weights over the length of the online ones."""
    pairs = list(zip(keys.parameters(), online.parameters(), strict=True))
    apart = sum(float((one - other).square().sum()) for one, other in pairs)
    return (apart / sum(float(other.square().sum()) for _, other in pairs)) ** 0.5
