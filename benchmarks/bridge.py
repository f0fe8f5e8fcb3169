"""Version 1 of the bridge of `starter` in its three forms, measured on drawings that none was fitted on.

    python benchmarks/bridge.py --photos FOLDER --cifar10 FILE.parquet [--clipart FOLDER]

The classifier's rows alone, both halves by regression, and the bridge as it shipped, after a run of the trainer. FOLDER
has one photograph an ImageNet class, as in samples of ILSVRC 2012 (image-net.org), and a labels.csv (file,label; a
label is the first word that WordNet has for the class); FILE is CIFAR-10 (cs.toronto.edu/~kriz/cifar.html) as Hugging
Face datasets store it. The result is printed and kept beside this script as bridge.json. Some ten minutes on two idle
cores, most of them for reading clip-art.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from index.ingest.throughput import machine
from training.data.sources import open_source
from training.models.bridge import image_vectors, text_vectors
from training.models.encoder import unit
from training.models.intervals import figure_of
from training.models.prompts import template_set
from training.models.sentence_encoder import SentenceEncoder
from training.starter import bridge as fit

RESULT = Path(__file__).parent / "results/bridge.json"
TEMPLATES = template_set("photo")


def top1(
    features: NDArray, right: Iterable[str], names: list[str], text_encoder: SentenceEncoder, bridge: dict[str, NDArray]
) -> Any:
    """The share of images whose own name of names lies nearest, with a 95 % bootstrap interval."""
    prompts = [template.replace("{}", name) for name in names for template in TEMPLATES]
    rows = text_vectors(fit.embed(text_encoder, prompts), bridge)
    classes = unit(rows.reshape(len(names), len(TEMPLATES), -1).mean(axis=1))
    nearest = (image_vectors(features, bridge) @ classes.T).argmax(axis=1)
    return figure_of([names[n] == own for n, own in zip(nearest, right, strict=True)])


def found(features: NDArray, sentences: NDArray, bridge: dict[str, NDArray]) -> dict[str, Any]:
    """The share of drawings among the 1, 5 and 10 nearest to their own caption."""
    scores = text_vectors(sentences, bridge) @ image_vectors(features, bridge).T
    before = (scores > np.diag(scores)[:, None]).sum(axis=1)
    return {str(k): figure_of(before < k) for k in (1, 5, 10)}


def seen(source: str, labels: dict[str, str] | None) -> tuple[NDArray, list[str]]:
    """The image encoder's features of the images of a source, and what each is."""
    items = list(open_source(source))
    [features], read = fit.image_features(item.read() for item in items)
    names = [labels[Path(i.path).name] if labels else str(i.metadata["label_name"]) for i in items]
    return features, [name for name, good in zip(names, read, strict=True) if good]


@click.command()
@click.option("--photos", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--cifar10", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--clipart", default=fit.CLIPART, show_default=True, type=click.Path(path_type=Path))
def main(photos: Path, cifar10: Path, clipart: Path) -> None:
    """Fit the three, measure each, print and keep the table."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    first = [info.index_to_description(number).partition(",")[0] for number in range(1000)]
    text_encoder = SentenceEncoder("openvino", "f32")
    click.echo("Looking at drawings", err=True)
    drawings, family = fit.read_openmoji(text_encoder)
    cliparts = fit._clipart(clipart, text_encoder)
    labels = pd.read_csv(photos / "labels.csv", dtype=str)
    click.echo("Looking at photographs and CIFAR-10", err=True)
    photographs = seen(str(photos), dict(zip(labels["file"], labels["label"], strict=True)))
    small = seen(str(cifar10), None)

    kept = family % fit.HELD_OUT != 0
    parts = [drawings.only(kept), cliparts]
    regression = fit.regression(parts, text_encoder)
    forms = {
        "classes": regression | fit.closed_form(text_encoder) | {"weight": np.array(0, np.float32)},
        "regression": regression,
        "run": fit.learned(regression, parts, text_encoder),
    }
    result: dict[str, Any] = {"machine": machine()}
    for name, bridge in forms.items():
        result[name] = {
            "cifar10": top1(*small, sorted(set(small[1])), text_encoder, bridge),
            "photos": top1(*photographs, first, text_encoder, bridge),
            "drawings": found(drawings.features[~kept], drawings.sentences[~kept], bridge),
            "shrunken drawings": found(drawings.shrunk[0][~kept], drawings.sentences[~kept], bridge),
        }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
