"""The variants of `starter` that benchmarks/starter_ablation.py measures, and the settings that it compares."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.everyday import shown
from benchmarks.starter import Measured, Version, found, measure, precisions
from training.models.bridge import CLASSES, Bridge
from training.models.decoding import decode_image
from training.models.encoder import BATCH, Vectors, unit
from training.models.preprocess import Preprocessing, preprocess_pixels
from training.models.runtime import load_tower
from training.models.sentence_encoder import SentenceEncoder
from training.models.starter import image_tower_module, imagenet_classifier
from training.starter import bridge as fit
from training.starter import photographs as photo_fit
from training.starter.bridge_training import shared_covariance, standing_in, train_map
from training.starter.photographs import Photographs, fitted, map_arrays

DRAWINGS = "drawings by name, recall@10"  # the figure that benchmarks/starter.py has not
FOLDS = 5
ON_FOLDS = ("photograph by its caption, recall@10", "everyday words, mean average precision")
PENALTIES = (1.0, 10.0)  # of the ridge regression; 3 is shipped
PAIRS = (250, 500, 1000)  # photographs of the learning curve
GATE = ("gate", "gate_bias", "name_weight", "sentence_weight", "class_weight", "class_from")
NEVER = 9.0  # a cosine that no text reaches
NAMES_FIRST = {"class_weight": 0.05, "class_from": 0.7, "kind_cost": 0.3}  # the best found for names of classes
SETTINGS: tuple[dict[str, float], ...] = (  # of the cross-validation; the first is as shipped
    {},
    {"class_weight": 0.05},
    {"class_from": 0.7},
    {"kind_cost": 0.3},
    NAMES_FIRST,
    {"name_weight": 0.25},
    {"name_weight": 1.0},
    {"sentence_weight": 1.0},
    {"sentence_weight": 4.0},
    {"word_from": NEVER},
)
VIEWS = {"averaged with the mirrored image": (224, True), "averaged with 288 pixels": (288, False)}

Sources = Mapping[str, Sequence[bytes]]  # the images of the parts that are looked at twice


class Remembered:
    """A sentence encoder that embeds each text once."""

    def __init__(self, encoder: SentenceEncoder):
        self.encoder = encoder
        self.rows: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: list[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self.rows]
        if new:
            self.rows |= dict(zip(new, self.encoder(new), strict=True))
        return np.stack([self.rows[text] for text in texts])


class OnePart(Version):
    """A version of which only some columns of the vectors count."""

    columns = slice(None)

    def images(self, features: NDArray[np.float32]) -> Vectors:
        return unit(super().images(features)[:, self.columns])

    def sentences(self, embedded: Vectors) -> Vectors:
        return unit(super().sentences(embedded)[:, self.columns])


class ThirdPart(Version):
    """A version whose vectors have a third part: a map to sentences that was fitted on drawings alone."""

    weight = 0.6

    def __init__(self, bridge: Bridge, text_encoder: Any, drawings: Bridge):
        super().__init__(bridge, text_encoder)
        self.drawings = drawings

    def images(self, features: NDArray[np.float32]) -> Vectors:
        mapped = unit((features - self.drawings["feature_mean"]) @ self.drawings["lift"])
        return self.joined(super().images(features), mapped)

    def sentences(self, embedded: Vectors) -> Vectors:
        return self.joined(super().sentences(embedded), unit(embedded - self.drawings["caption_mean"]))

    def joined(self, vectors: Vectors, third: Vectors) -> Vectors:
        return unit(np.concatenate([vectors, self.weight * third], axis=1))


class Ablation:
    """The data, each part of it read once, and what is fitted on it."""

    def __init__(self, data: dict[str, Any], train: Photographs, drawings: tuple[fit.Captioned, NDArray], texts: Any):
        every, family = drawings
        kept = family % fit.HELD_OUT != 0
        self.data, self.train, self.texts = data, train, texts
        self.drawings = replace(every.only(kept), weight=photo_fit.DRAWING_WEIGHT)
        self.held_out = every.only(~kept)
        self.names = fit.class_names(texts, (photo_fit.TEMPLATE,))

    def fitted(self, train: Photographs) -> Bridge:
        return fitted(train, self.drawings, self.names, self.texts)

    def measured(self, version: Version) -> Measured:
        result = measure(version, self.data)
        images, texts = version.images(self.held_out.features), version.sentences(self.held_out.sentences)
        result[DRAWINGS] = found(texts @ images.T, np.arange(len(texts)))["10"]
        return result

    def variants(self) -> dict[str, Callable[[], Version]]:
        """Each variant by its name, fitted when it is called."""
        base = self.fitted(self.train)
        depth = base["project"].shape[1]
        no_kinds = {name: base[name][:CLASSES] for name in ("names", "prototypes")}
        unshifted = {name: array for name, array in base.items() if name != "word_shift"}
        plain = {name: array for name, array in base.items() if name not in GATE} | no_kinds
        alone = map_arrays(self.train, replace(self.drawings, weight=0.0))

        def version(changes: Mapping[str, Any]) -> Callable[[], Version]:
            arrays = {name: np.asarray(value, np.float32) for name, value in changes.items()}
            return lambda: Version(base | arrays, self.texts)

        def part(columns: slice) -> Callable[[], Version]:
            chosen = type("Part", (OnePart,), {"columns": columns})
            return lambda: chosen(base, self.texts)

        return {
            "version 2": version({}),
            "captions only": part(slice(depth, None)),
            "classes and kinds only": part(slice(depth)),
            "both parts with weight 1: no gate, no words, no kinds": lambda: Version(plain, self.texts),
            "without the words of captions": version({"word_from": NEVER}),
            "without the shifts of words": lambda: Version(unshifted, self.texts),
            "without kinds (hypernyms)": version(no_kinds),
            "without the rule for names of classes": version({"class_from": NEVER}),
            "names of classes before all": version(NAMES_FIRST),
            "without drawings": version(alone),
            "drawings with weight 1": version(map_arrays(self.train, replace(self.drawings, weight=1.0))),
            "drawings as a third part": lambda: ThirdPart(
                base | alone, self.texts, fit.caption_map(replace(self.drawings, weight=1.0).sizes())
            ),
            "names of classes as captions of their mean image": version(self.with_stand_ins()),
            "InfoNCE from the ridge regression on": version(self.contrastive(base)),
        }

    def with_stand_ins(self) -> Bridge:
        """The map fitted with a stand-in for a photograph of each class, of the weight of a drawing."""
        rows = imagenet_classifier().classifier.weight.detach().numpy()
        features = standing_in(rows, shared_covariance([self.train.features]), self.train.features)
        stand_ins = fit.Captioned(features.astype(np.float32), self.names, photo_fit.DRAWING_WEIGHT)
        photos = fit.Captioned(self.train.features, self.train.sentences, 1.0)
        parts = [replace(p, sentences=unit(p.sentences - p.sentences.mean(axis=0))) for p in (photos, stand_ins)]
        drawings = replace(
            self.drawings, sentences=unit(self.drawings.sentences - self.drawings.sentences.mean(axis=0))
        )
        return {"lift": fit.caption_map([*parts, *drawings.sizes()], photo_fit.RIDGE)["lift"]}

    def contrastive(self, base: Bridge) -> Bridge:
        """The map after the run of version 1, CLIP's loss from the ridge regression on, on photographs and drawings."""
        rows = imagenet_classifier().classifier.weight.detach().numpy()
        pairs = [(self.train.features, self.train.sentences)]
        pairs += [(size.features, size.sentences) for size in self.drawings.sizes()]
        return {"lift": train_map(base, pairs, rows, self.names)}

    def curve(self) -> Iterator[tuple[str, Measured]]:
        """Version 2 fitted on all photographs, and on so many, drawn at random."""
        ranks = np.random.default_rng(0).permutation(len(self.train.captions))
        for n in (len(ranks), *PAIRS):
            yield f"{n:,} photographs", self.measured(Version(self.fitted(self.train.only(ranks < n)), self.texts))

    def views(self, sources: Sources) -> Iterator[tuple[str, Measured]]:
        """Without drawings: features of one view, and averaged over a second one for fitting and measuring."""
        base, nothing = self.fitted(self.train), replace(self.drawings, weight=0.0)
        yield "one view at 224 pixels", measure(Version(base | map_arrays(self.train, nothing), self.texts), self.data)
        for name, (side, mirrored) in VIEWS.items():
            seen = {key: second_view(source, side, mirrored) for key, source in sources.items()}
            train = replace(self.train, features=(self.train.features + seen["train"]) / 2)
            photos, labels, synsets = self.data["photos"]
            captioned = {
                key: replace(of, features=(of.features + seen[key]) / 2) for key, of in self.data["captioned"].items()
            }
            data = self.data | {"photos": ((photos + seen["photos"]) / 2, labels, synsets), "captioned": captioned}
            yield name, measure(Version(base | map_arrays(train, nothing), self.texts), data)

    def cross_validated(self) -> list[tuple[dict[str, float], Measured]]:
        """Settings, the shipped ones first, and what they give on folds of the training photographs."""
        folds = np.arange(len(self.train.captions)) % FOLDS
        parts = [(self.train.only(folds != k), self.train.only(folds == k)) for k in range(FOLDS)]
        bridges, rests = [self.fitted(train) for train, _ in parts], [rest for _, rest in parts]
        rows: list[tuple[dict[str, float], Measured]] = []
        for settings in SETTINGS:
            scalars = {name: np.float32(value) for name, value in settings.items()}
            rows.append((settings, self.on_folds([bridge | scalars for bridge in bridges], rests)))
        for penalty in PENALTIES:
            maps = [map_arrays(train, self.drawings, penalty) for train, _ in parts]
            fitted_so = [bridge | one for bridge, one in zip(bridges, maps, strict=True)]
            rows.append(({"penalty": penalty}, self.on_folds(fitted_so, rests)))
        return rows

    def on_folds(self, bridges: list[Bridge], rests: list[Photographs]) -> Measured:
        """Of each fold that was left out: whether a caption finds its photograph, and everyday words."""
        hits, words = [], []
        for bridge, rest in zip(bridges, rests, strict=True):
            version = Version(bridge, self.texts)
            seen = version.images(rest.features)
            hits.append(found(version.sentences(rest.embedded) @ seen.T, rest.owners)["10"])
            truth = shown(rest.captions)
            words.append(precisions(version.texts(list(truth)) @ seen.T, list(truth.values()), 3))
        return {ON_FOLDS[0]: np.concatenate(hits), ON_FOLDS[1]: np.concatenate(words)}


def second_view(images: Iterable[bytes], side: int, mirrored: bool) -> NDArray[np.float32]:
    """Features [N, 1280] of images at side pixels, and from right to left if mirrored."""
    example = np.zeros((1, side, side, 3), np.uint8)
    tower = load_tower(image_tower_module, example, f"lite0-features-{side}", "openvino", "f32")
    pixels = (preprocess_pixels(decode_image(data, side).pixels, Preprocessing(side)) for data in images)
    step = -1 if mirrored else 1
    return np.concatenate([tower(np.stack(batch)[:, :, ::step].copy()) for batch in batched(pixels, BATCH)])


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    items = iter(items)
    while batch := list(islice(items, size)):
        yield batch
