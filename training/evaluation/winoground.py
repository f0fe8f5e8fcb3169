"""Winoground: matching of two images and two captions that consist of the same words.

Thrush et al. 2022, "Winoground: Probing Vision and Language Models for Visio-Linguistic Compositionality".
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from training.evaluation.generated import generated_pairs, side_for
from training.evaluation.pairs import NoPairs, PairExample, embed_pairs, open_pairs
from training.evaluation.rows import TIE, Array, exact_unit_rows
from training.evaluation.subject import Failure, ProbeResult, Subject
from training.models.encoder import Encoder
from training.models.intervals import Figure, figure_of

SCORES = ("text", "image", "group")
CLIP = "CLIP ViT-B/32"
REFERENCES = {"chance": (1 / 4, 1 / 4, 1 / 6), "human": (0.895, 0.885, 0.855), CLIP: (0.3075, 0.105, 0.08)}
CLIP_BY_TAG = {  # Winoground's collapsed tags; text, image, group
    "object": (0.3475, 0.0780, 0.0638),
    "relation": (0.2275, 0.0858, 0.0558),
    "both": (0.8077, 0.4231, 0.3846),
}
MAX_FAILURES = 12


def winoground_scores(image_0: Array, image_1: Array, caption_0: Array, caption_1: Array) -> dict[str, float]:
    """{"text", "image", "group"}, fractions in 0..1.

    Each input is [N, D]; row i of the four is one example, and caption_0 belongs to image_0. text: each image has the
    higher cosine with its own caption. image: each caption has the higher cosine with its own image. group: both.
    Cosines are computed in float64. A difference of at most 1e-6 is a tie, and a tie is wrong: a collapsed encoder
    and a bag-of-words encoder score 0. Chance (independent random vectors) is 1/4, 1/4, 1/6.
    """
    wins = winoground_wins(image_0, image_1, caption_0, caption_1)
    return {score: float(won.mean()) for score, won in wins.items()}


def winoground_wins(image_0: Array, image_1: Array, caption_0: Array, caption_1: Array) -> dict[str, NDArray[np.bool_]]:
    """Which examples are correct: {"text", "image", "group"}, bool [N] each."""
    scores = pair_matrix(image_0, image_1, caption_0, caption_1)
    return wins_of_matrix(scores)


def pair_matrix(image_0: Array, image_1: Array, caption_0: Array, caption_1: Array) -> NDArray[np.float64]:
    """Cosines [N, 2, 2], images by captions. ValueError if the shapes differ or are empty."""
    named = {"image_0": image_0, "image_1": image_1, "caption_0": caption_0, "caption_1": caption_1}
    parts = {name: exact_unit_rows(value, name) for name, value in named.items()}
    shapes = {name: part.shape for name, part in parts.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError("the four must have the same shape: " + ", ".join(f"{name} {shapes[name]}" for name in shapes))
    if not len(parts["image_0"]):
        raise ValueError("there are no examples")
    images = np.stack([parts["image_0"], parts["image_1"]], axis=1)  # [N, 2, D]
    captions = np.stack([parts["caption_0"], parts["caption_1"]], axis=1)
    return np.einsum("nid,ncd->nic", images, captions)


def wins_of_matrix(scores: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
    """Which examples are correct, from scores [N, 2, 2], images by captions, with matching pairs on the diagonal."""
    right_0, right_1, wrong_01, wrong_10 = scores[:, 0, 0], scores[:, 1, 1], scores[:, 0, 1], scores[:, 1, 0]
    text = (right_0 - wrong_01 > TIE) & (right_1 - wrong_10 > TIE)  # the image stays, the caption changes
    image = (right_0 - wrong_10 > TIE) & (right_1 - wrong_01 > TIE)  # the caption stays, the image changes
    return {"text": text, "image": image, "group": text & image}


def wins_of_pair(scores: NDArray[np.float64]) -> dict[str, bool]:
    """wins_of_matrix of one example, scores [2, 2]."""
    return {name: bool(won[0]) for name, won in wins_of_matrix(scores[None]).items()}


def probe(subject: Subject) -> ProbeResult:
    """Text, image and group score, also by tag, of the data if it is a set of pairs, else of generated scenes."""
    encoder = subject.text_encoder()
    pairs, of = _examples(subject)
    return result_of(embed_pairs(encoder, pairs), [example.tag for example in pairs], pairs, of)


def figures_by_kind(encoder: Encoder, each: int, seed: int) -> dict[str, dict[str, Figure]]:
    """Text, image and group score of each kind of generated pair, `each` pairs of a kind."""
    pairs = generated_pairs(each, seed, side_for(encoder))
    wins = winoground_wins(**embed_pairs(encoder, pairs))
    kinds = np.array([pair.tag for pair in pairs])
    return {
        str(kind): {score: figure_of(wins[score][kinds == kind]) for score in SCORES} for kind in dict.fromkeys(kinds)
    }


def _examples(subject: Subject) -> tuple[list[PairExample], str]:
    """The examples and their description."""
    if subject.other_data:
        try:
            return open_pairs(subject.other_data), f"examples of {subject.data}"
        except NoPairs:
            subject.check_data_exists()
    made = generated_pairs(subject.sample_size(100), subject.seed, side_for(subject.encoder))
    return made, subject.generated("examples")


def result_of(
    features: Mapping[str, NDArray[np.floating]],
    tags: Sequence[str] = (),
    pairs: Sequence[PairExample] = (),
    of: str = "examples",
) -> ProbeResult:
    """The scores of embedded pairs.

    features: image_0, image_1, caption_0, caption_1. tags: [N], or empty. of: a description of the examples.
    """
    wins = winoground_wins(**features)
    figures = {score: figure_of(won) for score, won in wins.items()}
    beside: dict[str, dict[str, float]] = {name: dict(zip(SCORES, of, strict=True)) for name, of in REFERENCES.items()}
    for tag in sorted(set(tags) - {""}):
        here = np.array([other == tag for other in tags])
        figures |= {f"{tag}/{score}": figure_of(won[here]) for score, won in wins.items()}
        beside["chance"] |= {f"{tag}/{score}": beside["chance"][score] for score in SCORES}
        of_clip = CLIP_BY_TAG.get(tag.lower())
        if of_clip:
            beside[CLIP] |= {f"{tag}/{score}": value for score, value in zip(SCORES, of_clip, strict=True)}
    scores = pair_matrix(**features)
    lost = _of_each(np.flatnonzero(~wins["group"]).tolist(), tags) if pairs else []
    failures = tuple(
        Failure(tuple(open_() for open_ in pairs[i].images), verdict(scores[i], pairs[i].captions)) for i in lost
    )
    notes = (
        f"{len(scores):,} {of}. A difference of at most 1e-6 is a tie, and a tie is wrong.",
        "The values of humans and CLIP are for Winoground's own 400 examples (Thrush et al. 2022, table 3) and are "
        "not comparable to other examples. Random vectors score at chance; a bag of words scores 0.",
    )
    return ProbeResult(figures, beside, notes, failures)


def _of_each(lost: Sequence[int], tags: Sequence[str]) -> list[int]:
    """Up to MAX_FAILURES of the wrong examples, equally many for each tag."""
    kinds = sorted(set(tags)) or [""]
    most = max(1, MAX_FAILURES // len(kinds))
    shown = [i for kind in kinds for i in [i for i in lost if (tags[i] if tags else "") == kind][:most]]
    return shown[:MAX_FAILURES]


def verdict(scores: NDArray[np.float64], captions: Sequence[str]) -> str:
    """The result of one example, in a sentence. scores: [2, 2], images by captions."""
    won = {name: bool(of[0]) for name, of in wins_of_matrix(scores[None]).items()}
    table = "; ".join(
        f"“{caption}”: {scores[0, c]:.3f} on the first, {scores[1, c]:.3f} on the second"
        for c, caption in enumerate(captions)
    )
    if won["group"]:
        return f"All captions and images match. {table}"
    wrong = [
        "the captions of both images" if not won["text"] else "",
        "the images of both captions" if not won["image"] else "",
    ]
    return f"Does not find {', nor '.join(filter(None, wrong))}. {table}"
