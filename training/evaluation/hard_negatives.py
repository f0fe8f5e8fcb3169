"""Hard negatives: a picture, its caption, and one that differs in a word or two; which is nearer?

SugarCrepe (Hsieh et al. 2023) and ARO (Yuksekgonul et al. 2023) are read in their own files: a folder with their .json
beside the pictures (COCO's val2017, Visual Genome's), which are the user's. Without them, generated scenes.
A score means little where the captions alone give the answer away, as Hsieh et al. showed of ARO and others; so a score
that sees no picture stands beside each.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.contrasts import NEGATIVES, hard_negative
from training.evaluation.bootstrap import Figure, figure_of
from training.evaluation.generated import side_for
from training.evaluation.rows import TIE, exact_unit_rows
from training.evaluation.subject import Failure, Finding, Subject, Unable
from training.models.encoder import BATCH, Encoder
from training.models.errors import UserError
from training.models.preprocess import read_picture

FOLDERS = (".", "images", "val2017", "val2014")  # where the pictures may lie, beside the .json
HASHES = 1 << 14  # places for words and pairs of words in the score that sees no picture
MOST_FAILURES = 12


@dataclass(frozen=True)
class HardNegative:
    """A true and a false caption of a picture. picture: None where it is not there. kind: of the difference."""

    picture: Callable[[], Image.Image] | None
    caption: str
    negative: str
    kind: str


def hard_negative_wins(images: Any, captions: Any, negatives: Any) -> NDArray[np.bool_]:
    """Whether each caption is nearer to its picture than its negative, [N]; each [N, D]. A tie (1e-6) is not."""
    pictures, right, wrong = (exact_unit_rows(part) for part in (images, captions, negatives))
    return (pictures * (right - wrong)).sum(axis=1) > TIE


def read_negatives(spec: str) -> list[HardNegative]:
    """The examples of a .json, or of a folder of them. UserError if there are none that can be understood."""
    path = Path(spec).expanduser()
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    found = [example for file in files if file.is_file() for example in _of_file(file)]
    if not found:
        raise UserError(
            f"{spec} holds no hard negatives: it must be a .json of SugarCrepe or ARO, or a folder of them."
        )
    return found


def _of_file(file: Path) -> list[HardNegative]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    rows = list(document.values()) if isinstance(document, dict) else document
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return []
    if {"filename", "caption", "negative_caption"} <= set(rows[0]):  # SugarCrepe
        return [
            HardNegative(_picture(file, row["filename"]), row["caption"], row["negative_caption"], file.stem)
            for row in rows
        ]
    if {"image_path", "true_caption", "false_caption"} <= set(rows[0]):  # ARO's relations and attributes
        return [
            HardNegative(_picture(file, row["image_path"], _box(row)), row["true_caption"], row["false_caption"], kind)
            for row in rows
            for kind in [file.stem.removeprefix("visual_genome_")]
        ]
    return []


def _box(row: dict[str, Any]) -> tuple[int, int, int, int] | None:
    """ARO shows only the part of a picture that the caption is about."""
    if "bbox_x" not in row:
        return None
    x, y, width, height = (int(row[f"bbox_{side}"]) for side in "xywh")
    return x, y, x + width, y + height


def _picture(file: Path, name: str, box: tuple[int, int, int, int] | None = None) -> Callable[[], Image.Image] | None:
    plain = Path(name).name  # whatever folders a downloaded file names, only these are looked into
    place = next((p for folder in FOLDERS if (p := file.parent / folder / plain).is_file()), None)
    return None if place is None else partial(_open, place, box)


def _open(place: Path, box: tuple[int, int, int, int] | None) -> Image.Image:
    image = read_picture(place.read_bytes()).image
    return image.crop(box) if box else image


def generated_negatives(each: int, seed: int, pixels: int) -> list[HardNegative]:
    """So many of each kind that scenes have."""
    made = [hard_negative(seed, i, kind, pixels) for kind in NEGATIVES for i in range(each)]
    return [HardNegative(partial(Image.fromarray, m.image), m.caption, m.negative, m.kind) for m in made]


def blind_wins(captions: Sequence[str], negatives: Sequence[str], seed: int = 0) -> NDArray[np.float64]:
    """How often the true caption is found without its picture, [N]: 1, 0, or a half where nothing tells them apart.

    A logistic regression on words, pairs of words and length, fitted on the other half of the examples. Well above a
    half means that a set can be answered without looking.
    """
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression

    hashing = HashingVectorizer(n_features=HASHES, ngram_range=(1, 2), norm=None, token_pattern=r"\S+")
    gap = hashing.transform(captions) - hashing.transform(negatives)
    length = np.array([len(c.split()) - len(n.split()) for c, n in zip(captions, negatives, strict=True)], float)
    from scipy.sparse import csr_matrix, hstack

    rows = csr_matrix(hstack([gap, csr_matrix(length[:, None])]))
    order = np.random.default_rng(seed).permutation(len(captions))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    margin = np.zeros(len(captions))
    for train, test in (halves, halves[::-1]):
        if not len(train):
            continue
        sign = np.where(np.arange(len(train)) % 2 == 0, 1.0, -1.0)  # either order, so that there are two classes
        if len(train) < 2:
            continue
        fitted = LogisticRegression(fit_intercept=False, max_iter=200).fit(
            csr_matrix(rows[train].multiply(sign[:, None])), sign
        )
        margin[test] = fitted.decision_function(rows[test])
    return np.where(np.abs(margin) < 1e-9, 0.5, (margin > 0).astype(float))


def probe(subject: Subject) -> Finding:
    """How often the true caption is nearer than a false one, by kind, beside how often text alone finds it."""
    encoder = subject.words()
    examples = _examples(subject)
    seen = [example for example in examples if example.picture is not None]
    if not seen:
        raise Unable(
            f"it needs the pictures of {subject.data}, and none of the {len(examples):,} is in its folder or in images/"
        )
    won, failures = _won(encoder, seen)
    blind = blind_wins([e.caption for e in seen], [e.negative for e in seen], subject.seed)
    kinds = sorted({example.kind for example in seen})
    figures: dict[str, Figure] = {"all": figure_of(won)}
    for kind in kinds:
        here = np.array([example.kind == kind for example in seen])
        figures[kind] = figure_of(won[here])
        if len(kinds) == 1:
            break
    known: dict[str, float] = {"all": float(blind.mean())}
    known |= {kind: float(blind[np.array([e.kind == kind for e in seen])].mean()) for kind in kinds}
    notes = [f"{len(seen):,} examples. A tie is wrong. “Text alone” is cross-fitted on words and length."]
    if len(seen) < len(examples):
        notes.append(f"{len(examples) - len(seen):,} more have no picture here and were left out.")
    return Finding(figures, {"chance": dict.fromkeys(figures, 0.5), "text alone": known}, tuple(notes), failures)


def _examples(subject: Subject) -> list[HardNegative]:
    if subject.data is not None and not subject.data.startswith("scenes:"):
        try:
            return read_negatives(subject.data)
        except UserError:
            pass  # some other source: the generated ones serve
    return generated_negatives(subject.many(100), subject.seed, side_for(subject.encoder))


def _won(encoder: Encoder, seen: Sequence[HardNegative]) -> tuple[NDArray[np.bool_], tuple[Failure, ...]]:
    images = []
    for start in range(0, len(seen), BATCH):
        images.append(encoder.embed_images([e.picture() for e in seen[start : start + BATCH] if e.picture]))
    right = encoder.embed_texts([e.caption for e in seen])
    wrong = encoder.embed_texts([e.negative for e in seen])
    won = hard_negative_wins(np.concatenate(images), right, wrong)
    lost = [seen[i] for i in np.flatnonzero(~won)[:MOST_FAILURES]]
    return won, tuple(
        Failure((e.picture(),), f"“{e.negative}” was not farther than “{e.caption}” ({e.kind})")
        for e in lost
        if e.picture
    )
