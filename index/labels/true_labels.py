"""True labels that came with the images, to say how many labels are right."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from index.collection import Collection
from index.storage.tables import plain
from training.models.errors import UserError

PATH_NAMES, LABEL_NAMES = ("path", "file", "filename", "image"), ("label", "class", "label_name", "truth")


def true_labels(collection: Collection, truth: str) -> pd.Series:
    """The true label of each image by row, missing where it is not known.

    truth: a column of the collection, or a CSV with a column of paths and one of labels.
    """
    if truth in collection.items:
        return collection.items[truth].astype(str)
    if not Path(truth).is_file():
        columns = ", ".join(collection.items.columns)
        raise UserError(f"{truth} is neither a file nor a column of {collection.name}; its columns are {columns}.")
    try:
        table = pd.read_csv(truth, dtype=str, keep_default_na=False).map(plain)
    except ValueError as error:
        raise UserError(f"{truth} cannot be read as CSV: {str(error).splitlines()[0]}.") from error
    path = next((name for name in PATH_NAMES if name in table), None)
    label = next((name for name in LABEL_NAMES if name in table), None)
    if path is None or label is None:
        raise UserError(f"{truth} needs a column path and a column label; it has {', '.join(table.columns)}.")
    return collection.items["path"].map(dict(zip(table[path], table[label], strict=True)))


def not_offered(truth: pd.Series, classes: list[str]) -> int:
    """How many true labels are none of the classes, so that no label could have been right."""
    return int((truth.notna() & ~truth.isin(classes)).sum())


def accuracy(labels: pd.Series, truth: pd.Series, seed: int = 0) -> dict[str, Any]:
    """The share of labels that are right, with a 95 % bootstrap interval over images; value, low, high, n."""
    known = truth.notna().to_numpy()
    if not known.any():
        raise UserError("None of the true labels belongs to an image of this collection; do the paths agree?")
    right = (labels.to_numpy() == truth.to_numpy())[known].astype(float)
    rng = np.random.default_rng(seed)
    means = [rng.choice(right, len(right)).mean() for _ in range(1000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return {"value": float(right.mean()), "low": float(low), "high": float(high), "n": len(right)}
