"""Label a whole collection by a list of classes: a matrix product over its stored vectors."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from index.collection import Collection
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.zero_shot import ClassName, probabilities, rivals, zero_shot_classifier

NONE = "none"  # the label of a picture that shows none of the classes
CHUNK = 10_000  # pictures at a time: bounds the memory at any number of classes
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
    """One row a picture, in the collection's order: COLUMNS and id.

    probability: of the label, as the encoder has it. runner_up: the second class, empty if there is
    only one. margin: the label's probability less the runner-up's. none: also allow the label "none".
    progress is called with pictures done and their total.
    """
    collection.check_encoder(encoder)
    if none and any(c.name == NONE for c in classes):
        raise UserError(f"A class is called {NONE!r}, which is also the answer for none of them; call it otherwise.")
    classifier = zero_shot_classifier(encoder, classes, templates)
    others = rivals(encoder, classifier, templates) if none else None
    names = np.array([c.name for c in classes] + ([NONE] if none else []) + [""], dtype=object)
    best = np.zeros((len(collection), 2), np.int64)
    chances = np.zeros((len(collection), 2), np.float32)
    for start in range(0, len(collection), CHUNK):
        rows = slice(start, start + CHUNK)
        odds = probabilities(encoder, collection.vectors[rows], classifier, others)
        if odds.shape[1] == 1:
            odds = np.column_stack([odds, np.zeros(len(odds), np.float32)])  # the runner-up "" with no chance
        order = np.argsort(-odds, axis=1, kind="stable")[:, :2]
        best[rows], chances[rows] = order, np.take_along_axis(odds, order, axis=1)
        progress(min(start + CHUNK, len(collection)), len(collection))
    return pd.DataFrame(
        {
            "path": collection.items["path"],
            "label": names[best[:, 0]],
            "probability": chances[:, 0],
            "runner_up": names[best[:, 1]],
            "margin": chances[:, 0] - chances[:, 1],
            "id": collection.items["id"],
        }
    )


def labels_csv(labels: pd.DataFrame) -> str:
    """labels.csv: COLUMNS, probabilities to four places."""
    return labels[list(COLUMNS)].to_csv(index=False, float_format="%.4f")


def summary(labels: pd.DataFrame, classes: Sequence[ClassName], encoder: Encoder) -> dict[str, Any]:
    """How many pictures got each label, and how sure the encoder is of them."""
    counts = labels["label"].value_counts()
    names = [c.name for c in classes] + ([NONE] if (labels["label"] == NONE).any() else [])
    return {
        "images": len(labels),
        "encoder": encoder.name,
        "classes": {name: int(counts.get(name, 0)) for name in dict.fromkeys(names)},
        "mean_probability": round(float(labels["probability"].mean()), 4) if len(labels) else None,
        "calibrated": False,
    }
