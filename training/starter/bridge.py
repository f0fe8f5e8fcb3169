"""Version 1 of the bridge of `starter`, fitted on drawings: `python -m training starter` without captions.

The half that ImageNet's classes give is their classifier's own rows, seen through one linear map that makes
a shrunken image's features those of the whole one; it is fitted on drawings and knows no names. The half
that captions give is one linear map from image features to sentence embeddings, by ridge regression on
captioned drawings, whole and shrunken, and from there on by a run of the trainer
(`training/starter/bridge_training.py`).
Settings were chosen by retrieval on held-out drawings; what else is reported of `starter` comes from images
that were never fitted on.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.folder import FolderSource
from training.data.openmoji import openmoji_drawings
from training.models.atomic import write_file
from training.models.bridge import Bridge, image_vectors, text_vectors
from training.models.decoding import ImageError, decode_image
from training.models.encoder import BATCH, Vectors, unit
from training.models.errors import UserError
from training.models.preprocess import Preprocessing, preprocess_pixels
from training.models.runtime import load_tower
from training.models.sentence_encoder import SentenceEncoder
from training.models.starter import IMAGE_SIZE, image_tower_module, imagenet_classifier

T = TypeVar("T")
Progress = Callable[[str, int, int], object]  # what is read, how many are done, and of how many

CLIPART = Path("/usr/share/openclipart/png")  # where Debian's package openclipart-png puts it
PLANE = 384  # directions of the classes' plane that are kept
TEMPERATURE = 0.1  # of a text's mixture of classes
RIDGE = 0.3  # of the mean variance of a feature
SHRUNK = (32, 64)  # sides in pixels that each drawing is seen at too, since people have small images
CAPTIONS_WEIGHT = 0.6  # of the captions' half beside the classes'
CLIPART_WEIGHT = 0.5  # of a clip-art beside an OpenMoji drawing, whose names are cleaner
SYMBOLS = re.compile("flags|shapes/|special|semaphore|unsorted|icons|buttons|cards/|signs_and_symbols|logo|computer/")
HELD_OUT = 5  # one in so many families of drawings is left out while the scale of the probabilities is chosen


@dataclass(frozen=True)
class Captioned:
    """Drawings as the image encoder sees them, features [N, 1280], and what they are called, sentences [N, 384].

    shrunk: the same drawings' features at each side of SHRUNK.
    """

    features: NDArray[np.float32]
    sentences: Vectors
    weight: float
    shrunk: tuple[NDArray[np.float32], ...] = ()

    def only(self, rows: NDArray[Any]) -> "Captioned":
        """Some of the drawings, by mask or numbers."""
        shrunk = tuple(features[rows] for features in self.shrunk)
        return Captioned(self.features[rows], self.sentences[rows], self.weight, shrunk)

    def sizes(self) -> list["Captioned"]:
        """The drawings as they are, and at each side that they were shrunk to."""
        return [replace(self, features=features, shrunk=()) for features in (self.features, *self.shrunk)]


def fit_bridge(
    out: Path, clipart: Path = CLIPART, say: Callable[[str], object] = print, run: Path | None = None
) -> dict[str, float]:
    """Fit, measure on held-out drawings, and write the weights to out; what was measured comes back.

    run: a folder that keeps the trainer's run, so that it goes on where it was stopped; another beside it,
    of the same name and `-held-out`, keeps the one that is measured. UserError if the clip-art is not there.
    The numbers are the same each time on one machine, and to the rounding of float16 on any.
    """
    if not clipart.is_dir():
        raise UserError(
            f"The bridge is fitted on the Open Clip Art Library too, and there is none at {clipart}; "
            f"install Debian's package openclipart-png, or say where it is with --clipart."
        )
    text_encoder = SentenceEncoder("openvino", "f32")
    say("Looking at OpenMoji")
    drawings, family = read_openmoji(text_encoder)
    say("Looking at the Open Clip Art Library")
    cliparts = _clipart(clipart, text_encoder)
    kept = family % HELD_OUT != 0
    some = [drawings.only(kept), cliparts]
    trial = learned(regression(some, text_encoder), some, text_encoder, run and run.with_name(run.name + "-held-out"))
    rest = image_vectors(drawings.features[~kept], trial), text_vectors(drawings.sentences[~kept], trial)
    measured = {f"recall_at_{k}": recall(*rest, k) for k in (1, 5, 10)}
    measured |= {"held_out": float((~kept).sum()), "logit_scale": likeliest_scale(against_others(*rest))}
    scale = np.array(measured["logit_scale"], np.float32)
    every = [drawings, cliparts]
    bridge = learned(regression(every, text_encoder), every, text_encoder, run) | {"logit_scale": scale}
    store(bridge, out)
    say(" · ".join(f"{name} {value:.4g}" for name, value in measured.items()))
    return measured


def regression(parts: Sequence[Captioned], text_encoder: SentenceEncoder) -> Bridge:
    """The bridge before the trainer's run: classes seen sharply, and captions by ridge regression."""
    closed = closed_form(text_encoder)
    project = sharpening(parts) @ closed["project"]
    return closed | {"project": project} | caption_map([size for part in parts for size in part.sizes()])


