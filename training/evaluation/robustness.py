"""Robustness: does an image stay itself when it is blurred, compressed, cropped or without colour?"""

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageFilter

from training.evaluation.colours import greyed
from training.evaluation.features import halves_by_class
from training.evaluation.knn import knn_predict
from training.evaluation.retrieval import retrieval_ranks
from training.evaluation.subject import Failure, Finding, Subject, Unable
from training.models.intervals import Figure, figure_of

BLUR = 0.01  # of the shorter side: radius of the Gaussian
QUALITY = 15  # of JPEG
CROP = 0.7  # of each side, in the middle


def blurred(image: Image.Image) -> Image.Image:
    """Out of focus."""
    return image.filter(ImageFilter.GaussianBlur(max(0.6, BLUR * min(image.size))))


def compressed(image: Image.Image) -> Image.Image:
    """Through a strong JPEG."""
    held = io.BytesIO()
    image.save(held, "JPEG", quality=QUALITY)
    return Image.open(io.BytesIO(held.getvalue())).convert("RGB")


def cropped(image: Image.Image) -> Image.Image:
    """The middle half of it."""
    width, height = image.size
    left, top = round(width * (1 - CROP) / 2), round(height * (1 - CROP) / 2)
    return image.crop((left, top, max(left + 1, width - left), max(top + 1, height - top)))


CORRUPTIONS: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "blur": blurred,
    "jpeg": compressed,
    "crop": cropped,
    "grey": greyed,
}
MOST = 500


def probe(subject: Subject) -> Finding:
    """For each corruption: how like itself an image stays, and how often it is found, and classed, as before."""
    test = subject.test.sample(subject.many(MOST), subject.seed)
    if len(test) < 10:
        raise Unable("it needs at least ten images")
    images = [test.image(i) for i in range(len(test))]
    bank, asked = halves_by_class(test.labels, subject.seed)
    figures: dict[str, Figure] = {}
    chance: dict[str, float] = {}
    failures: list[Failure] = []
    for name, corrupt in CORRUPTIONS.items():
        changed = [corrupt(image) for image in images]
        rows = subject.encoder.embed_images(changed)
        cosine = (rows.astype(np.float64) * test.images).sum(axis=1)
        ranks = retrieval_ranks(test.images, rows)["text_to_image"]  # the corrupted one asks for the clean one
        figures[f"{name}: cosine to itself"] = figure_of(cosine)
        figures[f"{name}: finds itself"] = figure_of(ranks == 1)
        chance[f"{name}: finds itself"] = 1 / len(test)
        worst = np.argsort(cosine)[:2]
        failures += [Failure((images[i], changed[i]), f"{name}: cosine {cosine[i]:.2f}") for i in worst]
        if len(asked):
            voted = knn_predict(test.images[bank], test.labels[bank], rows[asked])
            figures[f"{name}: k-NN accuracy"] = figure_of(voted == test.labels[asked])
    if len(asked):
        voted = knn_predict(test.images[bank], test.labels[bank], test.images[asked])
        figures["clean: k-NN accuracy"] = figure_of(voted == test.labels[asked])
    note = (
        f"{len(test)} images; blur of {BLUR:.0%} of a side, JPEG quality {QUALITY}, the middle {CROP:.0%}, no colour."
    )
    return Finding(figures, {"chance": chance}, (note,), tuple(failures))
