"""What can the embedded default see? Its two versions side by side on images that neither was fitted on.

    python benchmarks/starter.py --photos FOLDER --cifar10 FILE.parquet --coco FILE.csv --other FILE.csv

FOLDER has one photograph an ImageNet class and a labels.csv (file,label), as in samples of ILSVRC 2012
(image-net.org). FILE.parquet is CIFAR-10 (cs.toronto.edu/~kriz/cifar.html) as Hugging Face datasets store it, with a
column label_name. The two CSV files have the columns path, caption and split: photographs of COCO 2017
(cocodataset.org), of which the split val is measured, and of another source, all of which is, such as Conceptual
Captions. The result is printed and kept beside this script as starter.json; benchmarks/tables.py puts it into
README.md and training/models/starter.md. Minutes on two idle cores, most of them for CIFAR-10.
"""

import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.everyday import LEAST_IMAGES, average_precision, shown
from training.data.sources import open_source
from training.models.bridge import Bridge, image_vectors, read_bridge, text_vectors
from training.models.encoder import Vectors, unit
from training.models.intervals import figure_of
from training.models.prompts import template_set
from training.models.sentence_encoder import SentenceEncoder
from training.models.starter import BRIDGES, fingerprint
from training.models.zero_shot import everyday_words
from training.starter import bridge as fit
from training.starter.kinds import kinds
from training.starter.photographs import Photographs, imagenet_names, read_photographs

RESULT = Path(__file__).parent / "results/starter.json"
TEMPLATES = template_set("photo")
CUTS = (1, 5, 10)

Measured = dict[str, NDArray[np.float64]]  # one number an item by the name of the figure, so that versions are paired


class Version:
    """One version's bridge as an encoder of features and texts."""

    def __init__(self, bridge: Bridge, text_encoder: SentenceEncoder):
        self.bridge, self.text_encoder = bridge, text_encoder

    def images(self, features: NDArray[np.float32]) -> Vectors:
        return image_vectors(features, self.bridge)

    def texts(self, texts: Sequence[str]) -> Vectors:
        return self.sentences(fit.embed(self.text_encoder, list(texts)))

    def sentences(self, embedded: Vectors) -> Vectors:
        return text_vectors(embedded, self.bridge)

    def classifier(self, names: Sequence[str]) -> Vectors:
        """[K, dim]: the mean of each name's prompts."""
        rows = self.texts([template.replace("{}", name) for name in names for template in TEMPLATES])
        return unit(rows.reshape(len(names), len(TEMPLATES), -1).mean(axis=1))


def top1(version: Version, features: NDArray[np.float32], right: Sequence[str], names: Sequence[str]) -> NDArray:
    """Whether the nearest of names is each image's own."""
    nearest = (version.images(features) @ version.classifier(names).T).argmax(axis=1)
    return np.array([names[n] == own for n, own in zip(nearest, right, strict=True)], np.float64)


def found(scores: NDArray[np.floating], own: NDArray[np.intp]) -> Measured:
    """Whether the image own [M] of each text is among the best 1, 5 and 10 of its scores [M, N]."""
    before = (scores > scores[np.arange(len(own)), own][:, None]).sum(axis=1)
    return {str(k): (before < k).astype(np.float64) for k in CUTS}


def precisions(scores: NDArray[np.floating], truth: Sequence[NDArray[np.bool_]], least: int) -> NDArray[np.float64]:
    """The average precision of each row of scores [W, N] with at least so many relevant images."""
    pairs = [(row, of) for row, of in zip(scores, truth, strict=True) if of.sum() >= least]
    return np.array([average_precision(row, of) for row, of in pairs])


def measure(version: Version, data: dict[str, Any]) -> Measured:
    """All figures of one version, one number an item."""
    result: Measured = {}
    names = sorted(set(data["cifar10"][1]))
    result["CIFAR-10, ten classes"] = top1(version, *data["cifar10"], names)
    features, labels, synsets = data["photos"]
    result["photographs by their 200 names"] = top1(version, features, labels, sorted(labels))
    result["photographs by all 1,000 names"] = top1(version, features, labels, data["first"])
    numbers = [data["first"].index(label) for label in labels]
    curated = imagenet_names()
    result["the same, open_clip's names"] = top1(version, features, [curated[n] for n in numbers], curated)
    scores = version.texts(labels) @ version.images(features).T
    result["photograph in the top 10 by its name"] = found(scores, np.arange(len(labels)))["10"]
    general = [(kind.names[0], np.isin(numbers, kind.classes)) for kind in kinds(synsets, set(everyday_words()))]
    scores = version.texts([name for name, _ in general]) @ version.images(features).T
    result["general words, mean average precision"] = precisions(scores, [of for _, of in general], 3)
    for name, photographs in data["captioned"].items():
        seen = version.images(photographs.features)
        scores = version.sentences(photographs.embedded) @ seen.T
        for k, hits in found(scores, photographs.owners).items():
            result[f"{name}: photograph by its caption, recall@{k}"] = hits
        words = shown(photographs.captions)
        scores = version.texts(list(words)) @ seen.T
        result[f"{name}: everyday words, mean average precision"] = precisions(
            scores, list(words.values()), LEAST_IMAGES
        )
    return result


def read(photos: Path, cifar10: Path, coco: Path, other: Path, text_encoder: SentenceEncoder) -> dict[str, Any]:
    """Features of all images, each computed once, and what is known of them."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    labels = pd.read_csv(photos / "labels.csv", dtype=str)
    [features], _ = fit.image_features((photos / file).read_bytes() for file in labels["file"])
    small = list(open_source(str(cifar10)))
    [small_features], _ = fit.image_features(item.read() for item in small)
    held_out = [item for item in open_source(str(coco)) if item.metadata["split"] == "val"]
    captioned: dict[str, Photographs] = {
        "COCO": read_photographs(held_out, text_encoder),
        "another source": read_photographs(open_source(str(other)), text_encoder),
    }
    return {
        "photos": (features, list(labels["label"]), [info.index_to_label_name(number) for number in range(1000)]),
        "first": [info.index_to_description(number).partition(",")[0] for number in range(1000)],
        "cifar10": (small_features, [str(item.metadata["label_name"]) for item in small]),
        "captioned": captioned,
    }


@click.command()
@click.option("--photos", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--cifar10", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--coco", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--other", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(photos: Path, cifar10: Path, coco: Path, other: Path) -> None:
    """Measure both versions of starter on the same images, and the differences in pairs."""
    text_encoder = SentenceEncoder("openvino", "f32")
    data = read(photos, cifar10, coco, other, text_encoder)
    old, new = (measure(Version(read_bridge(BRIDGES[name]), text_encoder), data) for name in ("starter-1", "starter"))
    result: dict[str, Any] = {"fingerprints": {name: fingerprint(path) for name, path in BRIDGES.items()}}
    result["figures"] = {
        name: {
            "version 1": figure_of(old[name]),
            "version 2": figure_of(new[name]),
            "difference": figure_of(new[name] - old[name]),
        }
        for name in new
    }
    result["machine"] = f"{platform.machine()}, Python {platform.python_version()}"
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