def learned(
    bridge: Bridge,
    parts: Sequence[Captioned],
    text_encoder: SentenceEncoder,
    run: Path | None = None,
) -> Bridge:
    """The bridge after the trainer's run over parts, which is kept in run if one is named."""
    from training.starter.bridge_training import train_map

    rows = imagenet_classifier().classifier.weight.detach().numpy()
    pairs = [(size.features, size.sentences) for part in parts for size in part.sizes()]
    return bridge | {"lift": train_map(bridge, pairs, rows, class_names(text_encoder), run)}


def closed_form(text_encoder: SentenceEncoder) -> Bridge:
    """The half that needs no fitting: the classifier's rows as prototypes, found by the classes' names."""
    prototypes = imagenet_classifier().classifier.weight.detach().numpy()  # [1000, 1280]
    prototypes = prototypes - prototypes.mean(axis=0)
    directions = np.linalg.svd(prototypes, full_matrices=False)[2][:PLANE]
    # A direction and its opposite serve alike; this fixes which, so that a rebuild gives the same numbers.
    strongest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    plane = (directions * np.sign(strongest)).T
    names = class_names(text_encoder)
    return {
        "project": plane,
        "prototypes": prototypes @ plane,
        "names": unit(names - names.mean(axis=0)),
        "name_mean": names.mean(axis=0),
        "temperature": np.array(TEMPERATURE, np.float32),
        "weight": np.array(CAPTIONS_WEIGHT, np.float32),
    }


def class_names(text_encoder: SentenceEncoder, templates: Sequence[str] = ()) -> Vectors:
    """[1000, 384]: each ImageNet class as the mean of what it is called.

    That is open_clip's curated name, WordNet's lemmas, the first of them, and the lemmas with
    WordNet's definition (the last three as timm ships them); and the curated name and the first lemma in templates.
    """
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    defined = [info.index_to_description(i, detailed=True) for i in range(1000)]
    lemmas = [text.partition(":")[0] for text in defined]
    curated, first = list(IMAGENET_CLASSNAMES), [text.partition(",")[0] for text in lemmas]
    said = [curated, lemmas, first, defined]
    said += [[template.replace("{}", name) for name in names] for template in templates for names in (curated, first)]
    return unit(np.sum([embed(text_encoder, texts) for texts in said], axis=0))


def caption_map(parts: Iterable[Captioned], penalty: float = RIDGE) -> Bridge:
    """The linear map from features to sentences, by weighted ridge regression; each part about its own mean.

    penalty: of the mean variance of a feature.
    """
    parts = list(parts)
    gram = np.sum([p.weight * _centred(p.features).T @ _centred(p.features) for p in parts], axis=0)
    cross = np.sum([p.weight * _centred(p.features).T @ _centred(p.sentences) for p in parts], axis=0)
    ridge = penalty * np.trace(gram) / len(gram)
    return {
        "lift": np.linalg.solve(gram + ridge * np.eye(len(gram)), cross),
        "feature_mean": np.mean([p.features.mean(axis=0) for p in parts], axis=0),
        "caption_mean": parts[0].sentences.mean(axis=0),
    }


def sharpening(parts: Sequence[Captioned]) -> NDArray[np.float64]:
    """[1280, 1280]: multiplied by it, the features of a shrunken drawing come near to those of the whole one.

    Ridge regression towards leaving features as they are, which those of whole drawings are asked to be.
    """
    mean = np.concatenate([part.features for part in parts]).mean(axis=0, dtype=np.float64)
    gram, cross = np.zeros((2, len(mean), len(mean)))
    for part in parts:
        whole = part.features - mean
        for seen in part.sizes():
            rows = seen.features - mean
            gram += rows.T @ rows
            cross += rows.T @ whole
    ridge = RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    return np.linalg.solve(gram + ridge, cross + ridge)


def recall(images: Vectors, texts: Vectors, k: int) -> float:
    """The share of texts whose own image is among the k nearest."""
    scores = texts @ images.T
    return float(((scores > np.diag(scores)[:, None]).sum(axis=1) < k).mean())


def against_others(images: Vectors, texts: Vectors, choices: int = 10, seed: int = 0) -> NDArray[np.float64]:
    """Cosines [N, choices] of each image to its own text, first, and to those of others drawn at random."""
    rng = np.random.default_rng(seed)
    others = (np.arange(len(texts))[:, None] + rng.integers(1, len(texts), (len(texts), choices - 1))) % len(texts)
    picked = np.column_stack([np.arange(len(texts)), others])
    return np.einsum("nd,nkd->nk", images, texts[picked]).astype(np.float64)


