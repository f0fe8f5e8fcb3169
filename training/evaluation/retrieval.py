"""Retrieval: recall at k of captions by images, and of images by captions."""

import numpy as np
from numpy.typing import NDArray

from training.evaluation.rows import TIE, Array, as_numpy, unit_rows
from training.evaluation.subject import Failure, NotApplicable, ProbeResult, Subject
from training.models.intervals import Figure, figure_of

CHUNK = 512  # queries whose scores are in memory at a time
MAX_IMAGES = 5000  # as in the usual benchmarks (COCO, Flickr30k)
DIRECTIONS = ("image_to_text", "text_to_image")


def recall_at_k(images: Array, texts: Array, image_of_text: Array | None = None, k: int = 1) -> dict[str, float]:
    """{"image_to_text", "text_to_image"}: the fraction of queries with a relevant result among the first k.

    images: [N, D]. texts: [T, D]. image_of_text: the image of each text, int [T] [default: text i belongs to image
    i]. Several texts may belong to one image; each of them is relevant. If a text belongs to several images: bool
    [N, T], true for each relevant pair. An irrelevant result that ties with a relevant one (within 1e-6) ranks
    before it, so a collapsed encoder scores 0.
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1")
    return {way: float((ranks <= k).mean()) for way, ranks in retrieval_ranks(images, texts, image_of_text).items()}


def retrieval_ranks(images: Array, texts: Array, image_of_text: Array | None = None) -> dict[str, NDArray[np.int64]]:
    """The rank of the first relevant result of each query, from 1: {"image_to_text" [N], "text_to_image" [T]}.

    Queries without a relevant result are left out.
    """
    rows, captions = unit_rows(images, "images"), unit_rows(texts, "texts")
    if rows.shape[1] != captions.shape[1]:
        raise ValueError(f"images have {rows.shape[1]} dimensions and texts {captions.shape[1]}")
    relevant = _relevant(image_of_text, len(rows), len(captions))
    return {
        "image_to_text": _ranks(rows, captions, relevant),
        "text_to_image": _ranks(captions, rows, relevant.T),
    }


def _ranks(
    queries: NDArray[np.floating], candidates: NDArray[np.floating], relevant: NDArray[np.bool_]
) -> NDArray[np.int64]:
    ranks = []
    for start in range(0, len(queries), CHUNK):
        here = relevant[start : start + CHUNK]
        scores = (queries[start : start + CHUNK] @ candidates.T).astype(np.float64)
        best = np.where(here, scores, -np.inf).max(axis=1, keepdims=True)
        before = ((scores >= best - TIE) & ~here).sum(axis=1)
        ranks.append(before[here.any(axis=1)] + 1)
    return np.concatenate(ranks) if ranks else np.zeros(0, np.int64)


def _relevant(image_of_text: Array | None, images: int, texts: int) -> NDArray[np.bool_]:
    """bool [N, T] from the forms that recall_at_k accepts."""
    if image_of_text is None:
        if images != texts:
            raise ValueError(f"{images} images and {texts} texts are not pairs; give image_of_text")
        return np.eye(images, dtype=bool)
    given = as_numpy(image_of_text)
    if given.dtype == bool:
        if given.shape != (images, texts):
            raise ValueError(f"image_of_text has the shape {given.shape}, not [{images}, {texts}]")
        return given
    if given.shape != (texts,) or (given < 0).any() or (given >= images).any():
        raise ValueError(f"image_of_text must hold a number below {images} for each of the {texts} texts")
    relevant = np.zeros((images, texts), bool)
    relevant[given, np.arange(texts)] = True
    return relevant


def probe(subject: Subject) -> ProbeResult:
    """Recall at 1, 5 and 10 in both directions."""
    encoder, test = subject.text_encoder(), subject.test.captioned
    if len(test) < 2:
        raise NotApplicable(f"it needs captions, and {subject.test.name} has none")
    test = test.sample(MAX_IMAGES, subject.seed)
    texts = sorted({caption for item in test.items for caption in item.captions})
    number_of = {text: number for number, text in enumerate(texts)}
    right = np.zeros((len(test), len(texts)), bool)
    for i, item in enumerate(test.items):
        right[i, [number_of[caption] for caption in item.captions]] = True
    rows = encoder.embed_texts(texts)
    ranks = retrieval_ranks(test.images, rows, right)
    figures: dict[str, Figure] = {}
    beside: dict[str, float] = {}
    for way in DIRECTIONS:
        for k in (1, 5, 10):
            figures[f"{way}@{k}"] = figure_of(ranks[way] <= k)
            relevant = right.sum(axis=1) if way == "image_to_text" else right.sum(axis=0)
            size = right.shape[1] if way == "image_to_text" else right.shape[0]
            beside[f"{way}@{k}"] = float(np.mean(1 - (1 - np.minimum(relevant / size, 1)) ** k))
    missed = [i for i in np.argsort(-ranks["image_to_text"], kind="stable") if ranks["image_to_text"][i] > 1][:12]
    best = (test.images[missed] @ rows.T).argmax(axis=1) if missed else []
    failures = tuple(
        Failure((test.image(i),), f"“{test.items[i].caption}” ranked after “{texts[first]}”")
        for i, first in zip(missed, best, strict=True)
    )
    note = f"{len(test):,} images, {len(texts):,} different captions; a caption of several images is relevant for each."
    return ProbeResult(figures, {"chance": beside}, (note,), failures)
