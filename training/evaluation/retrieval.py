"""Retrieval: does an image's own caption come first among all captions, and the image among all images?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.rows import TIE, unit_rows
from training.evaluation.subject import Failure, Finding, Subject, Unable
from training.models.intervals import Figure, figure_of

AT_ONCE = 512  # queries whose scores are held at once
MOST = 5000  # images among which is searched, as is usual (COCO, Flickr30k)
DIRECTIONS = ("image_to_text", "text_to_image")


def recall_at_k(images: Any, texts: Any, image_of_text: Any = None, k: int = 1) -> dict[str, float]:
    """{"image_to_text", "text_to_image"}: the share of queries with a right answer among the first k.

    images: [N, D]. texts: [T, D]. image_of_text: which image each text is about, int [T]; left out, text i
    is about image i. Several texts may be about one image: any of them is right. Where one text is about
    several images, bool [N, T], true for each that is right. A wrong answer that ties a right one (within
    1e-6) comes before it, so an encoder that gives everything one vector scores 0.
    """
    if k < 1:
        raise ValueError(f"k is {k}; recall is counted among the first 1 or more")
    return {way: float((ranks <= k).mean()) for way, ranks in retrieval_ranks(images, texts, image_of_text).items()}


def retrieval_ranks(images: Any, texts: Any, image_of_text: Any = None) -> dict[str, NDArray[np.int64]]:
    """The rank of each query's first right answer, from 1: {"image_to_text" [N], "text_to_image" [T]}.

    Queries without any right answer are left out.
    """
    images, captions = unit_rows(images, "images"), unit_rows(texts, "texts")
    if images.shape[1] != captions.shape[1]:
        raise ValueError(f"images are {images.shape[1]} wide and texts {captions.shape[1]}")
    right = _right(image_of_text, len(images), len(captions))
    return {
        "image_to_text": _ranks(images, captions, right),
        "text_to_image": _ranks(captions, images, right.T),
    }


def _ranks(queries: NDArray, candidates: NDArray, right: NDArray[np.bool_]) -> NDArray[np.int64]:
    ranks = []
    for start in range(0, len(queries), AT_ONCE):
        here = right[start : start + AT_ONCE]
        scores = (queries[start : start + AT_ONCE] @ candidates.T).astype(np.float64)
        best = np.where(here, scores, -np.inf).max(axis=1, keepdims=True)
        before = ((scores >= best - TIE) & ~here).sum(axis=1)
        ranks.append(before[here.any(axis=1)] + 1)
    return np.concatenate(ranks) if ranks else np.zeros(0, np.int64)


def _right(image_of_text: Any, images: int, texts: int) -> NDArray[np.bool_]:
    if image_of_text is None:
        if images != texts:
            raise ValueError(f"{images} images and {texts} texts are no pairs; image_of_text says which belong")
        return np.eye(images, dtype=bool)
    if hasattr(image_of_text, "detach"):
        image_of_text = image_of_text.detach().cpu().numpy()
    given = np.asarray(image_of_text)
    if given.dtype == bool:
        if given.shape != (images, texts):
            raise ValueError(f"image_of_text has the shape {given.shape}, not [{images}, {texts}]")
        return given
    if given.shape != (texts,) or (given < 0).any() or (given >= images).any():
        raise ValueError(f"image_of_text must hold a number below {images} for each of the {texts} texts")
    right = np.zeros((images, texts), bool)
    right[given, np.arange(texts)] = True
    return right


def probe(subject: Subject) -> Finding:
    """Recall of captions by their images and of images by their captions, at 1, 5 and 10, and the median rank."""
    encoder, test = subject.words(), subject.test.captioned
    if len(test) < 2:
        raise Unable(f"it needs captions, and {subject.test.name} has none")
    test = test.sample(MOST, subject.seed)
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
        Failure((test.image(i),), f"“{test.items[i].caption}” came after “{texts[first]}”")
        for i, first in zip(missed, best, strict=True)
    )
    note = f"{len(test):,} images, {len(texts):,} different captions; a caption of several images is right for each."
    return Finding(figures, {"chance": beside}, (note,), failures)
