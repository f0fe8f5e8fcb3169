"""What a bare word shows, learned from the photographs whose captions say it: part of version 2 of the bridge.

The vector of a word as text is the start, and ridge regression towards it moves it to where the photographs lie that
show the word. A photograph shows a word if its captions say it or a word for a kind of it ("vehicle": a bus), by
WordNet's hypernyms (Fellbaum 1998). The vectors of photographs come from maps that were fitted without them.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.models.encoder import Vectors
from training.starter.kinds import read_nouns

PENALTY = 10.0  # of the mean variance of a vector's number
LONGEST = 1.0  # a shift, beside the text's own unit vector
SHIFT_TEMPERATURE = 0.03  # of a text's mixture of words for their shifts: the nearest counts nearly alone
IRREGULAR = {"men": "man", "women": "woman", "children": "child", "people": "person"}
ENDINGS = (("", ""), ("s", ""), ("es", ""), ("ies", "y"))  # of a word, and what stands there in the singular


def shows(captions: Sequence[Sequence[str]], words: Sequence[str], below: dict[str, set[str]]) -> NDArray[np.bool_]:
    """[N, V]: whether the captions of each photograph say each word or one of those below it."""
    said = [set(re.findall(r"[a-z]{2,}", " ".join(of).lower())) for of in captions]
    return np.array([[not below[word].isdisjoint(of) for word in words] for of in said])


def words_below(words: Sequence[str], nouns: Path) -> dict[str, set[str]]:
    """Each word with those of the words that name a kind of it, by the commonest sense of both.

    nouns: WordNet's data.noun, beside its index.noun.
    """
    first = first_senses(nouns.with_name("index.noun"))
    above = {offset: hypernyms for offset, _, hypernyms in read_nouns(nouns)}
    senses = {word: sense for word in words if (sense := _sense(word, first))}
    kinds_of = {word: _closure(sense, above) for word, sense in senses.items()}
    return {word: {word, *(other for other, kinds in kinds_of.items() if senses.get(word) in kinds)} for word in words}


def first_senses(index: Path) -> dict[str, str]:
    """The commonest sense of each noun, as an offset into data.noun: the first in WordNet's index.noun (wndb(5WN))."""
    first = {}
    with index.open(encoding="latin-1") as lines:
        for line in lines:
            if not line.startswith("  "):  # the licence
                fields = line.split()
                first[fields[0].replace("_", " ")] = fields[-int(fields[2])]
    return first


def word_shifts(
    vectors: Vectors,
    shown: NDArray[np.bool_],
    texts: Vectors,
    penalty: float = PENALTY,
    longest: float = LONGEST,
) -> NDArray[np.float64]:
    """[V, d]: what is added to each text vector [V, d] so that it finds the photographs [N, d] that show it [N, V].

    Least squares of what is shown on the photographs' vectors, all of them about their means. The coefficients are a
    multiple of the text vector, which costs nothing, and a rest, which is penalised; the shift is their quotient, of
    length longest at most. penalty: of the mean variance of a vector's number.
    """
    rows, wanted = (np.asarray(part, np.float64) - part.mean(axis=0) for part in (vectors, shown))
    by_text = rows @ texts.T  # [N, V]
    scale = (by_text * wanted).sum(axis=0) / np.maximum(np.square(by_text).sum(axis=0), 1e-9)
    gram = rows.T @ rows
    ridge = penalty * np.trace(gram) / len(gram) * np.eye(len(gram))
    rest = np.linalg.solve(gram + ridge, rows.T @ (wanted - scale * by_text)).T
    shifts = rest / np.maximum(scale, 1e-6)[:, None]
    return shifts * np.minimum(1, longest / np.maximum(np.linalg.norm(shifts, axis=1, keepdims=True), 1e-9))


def _sense(word: str, first: dict[str, str]) -> str | None:
    singulars = [word.removesuffix(ending) + singular for ending, singular in ENDINGS if word.endswith(ending)]
    return next((first[one] for one in (IRREGULAR.get(word, word), *singulars) if one in first), None)


def _closure(sense: str, above: dict[str, tuple[str, ...]]) -> set[str]:
    """A sense and all its hypernyms."""
    found, waiting = {sense}, [sense]
    while waiting:
        new = set(above.get(waiting.pop(), ())) - found
        found |= new
        waiting.extend(new)
    return found
