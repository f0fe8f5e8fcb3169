"""Version 2 of the bridge of `starter`: `python -m training starter --captions SOURCE`.

It begins with version 1, whose half of the classes stays. The map to sentences is fitted again, by ridge regression
on photographs with captions and, with less weight, on drawings with names. Three things are new, because a search is
often a name and a caption never is: a gate between names and sentences, the kinds of classes, and the words of the
captions. `training/models/bridge.py` says what they do. The model card has the figures, and says how the settings
were chosen.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.data.source import Item, Source
from training.models.bridge import CLASSES, Bridge, image_vectors, read_bridge, text_vectors
from training.models.encoder import Vectors, unit
from training.models.errors import UserError
from training.models.sentence_encoder import SentenceEncoder
from training.models.starter import BRIDGES
from training.models.zero_shot import everyday_words
from training.starter.bridge import against_others, caption_map, class_names, likeliest_scale, store
from training.starter.drawings import Captioned, Progress, embed, image_features, read_openmoji, told, unseen
from training.starter.kinds import WORDNET, kinds, nouns_file
from training.starter.words import SHIFT_TEMPERATURE, shows, word_shifts, words_below

TEMPLATE = "a photo of a {}."
RIDGE = 3.0  # of the mean variance of a feature
DRAWING_WEIGHT = 0.3  # of a drawing, at each of its sizes, beside a photograph
TEMPERATURE = 0.1  # of a text's mixture of classes and kinds
KIND_COST = 0.15  # what the likeness to a kind loses: "animal" is a little like the name of every animal
WORD_TEMPERATURE = 0.1  # of a text's mixture of words
NAME_WEIGHT, SENTENCE_WEIGHT, CLASS_WEIGHT = 0.5, 2.0, 0.1  # of the caption part beside the classes'
CLASS_FROM, WORD_FROM = 0.75, 0.8  # cosines from which on a text is the name of a class, or a word
NONE_MARGIN = 0.08  # of "none of these", chosen on photographs that show one or none of eight classes
LEAST_CAPTIONS = 3  # with a word, so that their mean says something
FEWEST = 100  # photographs that a map can be fitted on
HELD_OUT = 5  # one photograph in so many is left out while the scale of the probabilities is chosen
FOLDS = 5  # of the photographs whose vectors come from a map that was fitted without them
STOP_WORDS = frozenset(
    re.findall(
        r"[a-z]+",
        "a an the of on in with and is are to at by for from that it its his her their there this some as up down out "
        "into over while has have be being been two one next",
    )
)


@dataclass(frozen=True)
class Photographs:
    """features [N, 1280] of images; captions: the sentences of each, and embedded [M, 384], one after another."""

    features: NDArray[np.float32]
    captions: list[tuple[str, ...]]
    embedded: Vectors

    @property
    def owners(self) -> NDArray[np.intp]:
        """[M]: the image of each sentence."""
        return np.repeat(np.arange(len(self.captions)), [len(of) for of in self.captions])

    @property
    def sentences(self) -> Vectors:
        """[N, 384]: the mean of each image's sentences, unit rows."""
        sums = np.zeros((len(self.captions), self.embedded.shape[1]), np.float32)
        np.add.at(sums, self.owners, self.embedded)
        return unit(sums)

    def only(self, kept: NDArray[np.bool_]) -> "Photographs":
        """Some of the images, by a mask."""
        captions = [of for of, keep in zip(self.captions, kept, strict=True) if keep]
        return Photographs(self.features[kept], captions, self.embedded[kept[self.owners]])


