"""Speed and size: what an encoder costs here."""

import time
from collections.abc import Callable

import numpy as np

from training.evaluation.subject import Finding, Subject
from training.models.encoder import BATCH
from training.models.intervals import Figure, figure_of

ROUNDS = 10


def probe(subject: Subject) -> Finding:
    """Images and phrases a second in batches, milliseconds for one, and bytes an image takes in a collection."""
    encoder = subject.encoder
    pixels = np.random.default_rng(0).integers(0, 255, (BATCH, encoder.image_size, encoder.image_size, 3), np.uint8)
    figures: dict[str, Figure] = {
        "images a second": figure_of(BATCH / _seconds(lambda: encoder.embed_pixels(pixels))),
        "ms for one image": figure_of(1000 * _seconds(lambda: encoder.embed_pixels(pixels[:1]))),
    }
    if encoder.reads_text:
        phrases = [f"an image of {n} things" for n in range(BATCH)]
        figures["phrases a second"] = figure_of(BATCH / _seconds(lambda: encoder.embed_texts(phrases)))
        figures["ms for one phrase"] = figure_of(1000 * _seconds(lambda: encoder.embed_texts(phrases[:1])))
    size = figure_of([2.0 * encoder.dim])  # float16
    figures["bytes an image"] = size
    note = f"{encoder.runtime}, {encoder.precision}, {encoder.image_size} pixels, batches of {BATCH}; without decoding."
    return Finding(figures, notes=(note, "Timings of this machine at this moment; compare only what ran side by side."))


def _seconds(run: Callable[[], object]) -> np.ndarray:
    """[ROUNDS] after two that warm up."""
    taken = []
    for _ in range(ROUNDS + 2):
        begun = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begun)
    return np.array(taken[2:])
