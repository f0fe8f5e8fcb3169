"""Zero-shot classification (CLIP, section 3.1): the class whose text embedding is nearest to an image."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.models.encoder import Encoder, Vectors, unit
from training.models.errors import UserError
from training.models.lru_cache import LRUCache
from training.models.text_cache import cached_embeddings

EVERYDAY = Path(__file__).with_name("everyday.txt")  # common things, one a line
TOO_NEAR = 2.0  # standard deviations: an everyday word this near to a class means the same thing
CACHE_BYTES = 256 * 2**20  # of class embeddings in memory: a thousand classes by eighty templates of 768 dimensions

EmbeddingKey = tuple[str, tuple[str, ...], str]  # encoder, texts of a class, template


@dataclass(frozen=True)
class ClassName:
    """A class: the name that is shown, and the texts that are embedded for it (the name alone if none are given)."""

    name: str
    texts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.texts:
            object.__setattr__(self, "texts", (self.name,))


def check_classes(classes: Sequence[ClassName]) -> None:
    """UserError if there are no classes, or a name is empty or given twice."""
    names = [c.name for c in classes]
    if not names:
        raise UserError("There are no classes; give at least one, a name a line.")
    if not all(name.strip() for name in names):
        raise UserError("The name of a class is empty; give each class a name.")
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise UserError(f"The class {twice!r} is given twice; each name can stand once.")


def parse_classes(text: str) -> list[ClassName]:
    """One class a line, commas literal; `name: synonym, synonym` gives it further texts.

    A single line with commas and no colon is a list of classes, since one class alone decides nothing.
    Blank lines are left out. UserError if nothing is left or a name comes twice.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and "," in lines[0] and ":" not in lines[0]:
        lines = lines[0].split(",")
    classes = [one for line in lines if (one := parse_class(line)).name]
    check_classes(classes)
    return classes


def parse_class(line: str) -> ClassName:
    """`name` or `name: synonym, synonym`; the name is empty where the line has none."""
    name, _, synonyms = (part.strip() for part in line.partition(": "))
    name = name.rstrip(":")
    return ClassName(name, (name, *(s.strip() for s in synonyms.split(",") if s.strip())))


def class_line(one: ClassName) -> str:
    """The line that parse_class reads as this class."""
    return f"{one.name}: {', '.join(one.texts[1:])}" if len(one.texts) > 1 else one.name


def zero_shot_classifier(encoder: Encoder, classes: Sequence[ClassName], templates: Sequence[str]) -> Vectors:
    """[K, dim], unit rows: the mean of a class's embedded prompts, renormalised; cached on disk by encoder.

    Every text of a class goes into every template; each prompt counts the same.
    """
    return ClassEmbeddings(encoder).classifier(classes, templates)


class ClassEmbeddings:
    """Class embeddings of one encoder, cached: after a change only the changed classes are embedded again.

    Safe from any thread. embedded: prompts that went through the text encoder so far. cache: where the embeddings
    are held in memory; it may be shared by several encoders.
    """

    def __init__(self, encoder: Encoder, cache: "LRUCache[EmbeddingKey, Vectors] | None" = None):
        self.encoder, self.embedded = encoder, 0
        self.cache = embedding_cache() if cache is None else cache
        self._name = f"{encoder.fingerprint}-{encoder.runtime}-{encoder.precision}"
        self._everyday: LRUCache[tuple[str, ...], Vectors] = LRUCache(8)
        self._embedding = threading.RLock()  # one thread at a time, so that no prompt is embedded twice

    def by_template(self, classes: Sequence[ClassName], templates: Sequence[str]) -> NDArray[np.float32]:
        """[T, K, dim]: the mean of a class's prompts of each template, not renormalised."""
        wanted = [(self._name, c.texts, template) for template in templates for c in classes]
        with self._embedding:
            found = {key: mean for key in dict.fromkeys(wanted) if (mean := self.cache.get(key)) is not None}
            missing = [key for key in dict.fromkeys(wanted) if key not in found]
            if missing:
                prompts = [template.replace("{}", text) for _, texts, template in missing for text in texts]
                rows = self.encoder.embed_texts(prompts)
                self.embedded += len(prompts)
                ends = np.cumsum([len(texts) for _, texts, _ in missing])
                for key, part in zip(missing, np.split(rows, ends[:-1]), strict=True):
                    found[key] = self.cache[key] = part.mean(axis=0)
        return np.stack([found[key] for key in wanted]).reshape(len(templates), len(classes), -1)

    def classifier(self, classes: Sequence[ClassName], templates: Sequence[str]) -> Vectors:
        """[K, dim], unit rows: what `zero_shot_classifier` returns."""
        keys = [json.dumps([c.texts, list(templates)]) for c in classes]

        def embed(missing: list[int]) -> Vectors:
            return unit(self.by_template([classes[i] for i in missing], templates).mean(axis=0))

        return cached_embeddings(self.encoder, keys, embed)

    def none_embeddings(self, classifier: Vectors, templates: Sequence[str]) -> Vectors:
        """[M, dim]: embeddings of everyday things that are none of the classes [K, dim].

        A word that lies much nearer to a class than everyday words do (by TOO_NEAR deviations) is
        another name for it, a part of it or its kind, and is left out.
        """

        def embed() -> Vectors:
            return zero_shot_classifier(self.encoder, [ClassName(word) for word in everyday_words()], templates)

        return far_from(self._everyday.get_or_make(tuple(templates), embed), classifier)


def embedding_cache() -> "LRUCache[EmbeddingKey, Vectors]":
    """An empty cache of class embeddings, bounded in bytes."""
    return LRUCache(CACHE_BYTES, size=lambda mean: mean.nbytes)


def everyday_words() -> list[str]:
    """Common things that images show."""
    return EVERYDAY.read_text(encoding="utf-8").split("\n")[:-1]


def far_from(bank: Vectors, classifier: Vectors) -> Vectors:
    """The rows of bank [M, dim] that lie far enough from every class [K, dim] to be something else."""
    cosines = bank @ classifier.T  # [words, classes]
    deviations = (cosines - cosines.mean(axis=0)) / np.maximum(cosines.std(axis=0), 1e-6)
    nearest = deviations.max(axis=1)
    # A thousand classes lie near to nearly every word; the farthest fifth always stays.
    return bank[nearest <= max(TOO_NEAR, np.quantile(nearest, 0.2))]
