"""Speed of an encoder on this machine, and the size of its embeddings."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from training.evaluation.subject import ProbeResult, Subject
from training.models.encoder import BATCH
from training.models.intervals import Figure, figure_of

ROUNDS = 10


def probe(subject: Subject) -> ProbeResult:
    """Images and texts per second in batches, milliseconds for one, and bytes per image in a collection."""
    encoder = subject.encoder
    pixels = np.random.default_rng(0).integers(0, 255, (BATCH, encoder.image_size, encoder.image_size, 3), np.uint8)
    figures: dict[str, Figure] = {
        "images per second": figure_of(BATCH / _seconds(lambda: encoder.embed_pixels(pixels))),
        "ms for one image": figure_of(1000 * _seconds(lambda: encoder.embed_pixels(pixels[:1]))),
    }
    if encoder.reads_text:
        texts = [f"an image of {n} things" for n in range(BATCH)]
        figures["texts per second"] = figure_of(BATCH / _seconds(lambda: encoder.embed_texts(texts)))
        figures["ms for one text"] = figure_of(1000 * _seconds(lambda: encoder.embed_texts(texts[:1])))
    size = figure_of([2.0 * encoder.dim])  # float16
    figures["bytes per image"] = size
    note = f"{encoder.runtime}, {encoder.precision}, {encoder.image_size} pixels, batches of {BATCH}; without decoding."
    return ProbeResult(
        figures, notes=(note, "Timings depend on the load of this machine; compare only those measured together.")
    )


def _seconds(run: Callable[[], object]) -> NDArray[np.float64]:
    """Seconds of ROUNDS calls, after two warm-up calls."""
    seconds = []
    for _ in range(ROUNDS + 2):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return np.array(seconds[2:])
