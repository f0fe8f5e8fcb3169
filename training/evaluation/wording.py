"""A caption in other orders, and whether an encoder notices.

What is a noun or an adjective is told from the closed classes of English alone: between two function
words stands a group such as "small brown dog", whose last word is its noun and whose others describe
it. A verb ends a group by its ending (-ing) or by the article that follows it ("dog chases the"). That
is right for captions and wrong for some sentences, so every variant is shown as text, never assumed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.models.encoder import Encoder
from training.models.lru_cache import LRUCache


def words_of(text: str) -> list[str]:
    """The words of a text without its punctuation; apostrophes and hyphens belong to a word."""
    return re.findall(r"\w+(?:['’-]\w+)*", text)


DETERMINERS = frozenset(
    words_of("a an the this that these those its his her their my our your one two three four some")
)
RELATIONS = frozenset(
    words_of(
        "on in at by of off to into onto from under over above below beside behind between near with without inside "
        "outside left right around across along against through before after beneath upon toward towards than front "
        "top next"
    )
)
OTHERS = frozenset(
    words_of(
        "and or but not no is are was were be been being has have had do does did it he she they there here who which "
        "what while as so very each other another both all"
    )
)
ENOUGH_WORDS = 3  # below, there is hardly an order to speak of
SMALLEST_SHARE = 0.05  # of what leaving out a word moves: rounding of a bfloat16 tower stays well below


@dataclass(frozen=True)
class Variant:
    """A caption in other words. kind: what was done to it, for example "swap nouns", or "original"."""

    kind: str
    text: str


@dataclass(frozen=True)
class OrderEffect:
    """How far reordering moves a text's embedding beside how far leaving out one of its words does.

    reordered, shortened: mean of 1 - cosine to the text's own embedding.
    """

    reordered: float
    shortened: float

    @property
    def share(self) -> float:
        """Of the movement by a missing word; 0 for a bag of words."""
        return self.reordered / max(self.shortened, 1e-9)

    @property
    def matters(self) -> bool:
        return self.share > SMALLEST_SHARE


def noun_groups(words: Sequence[str]) -> list[tuple[list[int], int]]:
    """(places of the adjectives, place of the noun) of each noun group, in order."""
    groups: list[tuple[list[int], int]] = []
    held: list[int] = []

    def close(verb_last: bool) -> None:
        if verb_last and len(held) > 1:
            held.pop()
        if held:
            groups.append((held[:-1], held[-1]))
        held.clear()

    for i, word in enumerate(word.lower() for word in words):
        if word in DETERMINERS:
            close(verb_last=True)  # "the dog chases a cat": what stands before an article is no noun
        elif word in RELATIONS or word in OTHERS or (word.endswith("ing") and len(word) > 4 and held):
            close(verb_last=False)
        elif not (word.endswith("ing") and len(word) > 4):
            held.append(i)
    close(verb_last=False)
    return groups


def variants(caption: str, shuffles: int = 16) -> list[Variant]:
    """The same words in other orders, and without their relation words; never the caption itself, none twice."""
    words = words_of(caption)
    lower = [word.lower() for word in words]
    groups = noun_groups(words)
    nouns = [noun for _, noun in groups]
    adjectives = [adjectives for adjectives, _ in groups if adjectives]
    found: list[Variant] = []
    seen = {tuple(lower)}

    def add(kind: str, order: Sequence[str]) -> None:
        now = tuple(word.lower() for word in order)
        if now and now not in seen:
            seen.add(now)
            found.append(Variant(kind, " ".join(order)))

    for i, first in enumerate(nouns):
        for second in nouns[i + 1 :]:
            add("swap nouns", _swapped(words, [first], [second]))
    for i, first_group in enumerate(adjectives):
        for second_group in adjectives[i + 1 :]:
            add("swap adjectives", _swapped(words, first_group, second_group))
    add("reverse", words[::-1])
    add("drop relation words", [word for word in words if word.lower() not in RELATIONS])
    rng = np.random.default_rng(0)
    for _ in range(4 * shuffles):
        if sum(variant.kind == "shuffle" for variant in found) == shuffles:
            break
        add("shuffle", [words[i] for i in rng.permutation(len(words))])
    return found


def _swapped(words: Sequence[str], first: Sequence[int], second: Sequence[int]) -> list[str]:
    """words with two stretches of them changed for each other; first lies before second."""
    a, b = slice(first[0], first[-1] + 1), slice(second[0], second[-1] + 1)
    return [*words[: a.start], *words[b], *words[a.stop : b.start], *words[a], *words[b.stop :]]


def order_effect(encoder: Encoder, text: str) -> OrderEffect | None:
    """How far other orders of text move its embedding; None for an image-only encoder or under three words."""
    text = " ".join(words_of(text))
    key = (encoder.fingerprint, encoder.runtime, encoder.precision, text)
    return _effects.get_or_make(key, lambda: _order_effect(encoder, text))


_effects: LRUCache[tuple[str, str, str, str], OrderEffect | None] = LRUCache(512)  # keeps no encoder in memory


def _order_effect(encoder: Encoder, text: str) -> OrderEffect | None:
    words = text.split()
    if not encoder.reads_text or len(words) < ENOUGH_WORDS:
        return None
    orders = [variant.text for variant in variants(text, shuffles=3) if variant.kind != "drop relation words"][:6]
    places = np.unique(np.linspace(0, len(words) - 1, 4).astype(int))
    shorter = [" ".join(words[:i] + words[i + 1 :]) for i in places]
    if not orders:
        return None  # the same word again and again
    rows = encoder.embed_texts([text, *orders, *shorter]).astype(np.float64)
    moved = np.maximum(1 - rows[1:] @ rows[0], 0.0)
    return OrderEffect(float(moved[: len(orders)].mean()), float(moved[len(orders) :].mean()))


def order_matters(encoder: Encoder, text: str) -> bool | None:
    """Whether other orders of text's words move its embedding measurably; None where it cannot be asked.

    Measurably: by more than SMALLEST_SHARE of what leaving out a single word moves it.
    """
    effect = order_effect(encoder, text)
    return None if effect is None else effect.matters