def likeliest_scale(scores: NDArray[np.float64]) -> float:
    """The logit scale under which the first of each row of scores [N, K] is likeliest to have been chosen."""

    def loss(scale: float) -> float:
        logits = scale * scores
        most = logits.max(axis=1)
        return float((np.log(np.exp(logits - most[:, None]).sum(axis=1)) + most - logits[:, 0]).mean())

    return float(min(np.geomspace(1, 200, 201), key=loss))


def embed(text_encoder: SentenceEncoder, texts: list[str]) -> Vectors:
    """Any number of texts, [N, 384]."""
    return np.concatenate([text_encoder(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)])


def unseen(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def told(items: Sequence[T], what: str, progress: Progress) -> Iterator[T]:
    """The items; progress is told what they are, how many are done, and of how many."""
    for done, item in enumerate(items, 1):
        yield item
        progress(what, done, len(items))


def read_openmoji(text_encoder: SentenceEncoder, progress: Progress = unseen) -> tuple[Captioned, NDArray[np.int64]]:
    """OpenMoji's drawings, each called by the mean of its name and its other names; and the family of each.

    Drawings of one kind lie together in Unicode, and a kind's variants begin with its code point, so
    sixteen neighbouring code points are a family: a man mage is not fitted on while a woman mage is held out.
    """
    drawings = list(openmoji_drawings(256))
    (features, *shrunk), _ = image_features((drawing.png for drawing in told(drawings, "Drawings", progress)), SHRUNK)
    sentences = [text_encoder([drawing.caption, *drawing.also]).sum(axis=0) for drawing in drawings]
    family = np.array([int(drawing.hexcode.partition("-")[0], 16) // 16 for drawing in drawings])
    return Captioned(features, unit(np.stack(sentences)), 1.0, tuple(shrunk)), family


def _clipart(folder: Path, text_encoder: SentenceEncoder) -> Captioned:
    """The Open Clip Art Library; each called by the words of its file name and, less, of its folder."""
    items = [item for item in FolderSource(folder) if not SYMBOLS.search(item.path)]
    (features, *shrunk), read = image_features((item.read() for item in items), SHRUNK)
    paths = [item.path for item, good in zip(items, read, strict=True) if good]
    called, places = clipart_captions(paths)
    sentences = unit(embed(text_encoder, called) + 0.3 * embed(text_encoder, places))
    return Captioned(features, sentences, CLIPART_WEIGHT, tuple(shrunk))


def clipart_captions(paths: list[str]) -> tuple[list[str], list[str]]:
    """What clip-arts show, by their file names, and the kind of thing, by their folders.

    A file name ends in its artist's; words that stand in four or more of the top folders are artists
    or colours and say nothing of what is shown.
    """
    words = [[w for w in re.split(r"[_\-. ]+", Path(p).stem) if len(w) > 2 and not re.search(r"\d", w)] for p in paths]
    places: dict[str, set[str]] = {}
    for path, of_path in zip(paths, words, strict=True):
        for word in of_path:
            places.setdefault(word, set()).add(path.partition("/")[0])
    folders = [Path(path).parent.name.replace("_", " ") for path in paths]
    telling = [" ".join([w for w in of_path if len(places[w]) < 4][:4]) for of_path in words]
    return [called or folder for called, folder in zip(telling, folders, strict=True)], folders


def image_features(images: Iterable[bytes], sides: Sequence[int] = ()) -> tuple[list[NDArray[np.float32]], list[bool]]:
    """Features [N, 1280] of the images that can be read, whole and then shrunk to sides; and which those are."""
    image_tower = load_tower(
        image_tower_module, np.zeros((1, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8), "lite0-features", "openvino", "f32"
    )
    rows: list[list[NDArray[Any]]] = [[] for _ in (None, *sides)]
    pixels: list[NDArray[Any]] = []
    read: list[bool] = []

    def look() -> None:
        for of_side, side in zip(rows, (None, *sides), strict=True):
            of_side.append(image_tower(np.stack([_shrunk(image, side) if side else image for image in pixels])))
        pixels.clear()

    for data in images:
        try:
            pixels.append(preprocess_pixels(decode_image(data, IMAGE_SIZE).pixels, Preprocessing(IMAGE_SIZE)))
            read.append(True)
        except ImageError:
            read.append(False)
        if len(pixels) == BATCH:
            look()
    if pixels:
        look()
    return [np.concatenate(of_side) for of_side in rows], read


def _shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """An image as it looks to the image encoder after it was kept at side x side pixels."""
    small = Image.fromarray(pixels).resize((side, side), Image.Resampling.BOX)
    return preprocess_pixels(np.asarray(small), Preprocessing(len(pixels)))


def _centred(rows: NDArray[Any]) -> NDArray[np.float64]:
    return rows.astype(np.float64) - rows.mean(axis=0)


def store(bridge: Bridge, out: Path) -> None:
    """Write the weights: matrices in float16, which is all that a cosine notices; the rest in float32."""
    from safetensors.numpy import save

    stored = {name: np.asarray(a, np.float16 if a.ndim == 2 else np.float32, order="C") for name, a in bridge.items()}
    write_file(out, save(stored))
