"""The page as a person meets it, in a real Chromium: searched, shared, gone back in, classified with."""

import csv
import io
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import IMAGES, names, search
from tests.samples import PALETTE, paint

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's queue uses what pandas 3 lets go of
]


def test_words_find_images_with_scores_a_count_and_a_time(opened):
    page = opened()
    search(page, "blue")
    assert set(names(page)) == {"blue"}
    shown = page.locator("#grid .g-grid-score").all_inner_texts()
    first = page.locator("#grid .g-grid-frame").first.get_attribute("aria-label")
    assert first.endswith("found by the image, and by its name, caption or tags")  # the file is called blue too
    scores = [float(score.replace("−", "-")) for score in shown]
    assert scores[0] > 0.99 and scores == sorted(scores, reverse=True)
    expect(page.locator("#status")).to_contain_text(f"60 of {IMAGES} images")
    page.get_by_role("button", name="Show 15 more").click()
    expect(page.locator("#grid .g-grid-card")).to_have_count(IMAGES)
    assert "k=120" in page.url


def test_terms_are_pills_that_can_be_turned_round_and_removed(opened):
    page = opened()
    search(page, "blue + red - green")
    expect(page.locator(".g-query-term")).to_have_count(3)
    assert page.locator(".g-query-without > span").inner_text() == "green"
    page.get_by_role("button", name="Remove green").click()
    page.wait_for_function("new URLSearchParams(location.search).get('q') === 'blue + red'")
    page.get_by_role("button", name="red is wanted").click()
    page.wait_for_function("new URLSearchParams(location.search).get('q') === 'blue - red'")


def test_an_address_brings_the_search_back_and_back_goes_back(opened):
    page = opened()
    search(page, "red")
    search(page, "green")
    address = urlsplit(page.url).query
    assert parse_qs(address) == {"tab": ["search"], "q": ["green"], "collection": ["colours"]}
    page.go_back()
    expect(page.locator("#q")).to_have_value("red")
    page.wait_for_function("document.querySelector('#grid .g-grid-name')?.textContent.startsWith('red')")
    again = opened("?" + address)
    expect(again.locator("#q")).to_have_value("green")
    again.wait_for_selector(".g-grid-score")
    assert set(names(again)) == {"green"}


def test_more_like_this_works_from_the_keyboard_and_is_in_the_address(opened):
    page = opened()
    search(page, "orange")
    page.locator("#grid .g-grid-frame").first.focus()
    page.keyboard.press("m")
    page.wait_for_function("new URLSearchParams(location.search).has('like')")
    again = opened("?" + urlsplit(page.url).query)
    again.wait_for_selector(".g-grid-score")
    assert set(names(again)) == {"orange"}
    expect(again.get_by_text("like this", exact=True)).to_be_visible()


def test_a_image_is_searched_with_and_stays_out_of_the_link(opened, tmp_path):
    page = opened()
    page.set_input_files("#search-file", paint(tmp_path / "mine.png", "green"))
    page.wait_for_selector(".g-query-term img")
    page.wait_for_selector(".g-grid-score")
    assert set(names(page)) == {"green"} and "image" not in page.url
    expect(page.get_by_text("An uploaded image stays on this computer")).to_be_visible()
    expect(page.get_by_role("button", name="Copy link")).to_be_disabled()


def test_an_unreadable_upload_is_a_plain_sentence(opened, tmp_path):
    page = opened()
    (tmp_path / "broken.png").write_bytes(b"\x89PNG but no more")
    page.set_input_files("#search-file", tmp_path / "broken.png")
    expect(page.locator("#search-notice")).to_contain_text("That file cannot be used as an image")
    page.get_by_role("tab", name="Classify").click()
    page.set_input_files("#classify-file", tmp_path / "broken.png")
    expect(page.locator("#classify-notice")).to_contain_text("That file cannot be used as an image")


def test_results_are_exported_as_csv(opened):
    page = opened()
    search(page, "red")
    with page.expect_download() as download:
        page.locator("#export summary").click()
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert len(rows) == 60 and rows[0]["path"].startswith("red")


