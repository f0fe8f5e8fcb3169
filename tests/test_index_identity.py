"""Images are known again whatever happens to their files, so that tags and corrections survive."""

import io
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance

from index.build import build_collection
from index.collection import Collection
from index.ingest.pixel_hash import pixel_hash
from index.maintenance.remove import remove_images
from index.maintenance.verify import find_faults
from index.storage.annotations import ANNOTATIONS, first_seen
from index.storage.corrections import correct, read_corrections
from index.storage.json_files import CORRECTIONS_FILE, TAGS_FILE
from index.storage.reset import reset_if_stale
from index.storage.row_ids import RowsById
from index.storage.tags import read_tags, rows_by_tag, tag
from tests.samples import ColourEncoder, noise_image, paint
from training.models.errors import UserError

OLD = Path(__file__).parent / "collections" / "before_image_ids"
FORMATS = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".avif": "AVIF"}


def save(image: Image.Image, path: Path, description: str = "", orientation: int = 1) -> None:
    """The image with metadata, as a program that edits only metadata leaves it."""
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = description or "none", orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, exif=exif, **({"quality": 92} if path.suffix == ".jpg" else {}))
    os.utime(path, ns=(1, len(description) + orientation * 1000 + path.stat().st_size))


@pytest.fixture
def library(tmp_path) -> Path:
    """Two folders, eight different images, each of three with a tag and a correction of its own."""
    for number in range(8):
        save(noise_image(number, (80, 60)), tmp_path / f"photos/{'ab'[number % 2]}/{number}.jpg")
    build(tmp_path)
    collection = Collection.open(tmp_path / "c.gelato")
    for number in (0, 1, 2):
        id = id_of(collection, f"{number}.jpg")
        tag(collection, [id], f"tag {number}")
        correct(collection, id, f"label {number}")
    return tmp_path


def build(folder: Path, *sources: str, encoder: ColourEncoder | None = None, prune: bool = True):
    return build_collection(
        [folder / source for source in sources or ("photos",)],
        folder / "c.gelato",
        encoder or ColourEncoder(),
        prune=prune,
    )


def id_of(collection: Collection, name: str) -> str:
    [id] = {
        id for id, path in zip(collection.items["id"], collection.items["path"], strict=True) if path.endswith(name)
    }
    return id


def said_of(folder: Path) -> dict[str, tuple[tuple[str, ...], str]]:
    """Tags and correction of each file of the collection, by its name."""
    collection = Collection.open(folder / "c.gelato")
    tags, labels = read_tags(collection.path), read_corrections(collection.path)
    items = zip(collection.items["id"], collection.items["path"], strict=True)
    return {Path(path).name: (tuple(tags.get(id, ())), labels.get(id, "")) for id, path in items}


def said(number: int) -> tuple[tuple[str, ...], str]:
    return (f"tag {number}",), f"label {number}"


NOTHING = ((), "")


def edited(library: Path, name: str, change) -> None:
    with Image.open(library / name) as image:
        changed = change(image.convert("RGB"))
    save(changed, library / name, "edited")


