"""Copies: which images are the same, which are similar shots, which of them is best."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from index.build import build_collection
from index.collection import Collection
from index.copies.candidates import _nearest_pairs
from index.copies.grouping import grouped
from index.copies.groups import Copies, cached_copies, exact_copies, load_copies, make_copies
from index.duplicates import find_duplicates
from index.retrieval.derived import save_derived
from index.storage.layout import COPIES
from tests.samples import ColourEncoder


def scene(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    """A picture with an even ground and things on it: what survives resaving and resizing, as in a photo."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 200, (4, 5, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(25):
        x, y = rng.integers(0, size[0]), rng.integers(0, size[1])
        w, h = rng.integers(15, 90, 2)
        draw.ellipse((x - w / 2, y - h / 2, x + w / 2, y + h / 2), tuple(rng.integers(0, 256, 3).tolist()))
    return image


def page_of_text(seed: int) -> Image.Image:
    rng, image = np.random.default_rng(seed), Image.new("RGB", (600, 800), "white")
    for line in range(30):
        text = " ".join("".join(chr(97 + c) for c in rng.integers(0, 26, rng.integers(2, 9))) for _ in range(9))
        ImageDraw.Draw(image).text((40, 40 + 24 * line), text[:60], "black", ImageFont.load_default(16))
    return image


def stamped(image: Image.Image) -> Image.Image:
    image = image.copy()
    font = ImageFont.load_default(60)
    ImageDraw.Draw(image).text((image.width / 2, image.height / 2), "SAMPLE", "white", font, anchor="mm")
    return image


