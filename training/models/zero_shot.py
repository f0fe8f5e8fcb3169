"""Zero-shot classification (CLIP, section 3.1): the class whose words lie nearest is the label."""

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
from training.models.text_cache import remembered, remembered_texts

EVERYDAY = Path(__file__).with_name("everyday.txt")  # common things, one a line
CACHED_BYTES = 256 * 2**20  # of class embeddings in memory: a thousand classes by eighty templates of 768 dimensions
TOO_NEAR = 2.0  # standard deviations: an everyday word this near a class says the same thing


@dataclass(frozen=True)
class ClassName:
    """A class: the name that is shown, and the words that are embedded for it (the name if no others)."""

    name: str
    synonyms: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        return (self.name, *self.synonyms)


def parse_classes(text: str) -> list[ClassName]:
    """One class a line, commas literal; `name: synonym, synonym` gives it further words.

    A single line with commas and no colon is a list of classes, since one class alone decides nothing.
    Blank lines are left out. UserError if nothing is left or a name comes twice.
    """
    classes = []
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and "," in lines[0] and ":" not in lines[0]:
        lines = lines[0].split(",")
    for line in lines:
        name, _, synonyms = (part.strip() for part in line.partition(": "))
        if name:
            classes.append(ClassName(name.rstrip(":"), tuple(s.strip() for s in synonyms.split(",") if s.strip())))
    if not classes:
        raise UserError("There are no classes; give at least one, a name a line.")
    names = [c.name for c in classes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"The class {twice!r} is given twice; each name can stand once.")
    return classes


def zero_shot_classifier(encoder: Encoder, classes: Sequence[ClassName], templates: Sequence[str]) -> Vectors:
    """[K, dim], unit rows: the mean of a class's embedded prompts, renormalised.

    Every word of a class goes into every template; each prompt counts the same. Kept on disk by encoder.
    """
    words = [json.dumps([c.words, list(templates)]) for c in classes]

    def embed(wanted: list[int]) -> Vectors:
        prompts = [[t.replace("{}", word) for word in classes[i].words for t in templates] for i in wanted]
        rows = encoder.embed_texts([prompt for of_class in prompts for prompt in of_class])
        ends = np.cumsum([len(of_class) for of_class in prompts])
        return unit(np.stack([part.mean(axis=0) for part in np.split(rows, ends[:-1])]))

    return remembered(encoder, words, embed)


class ClassVectors:
    """Embeddings of class names by one encoder, cached: after a change only what changed is embedded again.

    Safe from any thread. embedded: texts that went through the encoder so far.
    """

    def __init__(self, encoder: Encoder):
        self.encoder, self.embedded = encoder, 0
        self._means: LRUCache[tuple[tuple[str, ...], str], NDArray[np.float32]] = LRUCache(
            CACHED_BYTES, size=lambda mean: mean.nbytes
        )
        self._everyday: LRUCache[tuple[str, ...], Vectors] = LRUCache(8)
        self._embedding = threading.Lock()  # one list of classes at a time: the next may hold the same texts

    def by_template(self, classes: Sequence[ClassName], templates: Sequence[str]) -> NDArray[np.float32]:
        """[T, K, dim]: the mean of a class's words in each template, not renormalised."""
        wanted = [(c.words, template) for template in templates for c in classes]
        with self._embedding:
            found = {key: self._means.get(key) for key in wanted}
            missing = [key for key, mean in found.items() if mean is None]
            texts = [template.replace("{}", word) for words, template in missing for word in words]
            if texts:
                rows = remembered_texts(self.encoder, texts)
                self.embedded += len(texts)
                ends = np.cumsum([len(words) for words, _ in missing])
                for key, part in zip(missing, np.split(rows, ends[:-1]), strict=True):
                    found[key] = self._means[key] = part.mean(axis=0)
        return np.stack([found[key] for key in wanted]).reshape(len(templates), len(classes), -1)  # type: ignore[misc]

    def classifier(self, classes: Sequence[ClassName], templates: Sequence[str]) -> Vectors:
        """[K, dim], unit rows: what `zero_shot_classifier` makes."""
        return unit(self.by_template(classes, templates).mean(axis=0))

    def rivals(self, classifier: Vectors, templates: Sequence[str]) -> Vectors:
        """What `rivals` makes, from everyday words that were embedded once for these templates."""
        everyday = self._everyday.get_or_make(tuple(templates), lambda: self._embed_everyday(templates))
        return not_meant(everyday, classifier)

    def _embed_everyday(self, templates: Sequence[str]) -> Vectors:
        rows = _everyday_vectors(self.encoder, templates)
        self.embedded += len(rows) * len(templates)
        return rows


