"""What can the embedded default see? Photographs by name, CIFAR-10, and captions of drawings.

    python benchmarks/starter.py --photos FOLDER --cifar10 FILE.parquet

FOLDER has one photograph an ImageNet class and a labels.csv (file,label), as in samples of ILSVRC 2012
(image-net.org). FILE is CIFAR-10 (cs.toronto.edu/~kriz/cifar.html) as Hugging Face datasets store it,
with a column label_name. The result is printed and kept beside this script as starter.json.
"""

import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))


from index.build import build_collection
from index.collection import Collection
from index.label import LabelRequest, label_collection
from index.labels.ground_truth import named_truth, read_labels
from index.query import Term
from index.search import SearchRequest, search
from training.models.encoder import Encoder
from training.models.encoders import load_encoder
from training.models.intervals import Figure
from training.models.prompts import template_set
from training.models.zero_shot import ClassName

RESULT = Path(__file__).parent / "results/starter.json"


def found_by_name(collection: Collection, encoder: Encoder, truth: pd.Series, k: int) -> dict[str, Any]:
    """The share of images among the k best for their own name, with a 95 % bootstrap interval."""
    hits = [
        float(row in {hit.row for hit in search(collection, encoder, SearchRequest([Term(text=name)], count=k)).hits})
        for row, name in truth.items()
        if isinstance(name, str)
    ]
    rng = np.random.default_rng(0)
    low, high = np.quantile([rng.choice(hits, len(hits)).mean() for _ in range(1000)], [0.025, 0.975])
    return {"value": float(np.mean(hits)), "low": float(low), "high": float(high), "n": len(hits)}


def labelled(collection: Collection, encoder: Encoder, source: str, templates: str) -> Figure | None:
    """Zero-shot top-1 over the names that occur in the column or file source."""
    classes = tuple(ClassName(name) for name in sorted(read_labels(collection, source).dropna().unique()))
    request = LabelRequest(classes, tuple(template_set(templates)))
    return label_collection(collection, encoder, request).accuracy(named_truth(collection, request, source))


@click.command()
@click.option("--photos", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--cifar10", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--encoder", default="starter", show_default=True)
def main(photos: Path, cifar10: Path, encoder: str) -> None:
    """Measure ENCODER on photographs by name and on CIFAR-10."""
    loaded = load_encoder(encoder)
    result: dict[str, Any] = {"encoder": encoder, "fingerprint": loaded.fingerprint, "precision": loaded.precision}
    with tempfile.TemporaryDirectory() as folder:
        for name, source in {"photos": photos, "cifar10": cifar10}.items():
            build_collection([source], Path(folder, name), loaded)
            collection = Collection.open(Path(folder, name))
            source = str(photos / "labels.csv") if name == "photos" else "label_name"
            truth = read_labels(collection, source)
            result[name] = {"top1": labelled(collection, loaded, source, "photo")}
            if name == "photos":
                result[name]["in_top10_by_name"] = found_by_name(collection, loaded, truth, 10)
    result["machine"] = f"{platform.machine()}, Python {platform.python_version()}"
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
