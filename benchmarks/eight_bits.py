"""What do eight bits cost a tower that has learned something: cosines, and zero-shot accuracy?

    python -m training clip --data cifar10-train.parquet --caption "a photo of a {label_name}." --tower tiny \
        --epochs 2 --batch-size 128 --learning-rate 0.001 --out RUN
    python benchmarks/eight_bits.py --encoder RUN --data cifar10-val.parquet

Images the encoder has not seen are embedded in f32, bf16 and int8, and labelled by the names in the column
label_name. A loss is of accuracy to f32 on the same images, with a 95 % bootstrap interval over them. The result is
printed and kept beside this script as eight_bits.json.
"""

import json
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
from index.ingest.throughput import machine
from index.label import LabelRequest, label_collection
from index.labels.ground_truth import read_labels
from training.models.encoder import Vectors, unit
from training.models.encoders import load_encoder
from training.models.intervals import figure_of
from training.models.prompts import template_set
from training.models.zero_shot import ClassName

RESULT = Path(__file__).parent / "results/eight_bits.json"


def seen(encoder: str, data: str, precision: str, folder: Path) -> tuple[Vectors, pd.Series]:
    """Vectors of the images in the order of their paths, and which of them are labelled right."""
    loaded = load_encoder(encoder, "openvino", precision)
    build_collection([data], folder, loaded)
    collection = Collection.open(folder)
    truth = read_labels(collection, "label_name")
    classes = tuple(ClassName(name) for name in sorted(truth.unique()))
    request = LabelRequest(classes, tuple(template_set("photo")), calibration="uncalibrated")
    labels = label_collection(collection, loaded, request).table["label"]
    order = np.argsort(collection.items["path"].to_numpy())
    return unit(np.asarray(collection.vectors[order])), (labels == truth).astype(float).iloc[order]


@click.command()
@click.option("--encoder", required=True, help="A run directory, or any encoder that reads words.")
@click.option("--data", required=True, help="Labelled images, with a column label_name.")
def main(encoder: str, data: str) -> None:
    """Measure what precision costs ENCODER on DATA."""
    told = Path(encoder, "config.json")
    result: dict[str, Any] = {"machine": machine()}
    if told.is_file():
        config = json.loads(told.read_text())
        result |= {"method": config["method"], "tower": config["data"]["tower"], "steps": config["run"]["steps"]}
    with tempfile.TemporaryDirectory() as folder:
        whole, right = seen(encoder, data, "f32", Path(folder, "f32"))
        result["f32"] = {"zero_shot": figure_of(right)}
        for precision in ("bf16", "int8"):
            vectors, correct = seen(encoder, data, precision, Path(folder, precision))
            cosines = (whole * vectors).sum(axis=1)
            result[precision] = {
                "zero_shot": figure_of(correct),
                "loss": figure_of(right.to_numpy() - correct.to_numpy()),
                "cosine_mean": round(float(cosines.mean()), 5),
                "cosine_least": round(float(cosines.min()), 5),
            }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
