"""Captioned drawings, OpenMoji's and the Open Clip Art Library's, as the image encoder sees them."""

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
from training.models.decoding import ImageError, decode_image
from training.models.encoder import BATCH, Vectors, unit
from training.models.preprocess import Preprocessing, preprocess_pixels
from training.models.runtime import load_tower
from training.models.sentence_encoder import SentenceEncoder
from training.models.starter import IMAGE_SIZE, image_tower_module

T = TypeVar("T")
Progress = Callable[[str, int, int], object]  # what is read, how many are done, and of how many
SHRUNK = (32, 64)  # sides in pixels that each drawing is seen at too, since people have small images
CLIPART_WEIGHT = 0.5  # of a clip-art beside an OpenMoji drawing, whose names are cleaner
SYMBOLS = re.compile("flags|shapes/|special|semaphore|unsorted|icons|buttons|cards/|signs_and_symbols|logo|computer/")


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


def read_clipart(folder: Path, text_encoder: SentenceEncoder) -> Captioned:
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
