"""Order: does a caption's embedding move when its words change places and its meaning with them?

One number: how far captions of the same words that say something else lie from a caption, over how far a paraphrase
that says the same lies from it. A bag of words has 0; below 1, rewording moves more than changing who does what.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.contrasts import WINOGROUND, winoground_pair
from training.data.grammar import read, say
from training.data.world import Draws
from training.evaluation.generated import side_for
from training.evaluation.rows import TIE, exact_unit_rows
from training.evaluation.subject import Failure, Finding, Subject, Unable
from training.evaluation.wording import variants, words_of
from training.models.encoder import Encoder
from training.models.intervals import Figure, figure_of, figure_of_statistic

SHUFFLES = 4  # other orders that an image's caption must beat
FRAMES = ("a picture of {}", "there is {}", "{} in a photograph")  # a paraphrase of any caption


@dataclass(frozen=True)
class Rewording:
    """A caption, the same words with another meaning, and other words with the same meaning."""

    caption: str
    otherwise: str
    paraphrase: str
    image: Image.Image | None = None


def moved(rows: Any, others: Any) -> NDArray[np.float64]:
    """1 - cosine, row by row: [N]; differences below 1e-6 are rounding and count as none."""
    gap = 1 - (exact_unit_rows(rows) * exact_unit_rows(others)).sum(axis=1)
    return np.where(gap > TIE, gap, 0.0)


def order_sensitivity(otherwise: Any, paraphrased: Any, seed: int = 0) -> Figure:
    """Mean movement by another order over mean movement by a paraphrase, with its interval over captions; [N] each.

    0 if no order moves anything, even where no paraphrase does.
    """
    first, second = np.asarray(otherwise, np.float64), np.asarray(paraphrased, np.float64)

    def ratio(weights: NDArray) -> float:
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
    """Whether each image is nearer to its caption than to all SHUFFLES other orders of its words, [N]."""
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


def probe(subject: Subject) -> Finding:
    """Order sensitivity on generated captions with exact truth, and on the data's own captions if it has some."""
    encoder = subject.words()
    count = subject.many(400)
    made = generated_rewordings(count, subject.seed, side_for(encoder))
    rows = encoder.embed_texts([text for r in made for text in (r.caption, r.otherwise, r.paraphrase)])
    otherwise, same = moved(rows[::3], rows[1::3]), moved(rows[::3], rows[2::3])
    scrambled = [_scrambles(r.caption) for r in made]
    figures: dict[str, Figure] = {
        "order sensitivity": order_sensitivity(otherwise, same, subject.seed),
        "moved by another meaning": figure_of(otherwise),
        "moved by a paraphrase": figure_of(same),
    }
    for kind in ("reverse", "shuffle"):
        pairs = [(i, found[kind]) for i, found in enumerate(scrambled) if kind in found]
        other = encoder.embed_texts([text for _, text in pairs])
        figures[f"moved by {kind}"] = figure_of(moved(rows[::3][[i for i, _ in pairs]], other))
    with_images = made[: max(20, count // 4)]
    won = prefers_own_order(encoder, [r.image for r in with_images if r.image], [r.caption for r in with_images])
    figures["own order first"] = figure_of(won)
    chance = {"own order first": 1 / (1 + SHUFFLES)}
    said = _captions(subject, count)
    if said:
        figures["order sensitivity, the data's captions"] = _of_data(encoder, said, subject.seed)
    failures = tuple(
        Failure((r.image,), f"“{r.caption}” is not nearer than {SHUFFLES} shuffles of it")
        for r, ok in zip(with_images, won, strict=True)
        if not ok and r.image
    )[:8]
    note = "Another meaning: the same words, true of another image. A paraphrase: synonyms, or the other way round."
    return Finding(figures, {"chance": chance, "a bag of words": {"order sensitivity": 0.0}}, (note,), failures)


def _captions(subject: Subject, count: int) -> list[str]:
    """Some captions of the data that can be put in another order; none if it has few."""
    try:
        captioned = subject.test.captioned
    except Unable:
        return []
    if len(captioned) < 10:
        return []
    said = [item.caption for item in captioned.sample(count, subject.seed).items]
    return [text for text in said if len(words_of(text)) >= 3]


def _scrambles(caption: str) -> dict[str, str]:
    return {variant.kind: variant.text for variant in variants(caption, shuffles=1)}


def _of_data(encoder: Encoder, captions: Sequence[str], seed: int) -> Figure:
    """Shuffles against frames such as "a picture of ...", for captions without known synonyms."""
    plain = [" ".join(words_of(c)) for c in captions]
    shuffled = [_scrambles(c).get("shuffle", "") or p for c, p in zip(captions, plain, strict=True)]
    framed = [FRAMES[i % len(FRAMES)].format(p) for i, p in enumerate(plain)]
    rows, other, same = (encoder.embed_texts(texts) for texts in (plain, shuffled, framed))
    return order_sensitivity(moved(rows, other), moved(rows, same), seed)