def class_probabilities(
    encoder: Encoder, vectors: NDArray, classifier: Vectors, none: Vectors | None = None
) -> NDArray[np.float32]:
    """Softmax over the classes for each image: [N, K], or [N, K + 1] with "none of these" last.

    vectors: [N, dim] unit rows. classifier: [K, dim]. none: [M, dim], other things an image may
    show (`everyday_words`); the nearest of them stands for "none of these". The probabilities are
    the encoder's own and have not been calibrated on these images.
    """
    scores = np.asarray(vectors, np.float32) @ classifier.T
    if none is not None:
        scores = np.column_stack([scores, (np.asarray(vectors, np.float32) @ none.T).max(axis=1)])
    logits = encoder.logit_scale * scores
    logits -= logits.max(axis=1, keepdims=True)
    probabilities = np.exp(logits)
    return (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)


def two_best(
    encoder: Encoder, vectors: NDArray, classifier: Vectors, none: Vectors | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The two likeliest of `class_probabilities` for each image, best first: columns and probabilities, [N, 2] each.

    With one class the second is column 1, which there is not, at 0. Nothing is sorted: that would take the most time.
    """
    logits = np.asarray(vectors, np.float32) @ (encoder.logit_scale * classifier.T)
    if none is not None:
        nearest = (np.asarray(vectors, np.float32) @ none.T).max(axis=1)
        logits = np.column_stack([logits, encoder.logit_scale * nearest])
    rows = np.arange(len(logits))
    first = logits.argmax(axis=1)
    most = logits[rows, first]
    logits -= most[:, None]
    np.exp(logits, out=logits)
    total = logits.sum(axis=1)
    if logits.shape[1] == 1:
        return np.column_stack([first, first + 1]), np.column_stack([1 / total, np.zeros_like(total)])
    logits[rows, first] = -1.0
    second = logits.argmax(axis=1)
    return np.column_stack([first, second]), np.column_stack([1 / total, logits[rows, second] / total])


def everyday_words() -> list[str]:
    """Common things that images show."""
    return EVERYDAY.read_text(encoding="utf-8").split("\n")[:-1]


def rivals(encoder: Encoder, classifier: Vectors, templates: Sequence[str]) -> Vectors:
    """Everyday things that are none of the classes: [M, dim] for `class_probabilities(none=...)`.

    A word that lies much nearer to a class than everyday words do (by TOO_NEAR deviations) is
    another name for it, a part of it or its kind, and is left out.
    """
    return not_meant(_everyday_vectors(encoder, templates), classifier)


def _everyday_vectors(encoder: Encoder, templates: Sequence[str]) -> Vectors:
    return zero_shot_classifier(encoder, [ClassName(word) for word in everyday_words()], templates)


def not_meant(bank: Vectors, classifier: Vectors) -> Vectors:
    """The rows of bank [M, dim] that lie far enough from every class [K, dim] to be something else."""
    likeness = bank @ classifier.T  # [words, classes]
    likeness = (likeness - likeness.mean(axis=0)) / np.maximum(likeness.std(axis=0), 1e-6)
    nearest = likeness.max(axis=1)
    # A thousand classes lie near to nearly every word; the farthest fifth always stays.
    return bank[nearest <= max(TOO_NEAR, np.quantile(nearest, 0.2))]
