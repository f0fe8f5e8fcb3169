"""The first action on the demo: a folder of one's own is indexed from the line above the results."""

import threading
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from app.state.folders import MOST, listing, subfolders
from app.state.library import Library
from app.ui.header.header import page_state
from index.build import build_collection
from tests.browsing import search, served, watched
from tests.samples import ColourEncoder, paint
from training.models.errors import UserError


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home folder with two visible folders, a hidden one, a file, and links to a folder outside and to one inside."""
    home = tmp_path / "home"
    paint(home / "Pictures" / "Trip" / "a.png", "green")
    for name in ("Documents", ".hidden"):
        (home / name).mkdir()
    paint(home / "photo.png", "red")
    paint(tmp_path / "outside" / "secret" / "a.png", "red")
    (home / "away").symlink_to(tmp_path / "outside")
    (home / "again").symlink_to(home / "Pictures")
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    return home


class GatedEncoder(ColourEncoder):
    """Embeds images only once its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def embed_pixels(self, pixels: np.ndarray) -> np.ndarray:
        self.gate.wait(60)
        return super().embed_pixels(pixels)


@pytest.fixture
def gated() -> GatedEncoder:
    return GatedEncoder()


@pytest.fixture
def library(tmp_path, gated) -> Library:
    """The library of a page that opened on a demo of one square."""
    paint(tmp_path / "squares" / "a.png", "red")
    build_collection([tmp_path / "squares"], tmp_path / "demo.gelato", ColourEncoder())
    library = Library(lambda name: gated, local=True)
    library.demo = library.add(tmp_path / "demo.gelato").key
    return library


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", ["~/Documents", "~/Pictures"]),
        ("~/", ["~/Documents", "~/Pictures"]),
        ("~/Pic", ["~/Documents", "~/Pictures"]),  # the browser narrows it down
        ("HOME/", ["HOME/Documents", "HOME/Pictures"]),
        ("~/Pictures/", ["~/Pictures/Trip"]),
        ("~/again/", ["~/again/Trip"]),
        ("~/Pictures/../", ["~/Pictures/../Documents", "~/Pictures/../Pictures"]),
        ("~/away/", []),
        ("~/../", []),
        ("HOME/../outside/", []),
        ("HOMEx/", []),
        ("/", []),
        ("/etc/", []),
        ("//", []),
        ("relative/", []),
        ("~nobody-of-this-name/", []),
        ("~/photo.png/", []),
        ("~/nowhere/", []),
        ("~/\0/", []),
        ("~/" + "a" * 5000 + "/", []),
    ],
)
def test_only_folders_below_the_home_folder_are_offered(home, library, typed, offered):
    here = str(home)
    expected = [path.replace("HOME", here) for path in offered]
    assert subfolders(library, typed.replace("HOME", here)) == expected
    library.local = False
    assert subfolders(library, typed.replace("HOME", here)) == []


def test_a_folder_of_many_folders_offers_the_first_ones(home, library):
    for number in range(MOST + 5):
        (home / "Pictures" / f"{number:04}").mkdir()
    assert subfolders(library, "~/Pictures/") == [f"~/Pictures/{number:04}" for number in range(MOST)]


def test_a_listing_has_the_folders_with_the_images_below_them(home, library, monkeypatch):
    paint(home / "Pictures" / "Trip" / "deep" / "b.JPG", "red")
    paint(home / "Pictures" / "Trip" / ".thumbs" / "c.png", "red")
    (home / "Pictures" / "notes.txt").write_text("no image")
    found = listing(library, "")
    assert [(row["name"], row["images"]) for row in found["folders"]] == [("Documents", 0), ("Pictures", 2)]
    assert (found["path"], found["parent"], found["here"], found["images"]) == (str(home), "", 1, 3)
    below = listing(library, "~/Pictures")
    assert (below["parent"], below["here"], below["folders"][0]["images"]) == (str(home), 0, 2)
    monkeypatch.setattr("app.state.folders.COUNTING", -1.0)
    assert not listing(library, "")["counted"]