def as_file(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def with_exif(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0110] = "A camera"
    return as_file(image, "JPEG", quality=92, exif=exif)


SAME = {
    "again.png": lambda image: as_file(image, "PNG"),
    "quality-30.jpg": lambda image: as_file(image, "JPEG", quality=30),
    "quality-95.jpg": lambda image: as_file(image, "JPEG", quality=95),
    "metadata.jpg": with_exif,
    "other.webp": lambda image: as_file(image, "WEBP", quality=80),
    "half.jpg": lambda image: as_file(image.resize((240, 180)), "JPEG", quality=85),
    "quarter.png": lambda image: as_file(image.resize((120, 90)), "PNG"),
}
SIMILAR = {
    "crop-5.jpg": lambda image: as_file(image.crop((10, 5, 466, 347)), "JPEG", quality=90),
    "crop-20.jpg": lambda image: as_file(image.crop((60, 30, 444, 318)), "JPEG", quality=90),
    "grey.jpg": lambda image: as_file(image.convert("L"), "JPEG", quality=90),
    "dark.jpg": lambda image: as_file(ImageEnhance.Brightness(image).enhance(0.6), "JPEG", quality=90),
    "shot.jpg": lambda image: as_file(image.rotate(1).crop((20, 20, 470, 350)), "JPEG", quality=90),
    "stamp.jpg": lambda image: as_file(stamped(image), "JPEG", quality=95),
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Two scenes with a copy of each kind, scenes and pages without copies, and two even surfaces."""
    folder = tmp_path_factory.mktemp("copies")
    for seed in (1, 2):
        (folder / f"photos/{seed}").mkdir(parents=True)
        scene(seed).save(folder / f"photos/{seed}/original.png")
        for name, make in (SAME | SIMILAR).items():
            (folder / f"photos/{seed}" / name).write_bytes(make(scene(seed)))
    (folder / "photos/single").mkdir()
    for seed in range(10, 18):
        scene(seed).save(folder / f"photos/single/{seed}.jpg")
        page_of_text(seed).save(folder / f"photos/single/page {seed}.png")
    scene(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "photos/single/mirrored.png")
    for grey in (120, 121):
        Image.new("RGB", (400, 300), (grey,) * 3).save(folder / f"photos/single/even {grey}.png")
    build_collection([folder / "photos"], folder / "c.gelato", ColourEncoder())
    return Collection.open(folder / "c.gelato")


def leader_paths(collection, copies):
    paths = collection.column("path").tolist()
    return {path: paths[leader] for path, leader in zip(paths, copies.leaders, strict=True)}


@pytest.mark.parametrize("tier", ["same", "similar"])
def test_each_kind_of_copy_is_in_the_group_of_its_tier_and_nothing_else_is(library, tier):
    found = leader_paths(library, make_copies(library, tier))
    inside = SAME if tier == "same" else SAME | SIMILAR
    for path, leader in found.items():
        folder, _, name = path.partition("/")
        expected = f"{folder}/" if folder in ("1", "2") and (name in inside or name == "original.png") else path
        assert leader.startswith(expected), path
        if expected == path:
            assert leader == path
    assert len({found[f"1/{name}"] for name in ("original.png", *inside)}) == 1
    assert found["1/half.jpg"] in ("1/original.png", "1/again.png")


def test_groups_do_not_chain():
    pairs = np.array([[i, i + 1] for i in range(9)], np.int32)  # each is like the next
    leaders = grouped(pairs, 10, lambda one, other: abs(one - other) <= 2)
    assert leaders.tolist() == [0, 0, 0, 3, 3, 3, 6, 6, 6, 9]


def test_a_group_may_be_larger_than_the_number_of_neighbours():
    pairs = np.array([[i, i + 1] for i in range(99)], np.int32)
    assert not grouped(pairs, 100, lambda one, other: True).any()


def test_nearest_pairs_of_many_are_those_of_an_exact_search():
    rng = np.random.default_rng(0)
    base = rng.standard_normal((21_000, 16)).astype(np.float32)
    base[20_000:] = base[:1000] + 0.02 * rng.standard_normal((1000, 16)).astype(np.float32)
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    pairs = {tuple(pair) for pair in _nearest_pairs(base, np.arange(len(base), dtype=np.int32)).tolist()}
    assert np.mean([(i, 20_000 + i) in pairs for i in range(1000)]) > 0.98
    assert len(pairs) < 13 * len(base)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"width": 800}, {"width": 400, "bytes": 10**6, "camera": "A"}),  # pixels before all
        ({"bytes": 2000}, {"bytes": 1000, "camera": "A"}),  # then bytes
        ({"camera": "A"}, {"modified": "2001-01-01"}),  # then what a camera wrote
        ({"modified": "2001-01-01"}, {"path": "0.jpg"}),  # then age
        ({"path": "0.jpg"}, {"path": "1.jpg"}),
    ],
)
def test_the_best_copy_has_most_pixels_then_bytes_then_metadata_then_is_oldest(tmp_path, better, worse):
    import pandas as pd

    from index.storage.writer import Writer

    base = {"source": "/s", "width": 400, "height": 300, "bytes": 1000, "hash": "h", "caption": "", "stamp": "1:1"}
    base |= {"id": "0" * 16, "modified": "2020-01-01", "camera": "", "path": "5.jpg"}
    rows = [base | {"path": "6.jpg"} | worse, base | better]
    rows = [row | {"modified": pd.Timestamp(row["modified"])} for row in rows]
    with Writer(tmp_path / "c.gelato", ColourEncoder()) as writer:
        writer.publish(rows, np.eye(3, dtype=np.float32)[:2])
    assert exact_copies(Collection.open(tmp_path / "c.gelato")).leaders.tolist() == [1, 1]


def test_stored_groups_are_used_while_they_are_of_the_collection_as_it_is(library):
    stored = load_copies(library, "same")
    assert stored is not None and (stored.leaders == make_copies(library).leaders).all()
    file = library.path / COPIES
    kept = file.read_bytes()
    try:
        for damaged in (b"", kept[: len(kept) // 2], b"x" * 100):
            file.write_bytes(damaged)
            assert load_copies(library, "same") is None
            assert (cached_copies(Collection.open(library.path), "same").leaders == stored.leaders).all()
    finally:
        file.write_bytes(kept)
    older = Collection(library.path, replace(library.manifest, revision=library.revision + 1))
    assert load_copies(older, "same") is None


def test_copies_of_a_large_collection_are_found_where_they_are_asked_for(library, monkeypatch):
    """Builds and commands that search do not wait for them; who looks for duplicates does, and they are stored."""
    stored = load_copies(library, "same")
    (library.path / COPIES).unlink()
    monkeypatch.setattr("index.copies.groups.QUICK", 1)
    monkeypatch.setattr("index.retrieval.derived.QUICK", 1)
    save_derived(library)
    assert cached_copies(Collection.open(library.path), "same") is None
    assert len(find_duplicates(library)) == len(stored.groups()) > 0
    assert (load_copies(library, "same").leaders == stored.leaders).all()


def test_copies_of_a_row_come_best_first():
    copies = Copies(np.array([2, 1, 2, 2], np.int32), np.array([3, 0, 1, 2], np.int32))
    assert copies.of(0).tolist() == [2, 3, 0] == copies.groups()[0].tolist()
    assert copies.of(1).tolist() == [1] and len(copies.groups()) == 1
