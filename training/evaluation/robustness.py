"""Robustness: how much embeddings change when images are blurred, compressed, cropped or converted to greyscale."""

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageFilter

from training.evaluation.colours import greyed
from training.evaluation.features import halves_by_class
from training.evaluation.knn import knn_predict
from training.evaluation.retrieval import retrieval_ranks
from training.evaluation.subject import Failure, NotApplicable, ProbeResult, Subject
from training.models.intervals import Figure, figure_of

BLUR = 0.01  # of the shorter side: radius of the Gaussian
QUALITY = 15  # of JPEG
CROP = 0.7  # of each side, in the middle


def blurred(image: Image.Image) -> Image.Image:
    """Gaussian blur."""
    return image.filter(ImageFilter.GaussianBlur(max(0.6, BLUR * min(image.size))))


def compressed(image: Image.Image) -> Image.Image:
    """Strong JPEG compression."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def cropped(image: Image.Image) -> Image.Image:
    """A central crop of half the area."""
    width, height = image.size
    left, top = round(width * (1 - CROP) / 2), round(height * (1 - CROP) / 2)
    return image.crop((left, top, max(left + 1, width - left), max(top + 1, height - top)))


CORRUPTIONS: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "blur": blurred,
    "jpeg": compressed,
    "crop": cropped,
    "grey": greyed,
}
MAX_IMAGES = 500


def probe(subject: Subject) -> ProbeResult:
    """For each corruption: cosine to the clean image, retrieval of the clean image, and k-NN accuracy."""
    test = subject.test.sample(subject.sample_size(MAX_IMAGES), subject.seed)
    if len(test) < 10:
        raise NotApplicable("it needs at least ten images")
    images = [test.image(i) for i in range(len(test))]
    bank, queries = halves_by_class(test.labels, subject.seed)
    figures: dict[str, Figure] = {}
    chance: dict[str, float] = {}
    failures: list[Failure] = []
    for name, corrupt in CORRUPTIONS.items():
        changed = [corrupt(image) for image in images]
        rows = subject.encoder.embed_images(changed)
        cosine = (rows.astype(np.float64) * test.images).sum(axis=1)
        ranks = retrieval_ranks(test.images, rows)["text_to_image"]  # the corrupted image is the query
        figures[f"{name}: cosine to the original"] = figure_of(cosine)
        figures[f"{name}: retrieves the original"] = figure_of(ranks == 1)
        chance[f"{name}: retrieves the original"] = 1 / len(test)
        worst = np.argsort(cosine)[:2]
        failures += [Failure((images[i], changed[i]), f"{name}: cosine {cosine[i]:.2f}") for i in worst]
        if len(queries):
            voted = knn_predict(test.images[bank], test.labels[bank], rows[queries])
            figures[f"{name}: k-NN accuracy"] = figure_of(voted == test.labels[queries])
    if len(queries):
        voted = knn_predict(test.images[bank], test.labels[bank], test.images[queries])
        figures["clean: k-NN accuracy"] = figure_of(voted == test.labels[queries])
    note = (
        f"{len(test)} images; blur of {BLUR:.0%} of a side, JPEG quality {QUALITY}, the middle {CROP:.0%}, no colour."
    )
    return ProbeResult(figures, {"chance": chance}, (note,), tuple(failures))
