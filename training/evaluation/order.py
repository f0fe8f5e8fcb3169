"""Word order: does a caption's embedding change when its words are reordered and its meaning changes?

The ratio of two distances from a caption: to a caption of the same words with another meaning, and to a paraphrase with
the same meaning. It is 0 for a bag of words. Below 1, a paraphrase changes the embedding more than another meaning.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.scenes.captions import read, say
from training.data.scenes.contrasts import WINOGROUND, winoground_pair
from training.data.scenes.graph import Draws
from training.evaluation.generated import side_for
from training.evaluation.rows import TIE, Array, exact_unit_rows
from training.evaluation.subject import Failure, NotApplicable, ProbeResult, Subject
from training.evaluation.wording import variants, words_of
from training.models.encoder import Encoder
from training.models.intervals import Figure, figure_of, figure_of_statistic

SHUFFLES = 4  # shuffled captions that an image's caption is compared with
FRAMES = ("a picture of {}", "there is {}", "{} in a photograph")  # paraphrases of any caption


@dataclass(frozen=True)
class Rewording:
    """A caption, the same words with another meaning, and other words with the same meaning."""

    caption: str
    otherwise: str
    paraphrase: str
    image: Image.Image | None = None


def moved(rows: Array, others: Array) -> NDArray[np.float64]:
    """1 - cosine of each pair of rows, [N]; values below 1e-6 are rounding errors and count as 0."""
    gap = 1 - (exact_unit_rows(rows) * exact_unit_rows(others)).sum(axis=1)
    return np.where(gap > TIE, gap, 0.0)


def order_sensitivity(otherwise: Array, paraphrased: Array, seed: int = 0) -> Figure:
    """The mean distance to another order over the mean distance to a paraphrase, with its interval; inputs are [N].

    0 if no reordering changes the embedding.
    """
    first, second = np.asarray(otherwise, np.float64), np.asarray(paraphrased, np.float64)

    def ratio(weights: NDArray[np.float64]) -> float:
        above, below = float(weights @ first), float(weights @ second)
        return above / max(below, 1e-12) if above > 0 else 0.0

    return figure_of_statistic(ratio, len(first), seed=seed)


def generated_rewordings(count: int, seed: int, pixels: int) -> list[Rewording]:
    """Captions of generated pairs, the other caption of the pair, and the same claim in synonyms."""
    found = []
    for i in range(count):
        pair = winoground_pair(seed, i, WINOGROUND[i % len(WINOGROUND)], pixels)
        same = say(read(pair.caption_0), Draws(seed, i, 77), synonyms=1.0)
        same = same if same != pair.caption_0 else f"a picture of {same}"
        found.append(Rewording(pair.caption_0, pair.caption_1, same, Image.fromarray(pair.image_0)))
    return found


def prefers_own_order(encoder: Encoder, images: Sequence[Image.Image], captions: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each image is nearer to its caption than to SHUFFLES shuffles of it, [N]."""
    orders = [[v.text for v in variants(c, shuffles=SHUFFLES) if v.kind == "shuffle"] for c in captions]
    plain = [" ".join(words_of(c)) for c in captions]
    rows = encoder.embed_texts([text for p, o in zip(plain, orders, strict=True) for text in (p, *o)])
    vectors = encoder.embed_images(list(images)).astype(np.float64)
    won, at = [], 0
    for vector, others in zip(vectors, orders, strict=True):
        scores = rows[at : at + 1 + len(others)].astype(np.float64) @ vector
        won.append(bool(len(others) and (scores[0] - scores[1:] > TIE).all()))
        at += 1 + len(others)
    return np.array(won)


def probe(subject: Subject) -> ProbeResult:
    """Order sensitivity on generated captions with known meaning, and on the captions of the data if it has some."""
    encoder = subject.text_encoder()
    count = subject.sample_size(400)
    made = generated_rewordings(count, subject.seed, side_for(encoder))
    rows = encoder.embed_texts([text for r in made for text in (r.caption, r.otherwise, r.paraphrase)])
    otherwise, same = moved(rows[::3], rows[1::3]), moved(rows[::3], rows[2::3])
    scrambled = [_scrambles(r.caption) for r in made]
    figures: dict[str, Figure] = {
        "order sensitivity": order_sensitivity(otherwise, same, subject.seed),
        "distance to another meaning": figure_of(otherwise),
        "distance to a paraphrase": figure_of(same),
    }
    for kind in ("reverse", "shuffle"):
        pairs = [(i, found[kind]) for i, found in enumerate(scrambled) if kind in found]
        other = encoder.embed_texts([text for _, text in pairs])
        figures[f"distance after {kind}"] = figure_of(moved(rows[::3][[i for i, _ in pairs]], other))
    with_images = made[: max(20, count // 4)]
    won = prefers_own_order(encoder, [r.image for r in with_images if r.image], [r.caption for r in with_images])
    figures["correct order ranked first"] = figure_of(won)
    chance = {"correct order ranked first": 1 / (1 + SHUFFLES)}
    captions = _captions(subject, count)
    if captions:
        figures["order sensitivity, the data's captions"] = _of_data(encoder, captions, subject.seed)
    failures = tuple(
        Failure((r.image,), f"“{r.caption}” is not nearer than {SHUFFLES} shuffles of it")
        for r, ok in zip(with_images, won, strict=True)
        if not ok and r.image
    )[:8]
    note = (
        "Another meaning: the same words in another order, which describe another image. Paraphrase: synonyms, or the "
        "inverse relation."
    )
    return ProbeResult(figures, {"chance": chance, "a bag of words": {"order sensitivity": 0.0}}, (note,), failures)


def _captions(subject: Subject, count: int) -> list[str]:
    """Captions of the data with at least three words; empty if it has few."""
    try:
        captioned = subject.test.captioned
    except NotApplicable:
        return []
    if len(captioned) < 10:
        return []
    captions = [item.caption for item in captioned.sample(count, subject.seed).items]
    return [caption for caption in captions if len(words_of(caption)) >= 3]


def _scrambles(caption: str) -> dict[str, str]:
    return {variant.kind: variant.text for variant in variants(caption, shuffles=1)}


def _of_data(encoder: Encoder, captions: Sequence[str], seed: int) -> Figure:
    """Shuffles against frames such as "a picture of ...", for captions without known synonyms."""
    plain = [" ".join(words_of(c)) for c in captions]
    shuffled = [_scrambles(c).get("shuffle", "") or p for c, p in zip(captions, plain, strict=True)]
    framed = [FRAMES[i % len(FRAMES)].format(p) for i, p in enumerate(plain)]
    rows, other, same = (encoder.embed_texts(texts) for texts in (plain, shuffled, framed))
    return order_sensitivity(moved(rows, other), moved(rows, same), seed)
