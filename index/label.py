"""Label a whole collection by a list of classes: a matrix product over its stored vectors."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from index.collection import Collection
from index.storage.tables import csv_text
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.parallel import cores
from training.models.zero_shot import ClassName, rivals, two_best, zero_shot_classifier

NONE = "none"  # the label of an image that shows none of the classes
CHUNK = 4_000_000  # images times classes at a time: bounds the memory at any number of either
COLUMNS = ("path", "label", "probability", "runner_up", "margin")  # of labels.csv


def label_collection(
    collection: Collection,
    encoder: Encoder,
    classes: Sequence[ClassName],
    templates: Sequence[str],
    *,
    none: bool = False,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> pd.DataFrame:
    """One row an image, in the collection's order: COLUMNS and id.

    probability: of the label, as the encoder has it. runner_up: the second class, empty if there is
    only one. margin: the label's probability less the runner-up's. none: also allow the label "none".
    progress is called with images done and their total.
    """
    collection.check_encoder(encoder)
    if none and any(c.name == NONE for c in classes):
        raise UserError(f"A class is called {NONE!r}, which is also the answer for none of them; call it otherwise.")
    classifier = zero_shot_classifier(encoder, classes, templates)
    others = rivals(encoder, classifier, templates) if none else None
    names = np.array([c.name for c in classes] + ([NONE] if none else []) + [""], dtype=object)
    best = np.zeros((len(collection), 2), np.int64)
    chances = np.zeros((len(collection), 2), np.float32)
    chunk = max(256, CHUNK // classifier.shape[0])

    def label(start: int) -> int:
        rows = slice(start, start + chunk)
        best[rows], chances[rows] = two_best(encoder, collection.vectors[rows], classifier, others)
        return min(start + chunk, len(collection))

    with ThreadPoolExecutor(cores()) as pool:  # the product is shared out already; this shares out what follows it
        for done in pool.map(label, range(0, len(collection), chunk)):
            progress(done, len(collection))
    images = collection.frame(["path", "id"])
    return pd.DataFrame(
        {
            "path": images["path"],
            "label": names[best[:, 0]],
            "probability": chances[:, 0],
            "runner_up": names[best[:, 1]],
            "margin": chances[:, 0] - chances[:, 1],
            "id": images["id"],
        }
    )


def labels_csv(labels: pd.DataFrame) -> str:
    """labels.csv: COLUMNS, probabilities to four places."""
    columns = (labels[name] for name in COLUMNS)
    return csv_text(COLUMNS, ([_places(cell) for cell in row] for row in zip(*columns, strict=True)))


def _places(cell: Any) -> Any:
    return cell if isinstance(cell, str) else f"{cell:.4f}"


def summary(labels: pd.DataFrame, classes: Sequence[ClassName], encoder: Encoder) -> dict[str, Any]:
    """How many images got each label, and how sure the encoder is of them."""
    counts = labels["label"].value_counts()
    names = [c.name for c in classes] + ([NONE] if (labels["label"] == NONE).any() else [])
    return {
        "images": len(labels),
        "encoder": encoder.name,
        "classes": {name: int(counts.get(name, 0)) for name in dict.fromkeys(names)},
        "mean_probability": round(float(labels["probability"].mean()), 4) if len(labels) else None,
        "calibrated": False,
    }
