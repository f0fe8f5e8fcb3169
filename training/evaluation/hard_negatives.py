"""Hard negatives: an image, its caption, and one that differs in a word or two; which is nearer?

SugarCrepe's and ARO's own files, or generated scenes.
A score means little where the captions alone give the answer away, as Hsieh et al. showed of ARO and others; so a score
that sees no image stands beside each.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.generated import generated_negatives, side_for
from training.evaluation.negatives import FOLDERS, HardNegative, NoNegatives, read_negatives
from training.evaluation.rows import TIE, exact_unit_rows
from training.evaluation.subject import Failure, Finding, Subject, Unable
from training.models.encoder import BATCH, Encoder
from training.models.intervals import Figure, figure_of

HASHES = 1 << 14  # places for words and pairs of words in the score that sees no image
MOST_FAILURES = 12


def hard_negative_wins(images: Any, captions: Any, negatives: Any) -> NDArray[np.bool_]:
    """Whether each caption is nearer to its image than its negative, [N]; each [N, D]. A tie (1e-6) is not."""
    images, right, wrong = (exact_unit_rows(part) for part in (images, captions, negatives))
    return (images * (right - wrong)).sum(axis=1) > TIE


def blind_wins(captions: Sequence[str], negatives: Sequence[str], seed: int = 0) -> NDArray[np.float64]:
    """How often the true caption is found without its image, [N]: 1, 0, or a half where nothing tells them apart.

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
    examples, of = _examples(subject)
    seen = [example for example in examples if example.image is not None]
    if not seen:
        raise Unable(
            f"it needs the images of {subject.data}, and none of the {len(examples):,} is in its folder or in "
            f"{', '.join(FOLDERS[1:])} there"
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
    notes = [f"{len(seen):,} {of}. A tie is wrong. “Text alone” is cross-fitted on words and length."]
    if len(seen) < len(examples):
        notes.append(f"{len(examples) - len(seen):,} more have no image here and were left out.")
    return Finding(figures, {"chance": dict.fromkeys(figures, 0.5), "text alone": known}, tuple(notes), failures)


def _examples(subject: Subject) -> tuple[list[HardNegative], str]:
    """What is asked, and in words what it is."""
    if subject.other_data:
        try:
            return read_negatives(subject.other_data), f"examples of {subject.data}"
        except NoNegatives:
            subject.must_exist()
    made = generated_negatives(subject.many(100), subject.seed, side_for(subject.encoder))
    return made, subject.generated("examples")


def _won(encoder: Encoder, seen: Sequence[HardNegative]) -> tuple[NDArray[np.bool_], tuple[Failure, ...]]:
    images = []
    for start in range(0, len(seen), BATCH):
        images.append(encoder.embed_images([e.image() for e in seen[start : start + BATCH] if e.image]))
    right = encoder.embed_texts([e.caption for e in seen])
    wrong = encoder.embed_texts([e.negative for e in seen])
    won = hard_negative_wins(np.concatenate(images), right, wrong)
    lost = [seen[i] for i in np.flatnonzero(~won)[:MOST_FAILURES]]
    return won, tuple(
        Failure((e.image(),), f"“{e.negative}” was not farther than “{e.caption}” ({e.kind})") for e in lost if e.image
    )
