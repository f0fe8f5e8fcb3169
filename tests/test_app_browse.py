"""All images as a timeline, and one of them in the whole window, in a real Chromium."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.state.library import Library
from index.build import build_collection
from tests.browsing import Site, search, served, settle, watched
from tests.samples import ColourEncoder, noise_image

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's queue uses what pandas 3 lets go of
]

DAYS, EACH = 60, 8  # days, 20 apart, and the images of each
FIRST = datetime(2021, 1, 1, 12)
WINDOW = {"viewport": {"width": 1000, "height": 700}}
IN_SIGHT = """() => [...document.querySelectorAll("#grid .g-grid-card[data-id] .g-grid-name")].filter((name) => {
  const { top, bottom } = name.closest(".g-grid-card").getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}).map((name) => name.textContent)"""


def moment(number: int) -> datetime:
    return FIRST + timedelta(days=20 * (number // EACH), minutes=number % EACH)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    """480 images of 60 days in two folders, the last one large."""
    folder = tmp_path_factory.mktemp("album")
    for number in range(DAYS * EACH):
        path = folder / "photos" / ("even" if number % 2 == 0 else "odd") / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise_image(number, (2400, 1500) if number == DAYS * EACH - 1 else (24, 24)).save(path)
        os.utime(path, (moment(number).timestamp(),) * 2)
    build_collection([folder / "photos"], folder / "album.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder(), local=True, originals=True, desktop=True)
    library.add(folder / "album.gelato")
    library.roots = (folder,)
    with served(library) as site:
        site.folder = folder / "photos"
        yield site


@pytest.fixture
def opened(browser, site):
    with watched(browser, site) as open_page:
        yield open_page


def in_sight(page: Page) -> list[str]:
    return page.evaluate(IN_SIGHT)


def nodes(page: Page) -> int:
    return page.locator("#grid *").count()


def test_all_images_are_a_timeline_of_which_only_what_is_in_sight_has_nodes(opened):
    page = opened(**WINDOW)
    expect(page.locator("#status")).to_contain_text("480 images")
    newest = [f"{number:03}.png" for number in reversed(range(DAYS * EACH))]
    seen = in_sight(page)
    assert len(seen) > 4 and seen == newest[: len(seen)]
    expect(page.locator("#grid h2").first).to_contain_text(moment(DAYS * EACH - 1).strftime("%-d %B %Y"))
    assert page.locator("#grid .g-grid-card").count() < DAYS * EACH / 2
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.wait_for_function(f"({IN_SIGHT})().at(-1) === '000.png'")
    most = nodes(page)
    slider = page.get_by_role("slider", name="Timeline")
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 30, box["y"] + box["height"] / 2)
    page.wait_for_function(f"({IN_SIGHT})().length > 6")
    middle = int(in_sight(page)[0].split(".")[0])
    assert 180 < middle < 300
    assert nodes(page) < 2.2 * most
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("PageDown")
    expect(slider).to_have_attribute("aria-valuetext", "December 2023, 8 images")
    page.wait_for_function(f"({IN_SIGHT})().length > 6")
    page.keyboard.press("Home")
    page.wait_for_function(f"({IN_SIGHT})()[0] === '479.png'")

    page.locator("#grid .g-grid-frame").first.focus()
    for _ in range(2 * DAYS):  # through rows and days, also those that have no nodes yet
        page.keyboard.press("ArrowDown")
    page.wait_for_function("Number(document.activeElement.closest('.g-grid-card').dataset.index) > 200")
    expect(page.locator(":focus")).to_be_in_viewport()

    page.locator("#group").select_option("folder")
    expect(page.locator("#grid h2")).to_have_text(["even240"])
    expect(slider).to_be_hidden()
    assert "group=folder" in page.url
    search(page, "red")
    expect(page.locator("#group")).to_be_hidden()
    page.go_back()
    expect(page.locator("#grid h2").first).to_have_text("even240")


def loaded(page: Page) -> list[int]:
    """The pixels of the picture that is shown, once its original is there."""
    page.wait_for_function("document.querySelector('.g-viewer-box img').src.includes('originals/')")
    return page.evaluate(
        "(({ naturalWidth: w, naturalHeight: h }) => [w, h])(document.querySelector('.g-viewer-box img'))"
    )


def test_an_image_is_opened_whole_zoomed_left_and_refused_where_it_has_changed(opened, site):
    page = opened(**WINDOW)
    page.locator("#grid .g-grid-frame").first.focus()
    page.keyboard.press("Enter")
    viewer = page.locator("#viewer")
    expect(viewer).to_contain_text("1 of 480")
    expect(page.locator("#previous-image")).to_be_hidden()
    assert loaded(page) == [1080, 675]
    width = "document.querySelector('.g-viewer-box').getBoundingClientRect().width"
    whole = page.evaluate(width)
    page.mouse.move(200, 300)
    page.mouse.wheel(0, -400)
    page.wait_for_function(f"{width} > 2 * {whole}")
    page.wait_for_function("document.querySelector('.g-viewer-box img').naturalWidth === 2400")  # sharp again
    left = page.evaluate("document.querySelector('.g-viewer-box').getBoundingClientRect().left")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.querySelector('.g-viewer-box').getBoundingClientRect().left") > left
    page.keyboard.press("0")
    assert page.evaluate(width) == pytest.approx(whole)
    page.keyboard.press("i")
    expect(page.locator("#inspector")).to_be_hidden()

    page.keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("2 of 480")
    with page.expect_download() as download:
        page.locator("#view-download").click()
    assert download.value.suggested_filename == "478.png"
    assert Path(download.value.path()).read_bytes() == (site.folder / "even/478.png").read_bytes()
    noise_image(999, (30, 30)).save(site.folder / "odd/475.png")  # no neighbour, which the page has already
    for place in (3, 4, 5):
        page.keyboard.press("ArrowRight")
        expect(viewer).to_contain_text(f"{place} of 480")
    expect(viewer).to_contain_text("it shows another image since the last build")
    page.reload()
    expect(viewer).to_contain_text("5 of 480")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(page.locator("[data-index='4'] .g-grid-frame")).to_be_focused()
    settle(page)


def test_a_day_a_range_and_all_are_chosen_tagged_undone_and_exported(opened):
    page = opened(**WINDOW)
    chosen, toast = page.locator("#selected-count:visible"), page.locator("#toast")
    last = DAYS * EACH - 1
    page.get_by_role("button", name=f"Choose 8 images: {moment(last):%A}").click()
    expect(chosen).to_have_text("8 chosen")
    expect(page.locator("#grid .g-selection-chosen")).to_have_count(8)
    page.locator("[data-index='2'] .g-selection-tick").click()  # one of them is given up
    page.locator("[data-index='10'] .g-selection-tick").click()
    page.locator("[data-index='12'] .g-selection-tick").click(modifiers=["Shift"])
    expect(chosen).to_have_text("10 chosen")
    page.locator("#tag-name").fill("  to   print ")
    page.locator("#tag-name").press("Enter")
    expect(toast).to_contain_text("10 images tagged: to print")
    tagged = page.locator("#grid .g-grid-card:has(.g-grid-tags span)")
    expect(tagged).to_have_count(10)
    expect(page.locator(f"[data-index='2']:has-text('{last - 2}.png') .g-grid-tags")).to_be_empty()

    page.keyboard.press("Escape")
    expect(chosen).to_be_hidden()
    page.locator("#grid .g-grid-frame").first.focus()
    page.keyboard.press("Control+a")
    expect(chosen).to_have_text("480 chosen")
    page.locator("#tag-name").fill("to print")
    page.locator("#tag-name").press("Enter")
    expect(toast).to_contain_text("470 images tagged: to print; 10 had it")
    page.locator("#undo").click()
    expect(toast).to_contain_text("was taken from 470 images")
    expect(tagged).to_have_count(10)
    expect(chosen).to_have_text("480 chosen")  # the list is the same

    page.locator("#export-chosen summary").click()
    with page.expect_download() as download:
        page.locator("#export-chosen").get_by_role("button", name="List of files").click()
    newest = [f"{number:03}.png" for number in reversed(range(DAYS * EACH))]
    assert [Path(line).name for line in Path(download.value.path()).read_text().splitlines()] == newest
    page.keyboard.press("Escape")
    page.locator("#export summary").click()
    with page.expect_download() as download:
        page.locator("#export").get_by_role("link", name="List of files").click()
    assert [Path(line).name for line in Path(download.value.path()).read_text().splitlines()] == newest

    page.locator("[data-index='0'] .g-selection-tick").click()
    page.locator("#choose-all").click()
    filters = json.dumps([{"column": "tags", "values": ["to print"]}])
    page.evaluate("filters => history.pushState(null, '', '?filters=' + encodeURIComponent(filters))", filters)
    page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")
    expect(page.locator("#status")).to_contain_text("10 filtered of 480")
    expect(page.locator("#selected")).to_contain_text("are not chosen any more: the list has changed")
    page.keyboard.press("Control+a")
    page.locator("#untag").focus()
    page.locator("#tag-name").fill("to print")
    page.locator("#untag").click()
    expect(toast).to_contain_text("images untagged: to print")


def test_chosen_originals_go_into_a_folder_once_their_names_were_seen(opened, site):
    out = site.folder.parent / "out"
    page = opened(**WINDOW)
    page.locator("[data-index='8'] .g-selection-tick").click()
    page.locator("[data-index='15'] .g-selection-tick").click(modifiers=["Shift"])
    page.locator("#tag-name").fill("sent")
    page.locator("#tag-name").press("Enter")
    expect(page.locator("#toast")).to_contain_text("8 images tagged: sent")
    page.locator("#export-chosen summary").click()
    page.locator("#export-chosen").get_by_role("button", name="Into a folder").click()
    panel = page.locator("#export-panel")
    panel.get_by_label("Folder", exact=True).fill("/etc/gelato")
    page.locator("#export-preview").click()
    expect(panel).to_contain_text("Name a folder below")
    panel.get_by_label("Subfolders").select_option("tags")
    panel.get_by_label("Folder", exact=True).fill(str(out))
    (out / "sent").mkdir(parents=True)
    (out / "sent/471.png").write_text("another file of this name")
    page.locator("#export-preview").click()
    expect(panel).to_contain_text("8 files to write")
    expect(panel).to_contain_text("Other names, as theirs are taken or not allowed: 1")
    expect(panel).to_contain_text("sent/470.png")
    assert [path.name for path in (out / "sent").iterdir()] == ["471.png"]
    page.get_by_role("button", name="Write 8 files").click()
    expect(panel).to_contain_text("8 files written")
    written = sorted(path.name for path in (out / "sent").iterdir())
    assert len(written) == 9 and written[0] == "464.png"
    assert (out / "sent/464.png").read_bytes() == (site.folder / "even/464.png").read_bytes()
    assert (out / "sent/471.png").read_text() == "another file of this name"
    panel.get_by_role("button", name="Close").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    expect(page.locator("#toast")).to_contain_text("was taken from 8 images")
