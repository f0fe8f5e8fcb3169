"""What many tests are made of: an encoder that can be checked by eye, and small images."""

import hashlib
import io
import sqlite3
from pathlib import Path

import numpy as np
from PIL import Image

from index.collection import Collection
from index.query import Term, parse_query
from index.search import Hit, SearchRequest, search
from training.models.encoder import Encoder, unit

PALETTE = {
    "red": (220, 30, 30),
    "orange": (240, 140, 20),
    "green": (30, 160, 60),
    "blue": (30, 60, 200),
    "grey": (128, 128, 128),
}

# The towers of `tiny`, smaller still: a step takes milliseconds.
SMALL_TOWERS = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 8, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


class ColourEncoder(Encoder):
    """Knows nothing but colour, and knows it exactly: "red" must find the red square."""

    name, dim, image_size, logit_scale = "colour", 3, 8, 50.0
    runtime, precision = "torch", "f32"
    fingerprint = hashlib.sha256(b"colour").hexdigest()[:16]

    def __init__(self) -> None:
        self.embedded = 0  # images so far: what must not grow when nothing changed

    def preprocess(self, image: Image.Image) -> np.ndarray:
        return np.asarray(image.convert("RGB").resize((8, 8), Image.Resampling.BOX))

    def embed_pixels(self, pixels: np.ndarray) -> np.ndarray:
        self.embedded += len(pixels)
        return unit(pixels.mean(axis=(1, 2)) - 100.0)

    def embed_text_batch(self, texts: list[str]) -> np.ndarray:
        colours = [next((c for name, c in PALETTE.items() if name in phrase), (101, 101, 101)) for phrase in texts]
        return unit(np.array(colours, np.float32) - 100.0)


class WarmthEncoder(ColourEncoder):
    """The same colours in a space of its own, which has one dimension more."""

    name, dim = "warmth", 4
    fingerprint = hashlib.sha256(b"warmth").hexdigest()[:16]

    def embed_pixels(self, pixels: np.ndarray) -> np.ndarray:
        return _warm(super().embed_pixels(pixels))

    def embed_text_batch(self, texts: list[str]) -> np.ndarray:
        return _warm(super().embed_text_batch(texts))


def _warm(vectors: np.ndarray) -> np.ndarray:
    return unit(np.concatenate([vectors, vectors[:, :1] - vectors[:, 2:]], axis=1))


def paint(path: Path, colour: str | tuple[int, int, int], size: tuple[int, int] = (40, 30)) -> Path:
    """An image of one colour, in the format its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, PALETTE.get(colour, colour) if isinstance(colour, str) else colour).save(path)
    return path


def noise_image(seed: int, size: tuple[int, int] = (40, 36)) -> Image.Image:
    """A small image unlike any other."""
    rng = np.random.default_rng(seed)
    rough = Image.fromarray(rng.integers(0, 255, (5, 6, 3), dtype=np.uint8))
    return rough.resize(size, Image.Resampling.BICUBIC)


def make_read_only(monkeypatch, folder: Path) -> None:
    """Open the annotations of the collection at folder as on a read-only medium: root may write to any file."""
    from index.storage import annotations

    def opened(path: Path, create: bool = False) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{folder / path.name}?mode=ro", uri=True, isolation_level=None)

    monkeypatch.setattr(annotations, "_open", opened)


def png_bytes(image: Image.Image) -> bytes:
    """The image as a PNG file."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def find(collection: Collection, encoder: Encoder | None, query: str | list[Term], k: int = 10, **fields) -> list[Hit]:
    """The first k hits of a query; fields: others of SearchRequest."""
    terms = parse_query(query) if isinstance(query, str) else query
    return list(search(collection, encoder, SearchRequest(terms, count=k, **fields)).hits)


# Queries as people write them, and their terms: sign, weight, text.
QUERIES = [
    ("a cat", [(1, 1, "a cat")]),
    ("", []),
    ("   ", []),
    ("a black-and-white cat", [(1, 1, "a black-and-white cat")]),
    ("t-shirt", [(1, 1, "t-shirt")]),
    ("c++ code", [(1, 1, "c++ code")]),
    ("-5 °C outside", [(1, 1, "-5 °C outside")]),
    ("+1 for this", [(1, 1, "+1 for this")]),
    ("cat -dog", [(1, 1, "cat -dog")]),
    ("cat- dog", [(1, 1, "cat- dog")]),
    ("cat - dog", [(1, 1, "cat"), (-1, 1, "dog")]),
    ("cat-dog - bird-house", [(1, 1, "cat-dog"), (-1, 1, "bird-house")]),
    ("- snow", [(-1, 1, "snow")]),
    ("  -   snow ", [(-1, 1, "snow")]),
    ("+ snow", [(1, 1, "snow")]),
    ("sea − boats – people", [(1, 1, "sea"), (-1, 1, "boats"), (-1, 1, "people")]),
    ("cat + - dog", [(1, 1, "cat"), (-1, 1, "dog")]),
    ("cat\t+\ndog", [(1, 1, "cat"), (1, 1, "dog")]),
    ("  cat +  ", [(1, 1, "cat +")]),
    ("-", [(1, 1, "-")]),
    ("2:golden retriever + pool - people", [(1, 2, "golden retriever"), (1, 1, "pool"), (-1, 1, "people")]),
    ("cat − 1.5:dog", [(1, 1, "cat"), (-1, 1.5, "dog")]),
    ("2:red car", [(1, 2, "red car")]),
    ("2: red car", [(1, 2, "red car")]),
    ("0.1:red", [(1, 0.1, "red")]),
    ("10:red", [(1, 10, "red")]),
    ("0.09:red", [(1, 1, "0.09:red")]),
    ("0:red", [(1, 1, "0:red")]),
    ("10.1:red", [(1, 1, "10.1:red")]),
    ("999999999999:red", [(1, 1, "999999999999:red")]),
    ("9" * 400 + ":red", [(1, 1, "9" * 400 + ":red")]),
    ("2001: a space odyssey", [(1, 1, "2001: a space odyssey")]),
    ("16:9 monitor", [(1, 1, "16:9 monitor")]),
    ("4:3", [(1, 1, "4:3")]),
    ("4:3 - tv", [(1, 1, "4:3"), (-1, 1, "tv")]),
    ("3:00 pm clock", [(1, 1, "3:00 pm clock")]),
    ("clock at 2:30", [(1, 1, "clock at 2:30")]),
    ("2:3:red", [(1, 1, "2:3:red")]),
    ("2:", [(1, 1, "2:")]),
    ("-2:red", [(1, 1, "-2:red")]),
    ("- 2:red", [(-1, 2, "red")]),
    ("1,5:red", [(1, 1, "1,5:red")]),
    ("1e1:red", [(1, 1, "1e1:red")]),
    ("nan:red", [(1, 1, "nan:red")]),
    ("٢:red", [(1, 1, "٢:red")]),
    ("http://example.org", [(1, 1, "http://example.org")]),
]
