"""Data sets that torchvision knows by name, where they lie on disk already; nothing is ever fetched."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.data.source import Item, Source
from training.models.cache import cache_dir
from training.models.errors import UserError

if TYPE_CHECKING:
    from torchvision.datasets import VisionDataset

TRAIN = tuple({"train": flag} for flag in (True, False))
SPLITS = tuple({"split": name} for name in ("train", "test"))
THREE = tuple({"split": name} for name in ("train", "val", "test"))


@dataclass(frozen=True)
class DatasetClass:
    """A class of torchvision.datasets, and the arguments that give each of its parts, which share its images."""

    cls: str
    parts: tuple[dict[str, Any], ...]


DATASETS = {
    "cifar10": DatasetClass("CIFAR10", TRAIN),
    "cifar100": DatasetClass("CIFAR100", TRAIN),
    "mnist": DatasetClass("MNIST", TRAIN),
    "fashionmnist": DatasetClass("FashionMNIST", TRAIN),
    "kmnist": DatasetClass("KMNIST", TRAIN),
    "stl10": DatasetClass("STL10", SPLITS),
    "svhn": DatasetClass("SVHN", SPLITS),
    "gtsrb": DatasetClass("GTSRB", SPLITS),
    "food101": DatasetClass("Food101", SPLITS),
    "stanfordcars": DatasetClass("StanfordCars", SPLITS),
    "flowers102": DatasetClass("Flowers102", THREE),
    "dtd": DatasetClass("DTD", THREE),
    "fgvcaircraft": DatasetClass("FGVCAircraft", THREE),
    "pcam": DatasetClass("PCAM", THREE),
    "imagenette": DatasetClass("Imagenette", tuple({"split": name} for name in ("train", "val"))),
    "oxfordiiitpet": DatasetClass("OxfordIIITPet", tuple({"split": name} for name in ("trainval", "test"))),
    "country211": DatasetClass("Country211", tuple({"split": name} for name in ("train", "valid", "test"))),
    "caltech101": DatasetClass("Caltech101", ({},)),
    "caltech256": DatasetClass("Caltech256", ({},)),
    "eurosat": DatasetClass("EuroSAT", ({},)),
    "sun397": DatasetClass("SUN397", ({},)),
}


class TorchvisionSource(Source):
    """The images of a data set with their class as the column `label`, and their part as `split`."""

    def __init__(self, name: str, root: Path, parts: dict[str, Any]):
        self.name = f"{name}:{root}"
        self.parts = parts

    def __iter__(self) -> Iterator[Item]:
        for part, data in self.parts.items():
            labels = class_names(data)
            for number in range(len(data)):
                yield Item(
                    path=f"{part}/{number:06d}",
                    stamp=f"{len(data)}:{number}",
                    modified=0.0,
                    read=partial(_png, data, number),
                    metadata={"split": part} | ({"label": labels[number]} if labels else {}),
                )


def open_dataset(spec: str) -> TorchvisionSource:
    """The data set that `name` or `name:ROOT` means. UserError if torchvision knows none, or it is not there."""
    word, _, place = spec.partition(":")
    if word.lower() not in DATASETS:
        nearest = get_close_matches(word.lower(), DATASETS, n=1)
        hint = f" Did you mean {nearest[0]}?" if nearest else ""
        raise UserError(
            f"There is nothing at {spec}, and no data set of torchvision has this name.{hint} Its data sets are "
            f"{', '.join(sorted(DATASETS))}."
        )
    dataset = DATASETS[word.lower()]
    roots = [Path(place).expanduser()] if place else [Path("data"), cache_dir("torchvision")]
    for root in roots:
        parts = _parts(dataset, root.absolute())
        if parts:
            return TorchvisionSource(word.lower(), root.absolute(), parts)
    raise UserError(
        f"{dataset.cls} does not lie in {' or '.join(str(root) for root in roots)}, and nothing is fetched from here; "
        f"once torchvision has downloaded it, name its folder: {word.lower()}:FOLDER."
    )


def _parts(dataset: DatasetClass, root: Path) -> dict[str, Any]:
    """The parts of a data set that are there, by their name."""
    if not root.is_dir():
        return {}
    from torchvision import datasets

    found = {}
    for arguments in dataset.parts:
        try:
            data = getattr(datasets, dataset.cls)(str(root), **arguments)
        except (RuntimeError, OSError, ImportError):
            continue
        value = next(iter(arguments.values()), "all")
        found[str(value) if not isinstance(value, bool) else "train" if value else "test"] = data
    return found


def class_names(data: "VisionDataset") -> list[str] | None:
    """The class of each image in words where the data set has them, else its number; None if it does not say."""
    numbers = next((getattr(data, name) for name in ("targets", "_labels", "labels", "y") if hasattr(data, name)), None)
    if numbers is None or len(numbers) != len(data):
        return None
    names = next((getattr(data, name) for name in ("classes", "categories") if hasattr(data, name)), None)
    plain = [int(number) for number in numbers]
    return [str(names[number]) if names and 0 <= number < len(names) else str(number) for number in plain]


def _png(data: "VisionDataset", number: int) -> bytes:
    """An image as a file: without loss, and the same bytes each time, so that its hash is its own."""
    image = data[number][0]
    path = getattr(image, "filename", "")
    if path and os.path.isfile(path):
        return Path(path).read_bytes()
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
