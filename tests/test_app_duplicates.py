"""The duplicates tab: what is found, which images stay, a move that is looked at first, and its undoing."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.state.duplicates import DuplicatesFields, find
from app.state.jobs import Job
from app.state.library import Library
from app.tabs.duplicates.tab import all_of_tier, find_groups, move, progress_of_move, some_groups, undo
from index.build import build_collection
from index.copies.groups import QUICK, load_copies
from tests.browsing import served, watched
from tests.killing_moves import content
from tests.samples import ColourEncoder, noise_image
from training.models.errors import UserError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two images in three and two files, and a third one."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, sizes in enumerate([(400, 200, 100), (300, 150), (350,)]):
        for size in sizes:
            noise_image(number, (400, 300)).resize((size, size * 3 // 4)).save(folder / f"{number}-{size}.png")
    return folder


@pytest.fixture
def library(photos: Path, tmp_path: Path) -> Library:
    build_collection([photos], tmp_path / "photos.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder(), local=True)
    library.roots = (tmp_path,)
    library.add(tmp_path / "photos.gelato")
    yield library
    library.stop()


def finished(job: Job | None) -> Job:
    assert job is not None
    until = time.monotonic() + 30
    while job.state == "running" and time.monotonic() < until:
        time.sleep(0.01)
    return job


def moved(library: Library, **fields) -> dict:
    job = finished(library.jobs.get(move(library, {"tier": "same", "write": True, **fields})["id"]))
    return progress_of_move(library, {"job": job.id})


def test_groups_come_by_the_page_with_the_proposed_image_first(library):
    facts = all_of_tier(library, {"tier": "same"})
    assert (facts["groups"], facts["copies"], facts["images"], facts["undo"]) == (2, 3, 6, False)
    first = some_groups(library, {"start": 0, "count": 1})
    second = some_groups(library, {"start": 1, "count": 1})
    shown = [[image["path"] for image in answer["groups"][0]["images"]] for answer in (first, second)]
    assert shown == [["0-400.png", "0-200.png", "0-100.png"], ["1-300.png", "1-150.png"]]
    assert first["total"] == 2 and not some_groups(library, {"start": 2})["groups"]
    assert all_of_tier(library, {"tier": "exact"})["groups"] == 0


def test_what_compares_pixels_is_found_by_a_job(library):
    assert all_of_tier(library, {"tier": "similar"})["groups"] is None
    with pytest.raises(UserError, match="not known yet"):
        some_groups(library, {"tier": "similar"})
    job = finished(library.jobs.get(find_groups(library, {"tier": "similar"})["job"]))
    assert job.state == "done" and job.note == "2 groups with 3 copies"
    assert all_of_tier(library, {"tier": "similar"})["groups"] == 2


def test_large_collections_have_their_groups_stored_once_they_were_looked_for(library, monkeypatch):
    opened = library.collection(None)
    monkeypatch.setattr("index.retrieval.derived.QUICK", 2)
    (opened.path / "copies.arrow").unlink()
    assert QUICK == 2_000 and all_of_tier(library, {})["groups"] is None
    finished(find(library, opened, DuplicatesFields().tier))
    assert load_copies(opened.published(), "same") is not None
    assert all_of_tier(library, {})["copies"] == 3


def test_what_a_person_keeps_stays_and_a_preview_moves_nothing(library, photos, tmp_path):
    before, out = content(photos), tmp_path / "out"
    groups = some_groups(library, {})["groups"]
    rows = {image["path"]: image["row"] for group in groups for image in group["images"]}
    kept = {str(rows["0-400.png"]): [rows["0-200.png"], rows["0-100.png"]]}
    fields = {"folder": str(out), "kept": kept, "revision": some_groups(library, {})["revision"]}
    dry = moved(library, **fields, write=False)["report"]
    assert dry["images"] == 2 and content(photos) == before and not out.exists()
    report = moved(library, **fields)["report"]
    assert report["images"] == 2 and report["first"] == dry["first"]
    assert set(content(photos)) == {"0-200.png", "0-100.png", "1-300.png", "2-350.png"}
    assert all_of_tier(library, {})["undo"]
    with pytest.raises(UserError, match="has changed"):
        moved(library, **fields)
    finished(library.jobs.get(undo(library, {})["job"]))
    finished(library.collection(None).job)
    library.collection(None).look_again()
    assert content(photos) == before and len(library.collection(None).published()) == 6


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"folder": "/"}, "Name a folder below"),
        ({"folder": ""}, "Name a folder below"),
        ({"folder": "{here}/../elsewhere"}, "Name a folder below"),
        ({"folder": "{here}/link/out"}, "Name a folder below"),
        ({"folder": "{here}/photos/out"}, "lies inside the source"),
        ({"folder": "{here}/photos.gelato/out"}, "lies inside the collection"),
        ({"kept": {"first": []}}, "has to stay"),
        ({"kept": {"first": [99]}}, "has to stay"),
        ({"kept": {"single": [0]}}, "not there any more"),
        ({"revision": -1}, "has changed"),
        ({"tier": "all"}, "tier"),
    ],
)
def test_a_move_that_cannot_be_is_a_sentence(library, photos, tmp_path, fields, why):
    (tmp_path / "link").symlink_to("/")
    answer = some_groups(library, {})
    rows = [[image["row"] for image in group["images"]] for group in answer["groups"]]
    [single] = set(range(6)) - {row for group in rows for row in group}
    given = {"folder": str(tmp_path / "out"), "revision": answer["revision"]} | fields
    given["folder"] = given["folder"].replace("{here}", str(tmp_path))
    if "kept" in fields:
        given["kept"] = {rows[0][0] if leader == "first" else single: stays for leader, stays in fields["kept"].items()}
    before = content(photos)
    try:
        assert why in moved(library, **given)["error"]
    except UserError as error:
        assert why in str(error)
    assert content(photos) == before


@pytest.mark.parametrize("door, ask", [(find_groups, {}), (undo, {}), (move, {"folder": "x", "revision": 0})])
def test_a_page_that_others_can_reach_moves_nothing(library, door, ask):
    library.local = False
    with pytest.raises(UserError, match="from this computer only"):
        door(library, ask)


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
def test_duplicates_are_chosen_moved_and_put_back_on_the_page(library, photos, tmp_path, browser):
    before = content(photos)
    with served(library) as site, watched(browser, site) as open_page:
        page = open_page("?tab=duplicates", ready=".g-duplicates-image img")
        status = page.locator("#duplicates-status")
        expect(status).to_contain_text("3 images can go · 2 groups")
        pair = page.locator(".g-duplicates-group").nth(1)
        pair.get_by_role("button", name="1-300.png stays").click()  # the last one that stays: the other takes its place
        expect(pair.get_by_role("button", name="1-150.png stays")).to_have_attribute("aria-pressed", "true")
        expect(status).to_contain_text("3 images can go")
        page.locator(".g-duplicates-group").first.get_by_role("button", name="Keep all").click()
        expect(status).to_contain_text("1 image can go")
        page.get_by_role("button", name="Move to a folder").click()
        panel = page.locator("#move-panel")
        panel.get_by_label("Folder outside").fill(str(tmp_path / "out"))
        panel.get_by_role("button", name="Preview").click()
        expect(panel).to_contain_text("1 image would be moved")
        assert content(photos) == before
        panel.get_by_role("button", name="Move 1 image").click()
        expect(panel).to_contain_text("1 image was moved")
        assert set(before) - set(content(photos)) == {"1-300.png"}
        page.go_back()
        expect(panel).to_be_hidden()
        expect(status).to_contain_text("2 images can go · 1 group")
        page.get_by_role("button", name="Undo the last move").click()
        expect(status).to_contain_text("3 images can go · 2 groups")
        assert content(photos) == before
        page.locator(".g-duplicates-look").first.click()
        expect(page.locator("#viewer")).to_be_visible()
        page.go_back()
        expect(page.locator(".g-duplicates-image").first).to_be_visible()