def fit_photographs(
    sources: Sequence[Source],
    out: Path,
    split: str | None = None,
    wordnet: Path = WORDNET,
    say: Callable[[str], object] = print,
    progress: Progress = unseen,
) -> dict[str, float]:
    """Fit version 2 on the captioned images of sources and write its weights to out; what was measured comes back.

    split: only images whose column `split` says so. progress: see `told`. UserError if there are too few.
    The weights are the same each time on one machine, and to the rounding of float16 on any.
    """
    nouns_file(wordnet)  # what is missing is said before anything is read
    text_encoder = SentenceEncoder("openvino", "f32")
    items = [item for source in sources for item in source if split in (None, str(item.metadata.get("split")))]
    captioned = [item for item in items if item.captions]
    if len(captioned) < FEWEST:
        seen = f"{len(captioned)} captioned images" + (f" of the split {split!r}" if split else "")
        raise UserError(f"The sources have {seen}, and at least {FEWEST} are needed; give more with --captions.")
    photographs = read_photographs(captioned, text_encoder, progress)
    say(f"{len(photographs.captions):,} photographs with {len(photographs.embedded):,} captions")
    drawings = replace(read_openmoji(text_encoder, progress)[0], weight=DRAWING_WEIGHT)
    names = class_names(text_encoder, (TEMPLATE,))
    say("Fitting on four fifths of the photographs, for the scale of the probabilities")
    kept = np.arange(len(photographs.captions)) % HELD_OUT != 0
    trial, rest = fitted(photographs.only(kept), drawings, names, text_encoder, wordnet), photographs.only(~kept)
    first = rest.embedded[np.unique(rest.owners, return_index=True)[1]]
    scores = against_others(image_vectors(rest.features, trial), text_vectors(first, trial))
    scale = likeliest_scale(scores)
    say("Fitting on all photographs")
    bridge = fitted(photographs, drawings, names, text_encoder, wordnet)
    store(bridge | {"logit_scale": scalar(scale), "none_margin": scalar(NONE_MARGIN)}, out)
    return {"photographs": float(len(kept)), "captions": float(len(photographs.embedded)), "logit_scale": scale}


def read_photographs(items: Iterable[Item], text_encoder: SentenceEncoder, progress: Progress = unseen) -> Photographs:
    """Features and embedded captions of the items that can be read and have a caption."""
    items = [item for item in items if item.captions]
    [features], read = image_features(item.read() for item in told(items, "Photographs", progress))
    captions = [item.captions for item, good in zip(items, read, strict=True) if good]
    return Photographs(features, captions, embed(text_encoder, [text for of in captions for text in of]))


def fitted(
    photographs: Photographs,
    drawings: Captioned,
    names: Vectors,
    text_encoder: SentenceEncoder,
    wordnet: Path = WORDNET,
) -> Bridge:
    """The bridge fitted on photographs and drawings, without a scale. names [1000, 384]: of the classes."""
    base = read_bridge(BRIDGES["starter-1"])
    words = word_bank(photographs)
    bridge = (
        classes_and_kinds(base, names, list(words), text_encoder, wordnet)
        | map_arrays(photographs, drawings)
        | word_arrays(words, text_encoder)
        | gate_arrays(photographs.embedded, list(words), text_encoder)
    )
    return bridge | shift_arrays(photographs, drawings, list(words), bridge, text_encoder, wordnet)


def map_arrays(photographs: Photographs, drawings: Captioned, penalty: float = RIDGE) -> Bridge:
    """The linear map from centred features to unit(sentence - mean sentence), of photographs and of drawings.

    penalty: of the mean variance of a feature.
    """
    photos = Captioned(photographs.features, photographs.sentences, 1.0)
    parts = [replace(part, sentences=unit(part.sentences - part.sentences.mean(axis=0))) for part in (photos, drawings)]
    lift = caption_map([size for part in parts for size in part.sizes()], penalty)["lift"]
    means = {"feature_mean": photos.features.mean(axis=0), "caption_mean": photos.sentences.mean(axis=0)}
    return {"lift": lift, **means, "weight": scalar(1)}


