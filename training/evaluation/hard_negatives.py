"""Hard negatives: accuracy for captions against captions that differ in one or two words.

The examples are SugarCrepe's or ARO's files, or generated scenes. Hsieh et al. showed that some such benchmarks can be
solved from the captions alone. A text-only score is therefore reported with each figure.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.evaluation.generated import generated_negatives, side_for
from training.evaluation.negatives import FOLDERS, HardNegative, NoNegatives, read_negatives
from training.evaluation.rows import TIE, Array, exact_unit_rows
from training.evaluation.subject import Failure, NotApplicable, ProbeResult, Subject
from training.models.encoder import BATCH, Encoder
from training.models.intervals import Figure, figure_of

HASHES = 1 << 14  # hashed features (words and word pairs) of the text-only score
MAX_FAILURES = 12


def hard_negative_wins(images: Array, captions: Array, negatives: Array) -> NDArray[np.bool_]:
    """Whether each caption is nearer to its image than its negative, [N]; inputs are [N, D]. A tie (1e-6) is wrong."""
    rows, positive, negative = (exact_unit_rows(part) for part in (images, captions, negatives))
    return (rows * (positive - negative)).sum(axis=1) > TIE


def blind_wins(captions: Sequence[str], negatives: Sequence[str], seed: int = 0) -> NDArray[np.float64]:
    """Whether the true caption is found without its image, [N]: 1, 0, or 0.5 if the features are equal.

    A logistic regression on words, word pairs and length, fitted on the other half of the examples. A mean well above
    0.5 shows that the examples can be solved without images.
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
        sign = np.where(np.arange(len(train)) % 2 == 0, 1.0, -1.0)  # alternate the order, so that there are two classes
        if len(train) < 2:
            continue
        fitted = LogisticRegression(fit_intercept=False, max_iter=200).fit(
            csr_matrix(rows[train].multiply(sign[:, None])), sign
        )
        margin[test] = fitted.decision_function(rows[test])
    return np.where(np.abs(margin) < 1e-9, 0.5, (margin > 0).astype(float))


def probe(subject: Subject) -> ProbeResult:
    """How often the true caption is nearer than a false one, by kind, with the text-only score."""
    encoder = subject.text_encoder()
    examples, of = _examples(subject)
    available = [example for example in examples if example.image is not None]
    if not available:
        raise NotApplicable(
            f"it needs the images of {subject.data}, and none of the {len(examples):,} is in its folder or in "
            f"{', '.join(FOLDERS[1:])} there"
        )
    won, failures = _won(encoder, available)
    blind = blind_wins([e.caption for e in available], [e.negative for e in available], subject.seed)
    kinds = sorted({example.kind for example in available})
    figures: dict[str, Figure] = {"all": figure_of(won)}
    for kind in kinds:
        here = np.array([example.kind == kind for example in available])
        figures[kind] = figure_of(won[here])
        if len(kinds) == 1:
            break
    text_alone: dict[str, float] = {"all": float(blind.mean())}
    text_alone |= {kind: float(blind[np.array([e.kind == kind for e in available])].mean()) for kind in kinds}
    notes = [f"{len(available):,} {of}. A tie is wrong. “Text alone” is a cross-fitted classifier of words and length."]
    if len(available) < len(examples):
        notes.append(f"{len(examples) - len(available):,} more examples were left out, since their images are missing.")
    return ProbeResult(
        figures, {"chance": dict.fromkeys(figures, 0.5), "text alone": text_alone}, tuple(notes), failures
    )


def _examples(subject: Subject) -> tuple[list[HardNegative], str]:
    """The examples and their description."""
    if subject.other_data:
        try:
            return read_negatives(subject.other_data), f"examples of {subject.data}"
        except NoNegatives:
            subject.check_data_exists()
    made = generated_negatives(subject.sample_size(100), subject.seed, side_for(subject.encoder))
    return made, subject.generated("examples")


def _won(encoder: Encoder, examples: Sequence[HardNegative]) -> tuple[NDArray[np.bool_], tuple[Failure, ...]]:
    images = []
    for start in range(0, len(examples), BATCH):
        images.append(encoder.embed_images([e.image() for e in examples[start : start + BATCH] if e.image]))
    captions = encoder.embed_texts([e.caption for e in examples])
    negatives = encoder.embed_texts([e.negative for e in examples])
    won = hard_negative_wins(np.concatenate(images), captions, negatives)
    lost = [examples[i] for i in np.flatnonzero(~won)[:MAX_FAILURES]]
    return won, tuple(
        Failure((e.image(),), f"“{e.negative}” scored at least as high as “{e.caption}” ({e.kind})")
        for e in lost
        if e.image
    )
