"""What several tests stand on: an encoder that can be checked by eye, and small real pictures."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.models.encoder import Encoder, unit

# Gradio's statistics, as app/command.py turns them off; they use what pandas has deprecated.
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**62)

PALETTE = {
    "red": (220, 30, 30),
    "orange": (240, 140, 20),
    "green": (30, 160, 60),
    "blue": (30, 60, 200),
    "grey": (128, 128, 128),
}


class ColourEncoder(Encoder):
    """Knows nothing but colour, and knows it exactly: "red" must find the red square."""

    name, dim, image_size, logit_scale = "colour", 3, 8, 50.0
    runtime, precision = "torch", "f32"
    fingerprint = hashlib.sha256(b"colour").hexdigest()[:16]

    def __init__(self) -> None:
        self.embedded = 0  # pictures so far: what must not grow when nothing changed

    def prepare(self, picture: Image.Image) -> np.ndarray:
        return np.asarray(picture.convert("RGB").resize((8, 8), Image.Resampling.BOX))

    def embed_prepared(self, pixels: np.ndarray) -> np.ndarray:
        self.embedded += len(pixels)
        return unit(pixels.mean(axis=(1, 2)) - 100.0)

    def embed_phrases(self, phrases: list[str]) -> np.ndarray:
        colours = [next((c for name, c in PALETTE.items() if name in phrase), (101, 101, 101)) for phrase in phrases]
        return unit(np.array(colours, np.float32) - 100.0)


@pytest.fixture
def encoder() -> ColourEncoder:
    return ColourEncoder()


def paint(path: Path, colour: str | tuple[int, int, int], size: tuple[int, int] = (40, 30)) -> Path:
    """A picture of one colour, in the format its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, PALETTE.get(colour, colour) if isinstance(colour, str) else colour).save(path)
    return path


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """A folder with one square of each colour, nested, in several formats."""
    folder = tmp_path / "squares"
    endings = dict(zip(PALETTE, (".png", ".webp", ".bmp", ".gif", ".tiff"), strict=True))
    for colour, ending in endings.items():
        paint(folder / ("warm" if colour in ("red", "orange") else "cold") / f"{colour}{ending}", colour)
    return folder


def noise_picture(seed: int, size: tuple[int, int] = (40, 36)) -> Image.Image:
    """A small picture unlike any other."""
    rng = np.random.default_rng(seed)
    rough = Image.fromarray(rng.integers(0, 255, (5, 6, 3), dtype=np.uint8))
    return rough.resize(size, Image.Resampling.BICUBIC)


@pytest.fixture(scope="session")
def captioned(tmp_path_factory) -> Path:
    """A folder of 40 small pictures, in four classes, each with a caption of its own beside it."""
    folder = tmp_path_factory.mktemp("captioned")
    kinds = ("cat", "dog", "ship", "tree")
    for number in range(40):
        kind = kinds[number % 4]
        (folder / kind).mkdir(exist_ok=True)
        noise_picture(number).save(folder / kind / f"{number:02}.png")
        (folder / kind / f"{number:02}.txt").write_text(f"a {kind} number {number}\n")
    return folder


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the tests of a module; while it runs, no other event loop can."""
    from browsing import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A running page over two collections of coloured squares."""
    from browsing import colour_library, served

    with served(colour_library(tmp_path_factory.mktemp("site"))) as site:
        yield site


@pytest.fixture
def opened(browser, site):
    """Opens pages of the site; afterwards none of them may have asked another host or complained."""
    from browsing import watched

    with watched(browser, site) as open_page:
        yield open_page