def crop(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((width // 60, height // 60, width - width // 60, height - height // 60))


LIGHT = {
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.25),
    "black and white": lambda image: image.convert("L").convert("RGB"),
    "smaller": lambda image: image.resize((40, 30)),
    "larger": lambda image: image.resize((200, 150)),
    "turned": lambda image: image.rotate(90, expand=True),
    "cropped a little": crop,
}


@pytest.mark.parametrize("edit", LIGHT)
def test_a_light_edit_in_place_keeps_what_was_said(library, edit):
    edited(library, "photos/a/0.jpg", LIGHT[edit])
    report = build(library)
    assert (report.updated, report.embedded, report.images) == (1, 1, 8)
    assert said_of(library)["0.jpg"] == said(0)


def test_an_image_that_takes_over_a_name_inherits_nothing_and_the_old_one_may_return(library):
    old = (library / "photos/a/0.jpg").read_bytes()
    save(noise_image(99, (80, 60)), library / "photos/a/0.jpg")
    build(library)
    assert said_of(library)["0.jpg"] == NOTHING
    (library / "photos/b/back.jpg").write_bytes(old)
    build(library)
    assert said_of(library)["0.jpg"] == NOTHING and said_of(library)["back.jpg"] == said(0)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_metadata_edit_changes_the_row_and_embeds_nothing(tmp_path, ending):
    image, path = noise_image(5, (80, 60)), tmp_path / f"photos/one{ending}"
    save(image, path)
    build(tmp_path)
    collection = Collection.open(tmp_path / "c.gelato")
    tag(collection, [id_of(collection, path.name)], "kept")
    before = collection.items["hash"][0]
    save(image, path, "a description that was added by another program")
    report = build(tmp_path)
    assert (report.updated, report.embedded) == (1, 0)
    assert said_of(tmp_path)[path.name] == (("kept",), "")
    assert Collection.open(collection.path).items["hash"][0] != before
    shutil.move(path, tmp_path / f"photos/elsewhere{ending}")
    save(image, tmp_path / f"photos/elsewhere{ending}", "and moved at the same time")
    report = build(tmp_path)
    assert (report.moved, report.embedded) == (1, 0)
    assert said_of(tmp_path)[f"elsewhere{ending}"] == (("kept",), "")


@pytest.mark.parametrize("ending", FORMATS)
def test_a_rotation_flag_embeds_again_and_keeps_the_image(tmp_path, ending):
    path = tmp_path / f"photos/one{ending}"
    save(noise_image(5, (80, 60)), path)
    build(tmp_path)
    collection = Collection.open(tmp_path / "c.gelato")
    tag(collection, [id_of(collection, path.name)], "kept")
    save(noise_image(5, (80, 60)), path, orientation=6)
    report = build(tmp_path)
    assert (report.updated, report.embedded) == (1, 1)
    assert said_of(tmp_path)[path.name] == (("kept",), "")
    now = Collection.open(collection.path)
    assert (now.items["width"][0], now.items["height"][0]) == (60, 80)
    with Image.open(now.thumbnail(now.items["id"][0])) as thumbnail:
        assert thumbnail.height > thumbnail.width


def renamed(library):
    (library / "photos/a/0.jpg").rename(library / "photos/a/other.jpg")
    return "other.jpg"


def moved_within(library):
    (library / "photos/a/0.jpg").rename(library / "photos/b/0.jpg")
    return "0.jpg"


def copied_then_deleted(library):
    shutil.copy(library / "photos/a/0.jpg", library / "photos/b/copy.jpg")
    build(library)
    assert said_of(library)["copy.jpg"] == said_of(library)["0.jpg"] == said(0)
    (library / "photos/a/0.jpg").unlink()
    return "copy.jpg"


def copy_deleted(library):
    shutil.copy(library / "photos/a/0.jpg", library / "photos/b/copy.jpg")
    build(library)
    (library / "photos/b/copy.jpg").unlink()
    return "0.jpg"


def deleted_and_restored(library):
    data = (library / "photos/a/0.jpg").read_bytes()
    (library / "photos/a/0.jpg").unlink()
    build(library)
    assert "0.jpg" not in said_of(library)
    (library / "photos/a/0.jpg").write_bytes(data)
    os.utime(library / "photos/a/0.jpg", (5, 5))
    return "0.jpg"


def removed_and_returned(library):
    remove_images(library / "c.gelato", [id_of(Collection.open(library / "c.gelato"), "0.jpg")])
    return "0.jpg"


def unreadable_and_back(library):
    data = (library / "photos/a/0.jpg").read_bytes()
    (library / "photos/a/0.jpg").write_bytes(b"")
    assert build(library).failed == 1
    (library / "photos/a/0.jpg").write_bytes(data)
    return "0.jpg"


def swapped(library):
    first, second, spare = (library / f"photos/{name}" for name in ("a/0.jpg", "b/3.jpg", "spare"))
    first.rename(spare), second.rename(first), spare.rename(second)
    return "3.jpg"


JOURNEYS = (
    renamed,
    moved_within,
    copied_then_deleted,
    copy_deleted,
    deleted_and_restored,
    removed_and_returned,
    unreadable_and_back,
    swapped,
)


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)
def test_what_was_said_of_an_image_follows_its_file(library, journey):
    name = journey(library)
    build(library)
    found = said_of(library)
    assert found[name] == said(0) and found["1.jpg"] == said(1) and found["2.jpg"] == said(2)
    assert len(found) == 8 and sum(one != NOTHING for one in found.values()) == 3
    assert find_faults(library / "c.gelato") == []


def test_a_move_between_sources_keeps_what_was_said(library):
    (library / "more").mkdir()
    (library / "photos/a/0.jpg").rename(library / "more/0.jpg")
    report = build(library, "photos", "more")
    assert (report.moved, report.embedded, said_of(library)["0.jpg"]) == (1, 0, said(0))


@pytest.mark.parametrize("old_one_stays_as_an_empty_folder", [False, True])
def test_a_drive_that_comes_back_elsewhere_keeps_what_was_said(library, old_one_stays_as_an_empty_folder):
    shutil.move(library / "photos", library / "remounted")
    if old_one_stays_as_an_empty_folder:
        (library / "photos").mkdir()
    build(library, "remounted")
    remove_images(library / "c.gelato", where=f"source == {str(library / 'photos')!r}")
    assert {name: of for name, of in said_of(library).items() if of != NOTHING} == {
        f"{number}.jpg": said(number) for number in range(3)
    }


def test_another_encoder_keeps_what_was_said(library):
    other = ColourEncoder()
    other.fingerprint = "0" * 16
    edited(library, "photos/a/0.jpg", LIGHT["brighter"])
    assert reset_if_stale(library / "c.gelato", other)
    build(library, encoder=other)
    assert [said_of(library)[f"{number}.jpg"] for number in range(3)] == [said(0), said(1), said(2)]


def test_forgetting_deletes_what_was_said_unless_a_copy_is_left(library):
    shutil.copy(library / "photos/a/2.jpg", library / "photos/b/copy.jpg")
    build(library)
    path = library / "c.gelato"
    first = id_of(Collection.open(path), "0.jpg")
    assert remove_images(path, [first], forgetting=True).forgotten == 1
    assert remove_images(path, where="path == 'a/2.jpg'", forgetting=True).forgotten == 0
    build(library)
    assert said_of(library)["0.jpg"] == NOTHING and said_of(library)["2.jpg"] == said(2)
    remove_images(path, [first])
    assert remove_images(path, [first], forgetting=True).removed == 0
    with pytest.raises(UserError, match="There is no image"):
        remove_images(path, [first], forgetting=True)


def test_an_image_is_first_seen_once(library):
    path = library / "c.gelato"
    id = id_of(Collection.open(path), "0.jpg")
    seen = first_seen(path, id)
    assert seen.endswith("+00:00")
    edited(library, "photos/a/0.jpg", LIGHT["brighter"])
    build(library)
    assert first_seen(path, id) == seen and first_seen(path, "0" * 16) == ""


def test_a_collection_of_an_earlier_version_opens_with_what_was_said(tmp_path):
    """Its copies had ids of their own, "…-2" and "…-3"; what was said of each is said of the image."""
    into = Path(shutil.copytree(OLD, tmp_path / "c.gelato"))
    (into / TAGS_FILE).chmod(0o644)
    collection = Collection.open(into)
    items = collection.items.set_index("path")["id"]
    red, blue = items["red.bmp"], items["blue.bmp"]
    assert set(items[["copies/red.bmp", "copies/again.bmp"]]) == {red}
    tags = {red: ["first copy", "last copy", "print"], blue: ["print"]}
    assert read_tags(into) == tags and list(read_corrections(into).items()) == [(blue, "blue"), (red, "red")]
    assert not (into / ANNOTATIONS).exists()
    assert len(rows_by_tag(collection, read_tags(into))["print"]) == 4
    colours = {"red": "red", "orange": "orange", "green": "green", "blue": "blue", "grey": "grey"}
    for name, colour in colours.items():
        paint(tmp_path / f"moved/{name}.bmp", colour, (8, 6))
    for copy in ("red", "again"):
        paint(tmp_path / f"moved/copies/{copy}.bmp", "red", (8, 6))
    encoder = ColourEncoder()
    report = build_collection([tmp_path / "moved"], into, encoder)
    assert (report.images, report.moved, encoder.embedded) == (7, 7, 0)
    assert read_tags(into) == tags and read_corrections(into) == {blue: "blue", red: "red"}
    assert find_faults(into) == [] and set(Collection.open(into).items["id"]) == set(items)
    assert not (into / TAGS_FILE).exists() and (into / f"{CORRECTIONS_FILE}.migrated").exists()
    paint(tmp_path / "moved/blue.bmp", (40, 66, 196), (9, 7))  # nearly the same
    build_collection([tmp_path / "moved"], into, encoder)
    assert Collection.open(into).items.set_index("path")["id"]["blue.bmp"] == blue


def test_the_pixel_hash_is_of_the_coded_data_alone(tmp_path):
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 255, (50, 70, 3), dtype=np.uint8))
    for ending, format in FORMATS.items():
        plain, other = io.BytesIO(), io.BytesIO()
        image.save(plain, format)
        image.rotate(180).save(other, format)
        save(image, tmp_path / f"one{ending}", "x" * 3000, orientation=3)
        image.save(tmp_path / f"same{ending}", format)
        first, second = pixel_hash(plain.getvalue()), pixel_hash((tmp_path / f"same{ending}").read_bytes())
        assert first == second != pixel_hash(other.getvalue())
    gif = io.BytesIO()
    image.save(gif, "GIF")
    assert pixel_hash(gif.getvalue()) is None and pixel_hash(b"") is None


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_that_is_cut_or_damaged_anywhere_has_a_pixel_hash_or_none_and_no_error(ending, tmp_path):
    save(noise_image(1), tmp_path / f"one{ending}")
    data = (tmp_path / f"one{ending}").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(data[: rng.integers(1, len(data) + 1)])
        damaged[rng.integers(len(damaged))] = rng.integers(256)
        pixel_hash(bytes(damaged))


@pytest.mark.parametrize("odd", [None, "", "short", "ABCDEF0123456789", "zzzzzzzzzzzzzzzz"])
@pytest.mark.parametrize("dtype", ["str", "object"])
def test_rows_are_found_by_their_ids_whatever_other_ids_are_there(odd, dtype):
    ids = ["00000000000000ff", "fedcba9876543210", "00000000000000ff", *([] if odd is None else [odd])]
    rows = RowsById(pd.Series(ids, dtype=dtype)).rows_of_each(["00000000000000ff", "fedcba9876543210", "1" * 16])
    assert [found.tolist() for found in rows] == [[0, 2], [1], []]