def test_the_inspector_shows_a_image_and_hands_it_to_classify(opened):
    page = opened("?q=red")
    page.wait_for_selector(".g-grid-score")
    page.locator("#grid .g-grid-frame").first.click()
    inspector = page.locator("#inspector")
    expect(inspector).to_contain_text("rank 1")
    page.keyboard.press("Escape")
    expect(inspector).to_be_hidden()
    page.locator("#grid .g-grid-frame").first.click()
    page.get_by_role("button", name="Classify this").click()
    page.get_by_role("textbox", name="Classes").fill("red\nblue\ngreen")
    page.get_by_role("button", name="Classify the image").click()
    expect(page.locator("#verdict")).to_have_text("red")
    expect(page.locator("#bars .g-row")).to_have_count(3)
    assert "tab=classify" in page.url


def test_an_uploaded_image_is_classified_and_a_mistake_in_the_classes_is_told(opened, tmp_path):
    page = opened("?tab=classify", ready="#classify-all")
    page.get_by_role("textbox", name="Classes").fill("red\nblue: navy, sky")
    page.set_input_files("#classify-file", paint(tmp_path / "mine.png", "blue"))
    expect(page.locator("#verdict")).to_have_text("blue")
    page.get_by_label("none of these").check()
    expect(page.locator("#bars .g-row")).to_have_count(3)
    page.get_by_role("textbox", name="Classes").fill("red\nred")
    page.get_by_role("button", name="Classify the image").click()
    expect(page.locator("#bars")).to_contain_text("given twice")


def test_the_whole_collection_is_labelled_shown_and_downloaded(opened):
    page = opened("?tab=classify", ready="#classify-all", fresh=True)
    page.get_by_role("textbox", name="Classes").fill("\n".join(PALETTE))
    page.get_by_role("button", name="Label the collection").click()
    page.wait_for_selector("#labels-export")
    expect(page.locator("#labels-status")).to_contain_text(f"{IMAGES} images")
    assert page.locator("#label-counts .g-row-number").all_inner_texts() == ["15"] * 5
    page.locator('.g-classify-class[data-label="blue"]').click()
    expect(page.locator("#label-grid .g-grid-card")).to_have_count(15)
    expect(page.locator("#label-grid .g-grid-name").first).to_contain_text("blue")
    page.get_by_role("button", name="Smallest margin first").click()
    with page.expect_download() as download:
        page.locator("#labels-export summary").click()
        page.locator("#labels-csv").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert len(rows) == IMAGES and all(row["path"].startswith(row["label"]) for row in rows)
    page.reload()
    page.wait_for_selector("#labels-export")  # the address names the job
    expect(page.get_by_role("textbox", name="Classes")).to_have_value("\n".join(PALETTE))


def test_another_collection_is_chosen_at_the_top(opened):
    page = opened("?q=red")
    page.wait_for_selector(".g-grid-score")
    page.get_by_role("combobox", name="Collection", exact=True).select_option("few")
    expect(page.locator("#status")).to_contain_text("1 of 1 image ·")
    expect(page.locator("#state-pill")).to_contain_text("1 image")


def test_slash_puts_the_cursor_in_the_search_field(opened):
    page = opened()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"


def test_a_file_name_is_text_and_never_markup(opened):
    page = opened()
    assert "<img src=x" in page.locator("#grid").inner_text()
    assert page.locator('img[src="x"]').count() == 0


def luminance(page: Page) -> float:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(float(part) for part in colour.strip("rgba()").split(",")[:3]) / 3


@pytest.mark.parametrize(("name", "scheme", "width"), [("dark", "dark", 1280), ("phone", "light", 390)])
def test_it_looks_right_in_the_dark_and_on_a_phone(opened, tmp_path, name, scheme, width):
    page = opened("?q=red", color_scheme=scheme, viewport={"width": width, "height": 844})
    page.wait_for_selector(".g-grid-score")
    image = tmp_path / f"{name}.png"
    page.screenshot(path=image)
    assert image.stat().st_size > 10_000
    assert (luminance(page) < 60) == (scheme == "dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    columns = page.evaluate(
        "getComputedStyle(document.querySelector('.g-grid-row')).gridTemplateColumns.split(' ').length"
    )
    assert columns == 3 if width == 390 else columns > 5


def test_every_control_has_a_name(opened):
    page = opened("?q=red")
    page.wait_for_selector(".g-grid-score")
    page.get_by_role("tab", name="Classify").click()
    page.wait_for_selector("#classify-zone")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, textarea, a[href]')]
            .filter((e) => e.checkVisibility() && !e.textContent.trim() && !e.getAttribute('aria-label')
                && !e.labels?.length && !e.title)
            .map((e) => e.outerHTML.slice(0, 200))"""
    )
    assert not nameless