def classes_and_kinds(
    base: Bridge, names: Vectors, words: list[str], text_encoder: SentenceEncoder, wordnet: Path
) -> Bridge:
    """The classes' prototypes and names, and below them those of the kinds that words or everyday words name."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    synsets = [info.index_to_label_name(number) for number in range(CLASSES)]
    found = kinds(synsets, {*words, *everyday_words()}, wordnet)
    called = [unit(prompted(text_encoder, list(kind.names)).sum(axis=0)) for kind in found]
    prototypes = base["prototypes"][:CLASSES]
    length = np.linalg.norm(prototypes, axis=1).mean()
    means = [unit(unit(prototypes[list(kind.classes)]).mean(axis=0)) * length for kind in found]
    return {
        "project": base["project"],
        "prototypes": np.concatenate([prototypes, np.stack(means)]),
        "names": unit(np.concatenate([names, np.stack(called)]) - names.mean(axis=0)),
        "name_mean": names.mean(axis=0),
        "temperature": scalar(TEMPERATURE),
        "kind_cost": scalar(KIND_COST),
    }


def word_bank(photographs: Photographs) -> dict[str, NDArray[np.float32]]:
    """The words that captions use, and the mean of the embedded captions with each."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, caption in enumerate(text for of in photographs.captions for text in of):
        for word in set(re.findall(r"[a-z]{2,}", caption.lower())) - STOP_WORDS:
            rows[word].append(row)
    return {
        word: photographs.embedded[of].mean(axis=0) for word, of in sorted(rows.items()) if len(of) >= LEAST_CAPTIONS
    }


def word_arrays(words: dict[str, NDArray[np.float32]], text_encoder: SentenceEncoder) -> Bridge:
    """What the bridge keeps of the words of captions."""
    means = np.stack(list(words.values()))
    embedded = prompted(text_encoder, list(words))
    mean = embedded.mean(axis=0)
    return {
        "words": unit(embedded - mean),
        "word_mean": mean,
        "word_sentences": unit(means - means.mean(axis=0)),
        "word_temperature": scalar(WORD_TEMPERATURE),
        "word_from": scalar(WORD_FROM),
    }


def shift_arrays(
    photographs: Photographs,
    drawings: Captioned,
    words: list[str],
    bridge: Bridge,
    text_encoder: SentenceEncoder,
    wordnet: Path,
) -> Bridge:
    """How far each word's vector as text is shifted; bridge: all the rest of it."""
    vectors = unfitted_vectors(photographs, drawings, bridge)
    shown = shows(photographs.captions, words, words_below(words, nouns_file(wordnet)))
    shifts = word_shifts(vectors, shown, text_vectors(embed(text_encoder, words), bridge))
    return {"word_shift": shifts, "shift_temperature": scalar(SHIFT_TEMPERATURE)}


def unfitted_vectors(photographs: Photographs, drawings: Captioned, bridge: Bridge) -> Vectors:
    """The vectors of photographs by maps that were fitted on the others, a fold at a time."""
    fold = np.random.default_rng(0).permutation(len(photographs.captions)) % FOLDS
    vectors = np.zeros((len(fold), bridge["project"].shape[1] + bridge["lift"].shape[1]), np.float32)
    for number in range(FOLDS):
        others = bridge | map_arrays(photographs.only(fold != number), drawings)
        vectors[fold == number] = image_vectors(photographs.features[fold == number], others)
    return vectors


def gate_arrays(captions: Vectors, words: list[str], text_encoder: SentenceEncoder) -> Bridge:
    """Logistic regression of captions against names: those of ImageNet's classes and words, bare and in a template."""
    from sklearn.linear_model import LogisticRegression

    names = [*imagenet_names(), *words]
    bare = embed(text_encoder, [*names, *(TEMPLATE.replace("{}", name) for name in names)])
    rows, sentence = np.concatenate([captions, bare]), np.arange(len(captions) + len(bare)) < len(captions)
    gate = LogisticRegression(max_iter=2000, class_weight="balanced").fit(rows, sentence)
    return {
        "gate": gate.coef_[0],
        "gate_bias": scalar(gate.intercept_[0]),
        "name_weight": scalar(NAME_WEIGHT),
        "sentence_weight": scalar(SENTENCE_WEIGHT),
        "class_weight": scalar(CLASS_WEIGHT),
        "class_from": scalar(CLASS_FROM),
    }


def imagenet_names() -> list[str]:
    """open_clip's curated names of the 1000 classes."""
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES

    return list(IMAGENET_CLASSNAMES)


def prompted(text_encoder: SentenceEncoder, names: list[str]) -> Vectors:
    """[N, 384]: the mean of each name's embedding bare and in the template, unit rows."""
    return unit(embed(text_encoder, names) + embed(text_encoder, [TEMPLATE.replace("{}", name) for name in names]))


def scalar(value: ArrayLike) -> NDArray[np.float32]:
    """A number as the weights keep it."""
    return np.array(value, np.float32)