@pytest.mark.parametrize("path", ["/", "~/..", "~/away", "~/away/secret", "HOMEx", "~/Pictures/../../outside", "~/\0"])
def test_a_listing_outside_the_roots_is_refused(home, library, path):
    with pytest.raises(UserError, match=r"Name a folder below|is no folder"):
        listing(library, path.replace("HOME", str(home)))
    library.local = False
    with pytest.raises(UserError, match="from this computer only"):
        listing(library, "")


def test_a_folder_that_is_not_there_or_is_a_file_is_a_sentence(home, library):
    for path in ("~/nowhere", "~/photo.png"):
        with pytest.raises(UserError, match="cannot be read"):
            listing(library, path)


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
def test_a_folder_is_chosen_by_keys_and_by_touch_and_back_closes_the_window(home, library, browser):
    with served(library) as site, watched(browser, site) as open_page:
        page = open_page(viewport={"width": 390, "height": 800}, has_touch=True)
        field = page.locator("#own-photos").get_by_label("Folder with photos")
        browse = page.locator("#own-photos").get_by_role("button", name="Browse")
        browse.tap()
        picker = page.locator("#folder-picker")
        expect(picker).to_contain_text("Pictures1 image")
        assert picker.locator(".g-folder-picker-row").first.bounding_box()["height"] >= 44
        page.go_back()
        expect(picker).to_be_hidden()
        expect(page.locator("#own-photos")).to_be_visible()
        browse.click()
        picker.get_by_role("button", name="Documents").wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(picker.get_by_role("button", name="Trip")).to_be_focused()
        page.keyboard.press("Backspace")
        expect(picker.get_by_role("button", name="Pictures")).to_be_focused()
        page.keyboard.press("Enter")
        picker.get_by_role("button", name="Choose this folder").click()
        expect(picker).to_be_hidden()
        expect(field).to_have_value(str(home / "Pictures"))
        search(page, "red")
        expect(page.locator("#own-photos")).to_be_hidden()


def test_it_is_offered_on_the_demo_alone_and_on_this_computer_alone(library, tmp_path):
    assert page_state(library, {})["offersIndexing"]
    library.local = False
    assert not page_state(library, {})["offersIndexing"]
    library.local = True
    build_collection([tmp_path / "squares"], tmp_path / "own.gelato", ColourEncoder())
    library.add(tmp_path / "own.gelato")
    assert not page_state(library, {})["offersIndexing"]
    library.demo = ""
    assert not page_state(library, {})["offersIndexing"]


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
def test_photos_of_ones_own_are_indexed_from_the_first_page_until_that_is_dismissed(home, library, gated, browser):
    with served(library) as site, watched(browser, site) as open_page:
        page = open_page()
        form = page.locator("#own-photos")
        form.get_by_role("button", name="Dismiss").click()
        expect(form).to_be_hidden()
        page.reload()
        expect(page.locator("#state-pill")).to_contain_text("up to date")
        expect(form).to_be_hidden()

        page = open_page()  # another browser
        form = page.locator("#own-photos")
        field = form.get_by_label("Folder with photos")
        field.focus()
        expect(form.locator("option")).to_have_count(2)
        field.fill("~/nowhere")
        form.get_by_role("button", name="Index").click()
        expect(form.get_by_role("alert")).to_contain_text("There is nothing at ~/nowhere")
        expect(field).to_be_focused()
        field.fill("~/Pictures")
        field.press("Enter")
        expect(page.locator("#state-pill")).to_contain_text("0 of 1 searchable")
        for _ in range(3):  # the page hears of the state again, and shows nothing of the demo
            page.wait_for_event("requestfinished")
        expect(page.locator("#status")).to_contain_text("Indexing the first images")
        gated.gate.set()
        expect(page.locator("#state-pill")).to_contain_text("1 image, up to date")
        expect(page.locator("#grid .g-grid-name")).to_have_text(["a.png"])
        assert "collection=pictures" in page.url
        expect(form).to_be_hidden()
        page.go_back()
        expect(page.locator("#collection")).to_have_value("demo")
