"""The collections tab in a real Chromium: cards, a folder indexed from the page, a job found again after a reload."""

import pytest
from playwright.sync_api import expect

from tests.samples import noise_image, paint

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))


def test_every_collection_has_a_card_that_leads_to_its_search(opened):
    page = opened("?tab=collections", ready=".g-collections-card img")
    card = page.locator(".g-collections-card[data-key=colours]")
    expect(card).to_contain_text("75 images")
    expect(card).to_contain_text("search: flat, recall 1.000")
    page.locator(".g-collections-card[data-key=few] .g-collections-cover").click()
    expect(page.locator("#grid .g-grid-card")).to_have_count(1)
    assert "collection=few" in page.url


def test_a_folder_is_indexed_and_the_job_is_there_after_a_reload(opened, tmp_path):
    paint(tmp_path / "trip" / "a.png", "green")
    (tmp_path / "trip" / "broken.png").write_text("no image")
    page = opened("?tab=collections", ready=".g-collections-card img")
    page.get_by_label("Folder, table or tar shards on this computer").fill(str(tmp_path / "trip"))
    page.get_by_label("Encoder", exact=True).fill("colour")
    page.get_by_role("button", name="Index", exact=True).click()
    expect(page.locator("#jobs")).to_contain_text("1 added")
    page.reload()
    expect(page.locator("#jobs")).to_contain_text("Indexed trip")
    card = page.locator(".g-collections-card[data-key=trip]")
    card.get_by_text("2 files: 1 image, 1 unreadable").click()
    expect(card.locator("li")).to_contain_text("broken.png unreadable: ")
    card.get_by_role("button", name="Watch").click()
    expect(card.get_by_role("button", name="Watching")).to_be_visible()
    paint(tmp_path / "trip" / "b.png", "blue")
    expect(card).to_contain_text("3 files: 2 images, 1 unreadable")
    card.get_by_role("button", name="Watching").click()
    expect(card.get_by_role("button", name="Watch", exact=True)).to_be_visible()
    card.get_by_role("button", name="Delete").click()
    page.keyboard.press("Escape")
    card.get_by_role("button", name="Delete", exact=True).click()
    card.get_by_role("button", name="Really delete?").click()
    expect(card).to_have_count(0)


def test_most_images_of_a_folder_go_only_when_a_person_confirms_it(opened, tmp_path):
    for number in range(5):
        noise_image(number).save(paint(tmp_path / f"shrinking/{number}.png", "red"))
    page = opened("?tab=collections", ready=".g-collections-card img")
    page.get_by_label("Folder, table or tar shards on this computer").fill(str(tmp_path / "shrinking"))
    page.get_by_label("Encoder", exact=True).fill("colour")
    page.get_by_role("button", name="Index", exact=True).click()
    card = page.locator(".g-collections-card[data-key=shrinking]")
    expect(card).to_contain_text("5 images")
    for number in range(3):
        (tmp_path / f"shrinking/{number}.png").unlink()
    card.get_by_role("button", name="Update").click()
    expect(page.locator("#jobs")).to_contain_text("3 of the 5 images that came from")
    expect(page.locator("#jobs")).to_contain_text("If they were deleted, confirm it in Collections.")
    expect(card).to_contain_text("5 images")
    confirm = page.get_by_role("button", name="They were deleted: remove them")
    confirm.click()
    expect(page.locator("#jobs")).to_contain_text("3 gone")
    expect(card).to_contain_text("2 images")
    expect(confirm).to_have_count(0)


def test_a_folder_that_is_not_there_is_a_sentence(opened):
    page = opened("?tab=collections", ready=".g-collections-card img")
    page.get_by_label("Folder, table or tar shards on this computer").fill("/nowhere")
    page.get_by_role("button", name="Index", exact=True).click()
    expect(page.locator("#new-collection")).to_contain_text("There is nothing at /nowhere")
    expect(page.get_by_label("Folder, table or tar shards on this computer")).to_be_focused()
