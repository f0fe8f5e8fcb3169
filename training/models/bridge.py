"""The bridge of `starter`: from the features of an image classifier and from sentence embeddings to one space.

A vector has two parts, and the cosine of two vectors is a weighted mean of the two parts' cosines.

- what ImageNet's classes say. The rows of the classifier are prototypes of 1000 classes, and a kind of several classes
  ("dog", "bird") has the mean of theirs. A text is the mixture of those whose names it resembles, an image is its
  features in the same plane. That is ConSE (Norouzi et al. 2014) turned around.
- what captions say. Features are mapped linearly to the embeddings of sentences, as DeViSE (Frome et al. 2013) does.

Captions are sentences, and a search is often a name. So the text says how much its caption part counts: a gate, a
logistic regression, tells a sentence from a name, and the name of a class counts by its class above all. A word that
captions use is also embedded as the mean of the captions that have it, and is shifted to where the photographs lie
whose captions say it. Version 1 has none of these.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.models.encoder import Vectors, unit
from training.models.softmax import softmax

Bridge = dict[str, NDArray[Any]]

CLASSES = 1000  # of ImageNet; the rows of names and prototypes after them are kinds of several classes
SLOPE = 40.0  # of the thresholds for a text that is the name of a class, or a word of captions


def read_bridge(path: Path) -> Bridge:
    """The bridge's arrays by name, float32.

    project [1280, d]: the plane of the classes' prototypes. prototypes [E, d]: those of the 1000 classes, then of
    their kinds, in it. names [E, 384]: what they are called, less name_mean [384], unit rows. temperature: of the
    mixture. lift [1280, 384]: features, less feature_mean [1280], to sentences, less caption_mean [384]. weight: of
    the caption part of an image, and in version 1 of a text. logit_scale: for probabilities.

    From version 2 on: gate [384] and gate_bias: the logits of a sentence against a name. name_weight, sentence_weight
    and class_weight: of a text's caption part. class_from: the cosine from which on a text is the name of a class.
    kind_cost: what the likeness to a kind loses, so that only its own name means it. words [V, 384]: embeddings of
    words, less word_mean [384], unit rows. word_sentences [V, 384]: the mean of the captions with that word, unit
    rows. word_temperature: of the mixture of words. word_from: the cosine from which on a text is one of them.
    word_shift [V, dim]: what is added to the vector of each word. shift_temperature: of the mixture of shifts.
    none_margin: as an encoder has it.
    """
    from safetensors.numpy import load_file

    return {name: np.asarray(array, np.float32) for name, array in load_file(path).items()}


def image_vectors(features: NDArray[Any], bridge: Bridge) -> Vectors:
    """The image encoder's features [N, 1280] to the shared space [N, dim]: what the exported graph computes."""
    classes = unit(features @ bridge["project"])
    captions = unit((features - bridge["feature_mean"]) @ bridge["lift"])
    return unit(np.concatenate([classes, bridge["weight"] * captions], axis=1))


def text_vectors(sentences: Vectors, bridge: Bridge) -> Vectors:
    """Sentence embeddings [N, 384] to the shared space [N, dim]."""
    likeness = unit(sentences - bridge["name_mean"]) @ bridge["names"].T  # [N, E]
    costs = np.where(np.arange(likeness.shape[1]) < CLASSES, 0, bridge.get("kind_cost", 0)).astype(np.float32)
    classes = unit(softmax(likeness - costs, float(bridge["temperature"])) @ bridge["prototypes"])
    captions = unit(sentences - bridge["caption_mean"])
    weight = np.broadcast_to(bridge["weight"], (len(sentences), 1))
    if "gate" not in bridge:
        return unit(np.concatenate([classes, weight * captions], axis=1))
    name = 1 - gate(sentences, bridge)
    known, near = words(sentences, bridge)
    meaning = unit(softmax(near, float(bridge["word_temperature"])) @ bridge["word_sentences"])
    captions = unit(captions + name * known * meaning)
    exact = exactness(likeness, name, bridge)
    rows = unit(np.concatenate([classes, caption_weight(exact, name, bridge) * captions], axis=1))
    if "word_shift" not in bridge:
        return rows
    shift = softmax(near, float(bridge["shift_temperature"])) @ bridge["word_shift"]
    return unit(rows + name * known * (1 - exact) * shift)


def gate(sentences: Vectors, bridge: Bridge) -> NDArray[np.float32]:
    """[N, 1]: the probability that a text is a sentence, not a name."""
    return sigmoid(sentences @ bridge["gate"][:, None] + bridge["gate_bias"])


def words(sentences: Vectors, bridge: Bridge) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Whether a text is a word of captions [N, 1], from 0 to 1, and its likeness to each of them [N, V]."""
    likeness = unit(sentences - bridge["word_mean"]) @ bridge["words"].T
    return sigmoid(SLOPE * (likeness.max(axis=1, keepdims=True) - bridge["word_from"])), likeness


def exactness(likeness: NDArray[np.float32], name: NDArray[np.float32], bridge: Bridge) -> NDArray[np.float32]:
    """[N, 1]: the probability that a text is the name of one class and not of a kind.

    likeness [N, E]: to the names of classes and kinds. name [N, 1]: the probability that it is a name.
    """
    classes, kinds = likeness[:, :CLASSES], likeness[:, CLASSES:]
    nearest = classes.max(axis=1, keepdims=True)
    exact = name * sigmoid(SLOPE * (nearest - bridge["class_from"]))
    if kinds.shape[1]:
        exact = exact * sigmoid(SLOPE * (nearest - kinds.max(axis=1, keepdims=True)))
    return exact


def caption_weight(exact: NDArray[np.float32], name: NDArray[np.float32], bridge: Bridge) -> NDArray[np.float32]:
    """[N, 1]: how much the caption part of a text counts beside its classes.

    exact [N, 1]: as `exactness` gives it. name [N, 1]: the probability that it is a name. The logarithm of the weight
    is linear in both.
    """
    log = name * np.log(bridge["name_weight"]) + (1 - name) * np.log(bridge["sentence_weight"])
    weight: NDArray[np.float32] = np.exp(exact * np.log(bridge["class_weight"]) + (1 - exact) * log)
    return weight


def sigmoid(logits: NDArray[Any]) -> NDArray[Any]:
    """1 / (1 + exp(-logits)), without overflow."""
    return 0.5 * (1 + np.tanh(logits / 2))
