"""The images themselves over HTTP: what is shown and given out, to whom, and everything that is refused."""

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from starlette.testclient import TestClient

from app.server import originals as routes
from app.server.server import guarded, make_server
from app.state.library import Library
from index.build import build_collection
from index.collection import Collection
from index.viewing import SIDES
from tests.samples import ColourEncoder, noise_image, paint, png_bytes

HERE = "http://127.0.0.1"
SIDE = SIDES[0]
SIZE = (1500, 1000)  # larger than SIDE and smaller than the largest


def ask(library: Library) -> TestClient:
    """A browser on this computer. The page itself, which takes seconds to make, is left out."""
    client = TestClient(guarded(make_server(library), "127.0.0.1", {}), base_url=HERE, client=("127.0.0.1", 50_000))
    client.headers["origin"] = HERE
    return client


@pytest.fixture(scope="module")
def photo() -> bytes:
    """A photograph that says where it was taken."""
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x010E] = "a secret place"
    out = io.BytesIO()
    noise_image(1, SIZE).save(out, "JPEG", exif=exif, quality=80)
    return out.getvalue()


@pytest.fixture
def photos(tmp_path: Path, photo: bytes) -> Path:
    """A folder with that photograph."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(photo)
    return tmp_path / "photos"


class Shown:
    """One collection behind the routes."""

    def __init__(self, source: Path, place: Path, **settings):
        build_collection([source], place, ColourEncoder())
        self.library = Library(lambda name: ColourEncoder(), **settings)
        self.key = self.library.add(place).key
        self.page = ask(self.library)
        self.ids = list(Collection.open(place).column("id"))

    def path(self, rest: str, at: int = 0) -> str:
        return f"/originals/{self.key}/{self.ids[at]}{rest}"

    def get(self, rest: str = f".jpg?side={SIDE}", at: int = 0):
        return self.page.get(self.path(rest, at))


@pytest.fixture
def show(tmp_path):
    made: list[Shown] = []

    def show(source: Path, **settings) -> Shown:
        made.append(Shown(source, tmp_path / f"{len(made)}.gelato", **{"originals": True, "desktop": True} | settings))
        return made[-1]

    yield show
    for one in made:
        one.library.stop()


@pytest.fixture(scope="module")
def unchanged(photo: bytes, tmp_path_factory) -> Iterator[Shown]:
    """The photograph behind the routes, for tests that only ask."""
    folder = tmp_path_factory.mktemp("unchanged")
    (folder / "photos").mkdir()
    (folder / "photos" / "a.jpg").write_bytes(photo)
    shown = Shown(folder / "photos", folder / "c.gelato", originals=True, desktop=True)
    yield shown
    shown.library.stop()


def test_an_image_is_shown_at_the_size_of_a_window_without_its_metadata(show, photos):
    shown = show(photos)
    answer = shown.get()
    image = Image.open(io.BytesIO(answer.content))
    assert (image.format, image.size) == ("JPEG", (1080, 720))
    assert not image.getexif() and b"secret" not in answer.content
    assert b"secret" in (photos / "a.jpg").read_bytes()
    again = shown.page.get(shown.path(f".jpg?side={SIDE}"), headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304 and not again.content
    larger = shown.get(f".jpg?side={SIDES[-1]}")
    assert Image.open(io.BytesIO(larger.content)).size == SIZE  # never more than it has


def test_the_file_itself_is_downloaded_under_its_name(show, photos):
    (photos / "a.jpg").rename(photos / "Ä b.jpg")
    answer = show(photos).get("/file")
    assert answer.content == (photos / "Ä b.jpg").read_bytes()
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%84%20b.jpg"


def test_a_format_that_browsers_lack_is_converted(show, tmp_path):
    paint(tmp_path / "photos" / "a.tiff", "red", (200, 100))
    answer = show(tmp_path / "photos").get()
    assert Image.open(io.BytesIO(answer.content)).format == "JPEG" and answer.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize("side", ["", "0", "-1", "1081", "99999999", "1e3", "a"])
def test_only_a_few_sizes_are_made(unchanged, side):
    assert unchanged.get(f".jpg?side={side}").status_code in (400, 422)


@pytest.mark.parametrize(
    "id",
    [
        "..",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%5c..%5cwindows",
        "/etc/passwd",
        "a.jpg",
        "photos%2fa.jpg",
        "%00",
        "0" * 16,
        "0" * 4000,
        "' OR 1=1 --",
    ],
)
@pytest.mark.parametrize("rest", [f".jpg?side={SIDE}", "/file", "/folder"])
def test_an_id_is_looked_up_and_never_opened(unchanged, id, rest):
    ask = unchanged.page.post if rest == "/folder" else unchanged.page.get
    answer = ask(f"/originals/{unchanged.key}/{id}{rest}")
    assert answer.status_code in (404, 405, 400) and b"root:" not in answer.content
    assert ask(f"/originals/../{unchanged.ids[0]}{rest}").status_code in (404, 405)


def change(folder: Path) -> None:
    noise_image(2, SIZE).save(folder / "a.jpg")


def change_and_keep_the_time(folder: Path) -> None:
    """The same size and the same time: only the bytes say that it is another image."""
    facts, data = (folder / "a.jpg").stat(), (folder / "a.jpg").read_bytes()
    (folder / "a.jpg").write_bytes(data[:-100] + bytes(98) + data[-2:])
    os.utime(folder / "a.jpg", ns=(facts.st_atime_ns, facts.st_mtime_ns))


def remove(folder: Path) -> None:
    (folder / "a.jpg").unlink()


def link_out(folder: Path) -> None:
    """To the very same bytes: where they lie is what is refused."""
    (folder / "a.jpg").rename(folder.parent / "outside.jpg")
    (folder / "a.jpg").symlink_to(folder.parent / "outside.jpg")


def link_to_another_file(folder: Path) -> None:
    (folder / "a.jpg").unlink()
    (folder / "a.jpg").symlink_to("/etc/passwd")


def link_nowhere(folder: Path) -> None:
    (folder / "a.jpg").unlink()
    (folder / "a.jpg").symlink_to(folder / "nowhere")


def link_in_a_circle(folder: Path) -> None:
    (folder / "a.jpg").unlink()
    (folder / "a.jpg").symlink_to(folder / "a.jpg")


def pipe(folder: Path) -> None:
    (folder / "a.jpg").unlink()
    os.mkfifo(folder / "a.jpg")


def folder_instead(folder: Path) -> None:
    (folder / "a.jpg").unlink()
    (folder / "a.jpg").mkdir()


def text_instead(folder: Path) -> None:
    (folder / "a.jpg").write_text("a password")


def unplug(folder: Path) -> None:
    folder.rename(folder.parent / "unplugged")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (change, "another image"),
        (change_and_keep_the_time, "another image"),
        (remove, "moved or deleted"),
        (link_out, "leads out"),
        (link_to_another_file, "leads out"),
        (link_nowhere, "moved or deleted"),
        (link_in_a_circle, "cannot be read|moved or deleted"),
        (pipe, "moved or deleted"),
        (folder_instead, "moved or deleted"),
        (text_instead, "another image"),
        (unplug, "drive or folder"),
    ],
)
def test_a_file_that_is_not_the_image_that_was_indexed_is_refused_with_a_sentence(show, photos, harm, says):
    shown = show(photos)
    assert shown.get().status_code == 200  # and is held from now on
    harm(photos)
    for rest in (f".jpg?side={SIDE}", f".jpg?side={SIDES[1]}", "/file"):
        answer = shown.get(rest)
        if harm is change_and_keep_the_time and rest == f".jpg?side={SIDE}":
            continue  # the image that is held is the one that was indexed
        assert answer.status_code == 409 and any(one in answer.text for one in says.split("|")), answer.text
    assert shown.page.get(f"/media/{shown.key}/{shown.ids[0]}.webp").status_code == 200  # the thumbnail stays


def test_other_metadata_does_not_make_another_image(show, photos):
    shown = show(photos)
    data = (photos / "a.jpg").read_bytes()
    (photos / "a.jpg").write_bytes(data.replace(b"a secret place", b"another place!"))
    assert shown.get().status_code == 200


def test_a_copy_is_shown_where_the_first_file_is_gone(show, photos):
    (photos / "b.jpg").write_bytes((photos / "a.jpg").read_bytes())
    shown = show(photos)
    (photos / "a.jpg").unlink()
    assert shown.get().status_code == 200


def tar_of(folder: Path) -> Path:
    packed = folder.parent / "packed" / "one.tar"
    packed.parent.mkdir()
    with tarfile.open(packed, "w") as tar:
        tar.add(folder / "a.jpg", "a.jpg")
    return packed


def parquet_of(folder: Path) -> Path:
    packed = folder.parent / "packed" / "one.parquet"
    packed.parent.mkdir()
    pd.DataFrame({"image": [{"bytes": (folder / "a.jpg").read_bytes(), "path": "a.jpg"}]}).to_parquet(packed)
    return packed


@pytest.mark.parametrize("pack", [tar_of, parquet_of])
@pytest.mark.parametrize("as_folder", [False, True])
def test_an_image_inside_an_archive_is_shown_and_has_no_folder(show, photos, pack, as_folder):
    packed = pack(photos)
    shown = show(packed.parent if as_folder else packed)
    assert Image.open(io.BytesIO(shown.get().content)).size == (1080, 720)
    assert shown.get("/file").content == (photos / "a.jpg").read_bytes()
    answer = shown.page.post(shown.path("/folder"))
    assert answer.status_code == 409 and "inside an archive" in answer.text
    noise_image(3, (300, 200)).save(photos / "a.jpg")
    packed.unlink()
    packed.parent.rmdir()
    pack(photos)
    assert "another image" in shown.get(f".jpg?side={SIDES[1]}").text
    packed.unlink()
    assert shown.get().status_code == 409


def test_a_table_may_list_images_of_other_folders_but_no_links(show, photos, tmp_path):
    (photos / "link.png").symlink_to(tmp_path / "outside.png")
    (tmp_path / "outside.png").write_bytes(png_bytes(noise_image(4)))
    (tmp_path / "table").mkdir()
    table = tmp_path / "table" / "images.csv"
    table.write_text(f"path\n{photos / 'a.jpg'}\n{photos / 'link.png'}\n")
    shown = show(table)
    assert shown.get().status_code == 200
    assert "leads out" in shown.get(at=1).text


@pytest.mark.parametrize("settings", [{"originals": False, "desktop": False}])
def test_a_page_without_originals_gives_thumbnails_only(show, photos, settings):
    shown = show(photos, **settings)
    for rest in (f".jpg?side={SIDE}", "/file"):
        answer = shown.get(rest)
        assert answer.status_code == 403 and "--originals" in answer.text
    assert shown.page.get(f"/media/{shown.key}/{shown.ids[0]}.webp").status_code == 200


@pytest.fixture
def opened_folders(monkeypatch) -> list[Path]:
    found: list[Path] = []
    monkeypatch.setattr(routes, "show_in_folder", found.append)
    return found


def test_the_folder_of_an_image_is_opened_for_the_person_at_this_computer(show, photos, opened_folders):
    shown = show(photos)
    assert shown.page.post(shown.path("/folder")).status_code == 200
    assert opened_folders == [photos / "a.jpg"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
    ],
)
def test_no_other_site_opens_a_folder(show, photos, opened_folders, headers, status):
    shown = show(photos)
    assert shown.page.post(shown.path("/folder"), headers=headers).status_code == status
    for method in ("get", "head", "put", "delete"):  # an image or a link of another site makes a GET
        assert getattr(shown.page, method)(shown.path("/folder")).status_code in (404, 405, 400)
    del shown.page.headers["origin"]
    assert shown.page.post(shown.path("/folder")).status_code == 403
    assert shown.page.post(shown.path("/folder"), headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert opened_folders == []


def test_nobody_elsewhere_opens_a_folder(show, photos, opened_folders):
    """Also not with --originals, and not through a proxy or tunnel that has credentials."""
    shown = show(photos, desktop=False)
    assert shown.page.post(shown.path("/folder")).status_code == 403
    shown.library.desktop = True
    from_elsewhere = TestClient(shown.page.app, base_url=HERE, client=("192.168.1.7", 50_000))
    assert from_elsewhere.post(shown.path("/folder"), headers={"origin": HERE}).status_code == 403
    assert opened_folders == []


def test_what_is_held_is_bounded(show, photos, monkeypatch):
    for seed in range(4):
        noise_image(seed, (900, 700)).save(photos / f"{seed}.png")
    shown = show(photos)
    views = shown.library.views
    monkeypatch.setattr(views._held, "capacity", 300_000)
    for at in range(len(shown.ids)):
        assert shown.get(at=at).status_code == 200
    assert 0 < views._held.total <= 300_000
