"""Whether a tower keeps the direction of its vectors in bf16; one that does not runs in f32.

bf16 has eight bits of mantissa. Most towers turn their vectors by a cosine of .999; one that adds up large activations
loses more. That is measured once for each export, on a few inputs, and kept beside it. The cosine is that of vectors
less their mean, since a search sees differences only.
"""

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.models.atomic import write_file

LEAST = 0.99  # mean cosine to the same tower in f32
CROPS = 2  # of each photograph
TEXTS = tuple(  # alike but for a word or two, since a search has to tell such texts apart
    f"a photo of {number} {quality} things" for number in ("two", "three") for quality in ("red", "old", "large", "wet")
)

Run = Callable[[NDArray[Any]], NDArray[np.float32]]


def keeps_direction(path: Path, load: Callable[[str], Run], trial: Callable[[], NDArray[Any]]) -> bool:
    """Whether the tower exported at path may run in bf16. load: makes one that runs in a precision. trial: inputs.

    Measured the first time, and said on stderr where the answer is no.
    """
    facts = path.with_suffix(".json")
    if facts.is_file():
        return bool(json.loads(facts.read_bytes())["mean_cosine"] >= LEAST)
    inputs = trial()
    half, full = (np.concatenate([run(row[None]) for row in inputs]) for run in map(load, ("bf16", "f32")))
    cosine = centred_cosine(half, full)
    write_file(facts, json.dumps({"mean_cosine": round(cosine, 5)}).encode())
    if cosine < LEAST:
        tower = "image" if inputs.dtype == np.uint8 else "text"
        print(
            f"In bf16 the {tower} tower of this encoder turns its vectors too far (mean cosine {cosine:.3f}, {LEAST} "
            f"is the least), so it runs in f32, which is slower.",
            file=sys.stderr,
        )
    return cosine >= LEAST


def centred_cosine(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """The mean cosine of rows to rows, after the mean of the expected unit rows is subtracted from both.

    Rows that are all alike have no direction left to lose: 1.
    """
    a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (found, expected))
    a, b = a - b.mean(0), b - b.mean(0)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    apart = lengths > 1e-9
    return float(((a * b).sum(1)[apart] / lengths[apart]).mean()) if apart.any() else 1.0


@cache
def trial_images(side: int) -> NDArray[np.uint8]:
    """[8, side, side, 3]: cuts of photographs that come with scikit-image and scikit-learn."""
    from training.models.quantisation import HELD_OUT, photographs

    return np.stack(list(photographs(HELD_OUT, side, CROPS)))
