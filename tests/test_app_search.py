"""The search tab's finer tools in a real Chromium: the relevance line, filters, order, choosing, tags, exports."""

import base64
import json
import zipfile
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from app.state.library import Library
from index.build import build_collection
from index.storage.tags import read_tags, tag
from tests.browsing import IMAGES, names, refresh, search, served, settle, watched
from tests.samples import ColourEncoder, noise_image, paint

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]


def asked(page: Page, name: str) -> str:
    return parse_qs(urlsplit(page.url).query).get(name, [""])[0]


def test_the_line_is_off_for_an_encoder_that_was_not_measured_and_can_be_asked_for(opened):
    page = opened()
    search(page, "blue")
    expect(page.locator("#remarks")).to_contain_text("not measured for this encoder")
    expect(page.locator("#histogram")).to_be_hidden()
    page.get_by_role("button", name="Show it anyway").click()
    expect(page.locator("#histogram")).to_be_visible()
    assert asked(page, "threshold") == "on"
    expect(page.locator("#remarks")).to_contain_text("was not measured")


def test_the_line_is_moved_by_keys_weak_results_are_dimmed_and_the_place_is_in_the_link(opened):
    page = opened("?q=blue&threshold=0.5")
    slider = page.get_by_role("slider", name="Relevance threshold")
    expect(slider).to_be_visible()
    likely = int(page.locator("#status b").inner_text().split()[0])
    assert 0 < likely < IMAGES
    weak = page.locator("#grid .g-search-weak")
    expect(page.locator("#relevance-threshold")).to_be_visible()
    assert weak.count() == 60 - likely
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_function("new URLSearchParams(location.search).get('threshold') !== '0.5'")
    assert 0.5 < float(asked(page, "threshold")) <= 0.56
    page.locator("#hide-threshold").click()
    expect(weak).to_have_count(0)
    page.go_back()
    expect(slider).to_be_visible()


def test_filters_narrow_the_results_are_shown_as_pills_and_survive_a_reload(opened):
    page = opened("?q=blue")
    page.locator("#open-filters").click()
    field = page.get_by_role("textbox", name="File contains the text")
    field.fill("green")
    field.press("Enter")
    expect(page.locator("#status")).to_contain_text(f"15 filtered of {IMAGES}")
    assert set(names(page)) == {"green"}
    assert json.loads(asked(page, "filters")) == [{"column": "path", "contains": "green"}]
    page.reload()
    expect(page.locator("#filtered")).to_contain_text("File contains “green”")
    expect(page.locator("#grid .g-grid-card")).to_have_count(15)
    page.get_by_role("button", name="Remove the filter").click()
    expect(page.locator("#status")).to_contain_text(f"60 of {IMAGES}")


def test_a_filter_that_nothing_passes_says_so_and_is_taken_away(opened):
    page = opened(
        "?filters=" + json.dumps([{"column": "path", "contains": "violet"}]), ready="#search-notice .g-notice"
    )
    expect(page.locator("#search-notice")).to_contain_text("No image passes these filters")
    page.get_by_role("button", name="Remove the filters").click()
    expect(page.locator("#grid .g-grid-card")).to_have_count(IMAGES)


def test_results_come_in_another_order(opened):
    page = opened("?filters=" + json.dumps([{"column": "path", "contains": "red"}]))
    page.get_by_label("Order").select_option("largest")
    page.wait_for_function("new URLSearchParams(location.search).get('order') === 'largest'")
    expect(page.locator("#grid .g-grid-name").first).to_contain_text("red 70")


def test_images_are_chosen_by_keys_tagged_filtered_by_the_tag_and_untagged(opened):
    page = opened("?q=orange")
    frames = page.locator("#grid .g-grid-frame")
    frames.nth(0).focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Space")
    expect(page.locator("#selected-count:visible")).to_have_text("3 chosen")
    page.keyboard.press("t")
    expect(page.locator("#tag-name")).to_be_focused()
    page.keyboard.type("for print")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("3 images tagged: for print")
    expect(page.locator("#grid .g-grid-tags").first).to_have_text("for print")
    page.locator("#undo").click()
    expect(page.locator("#grid .g-grid-tags").first).to_have_text("")
    expect(page.locator("#toast")).to_contain_text("was taken from 3 images")
    page.locator("#tag-name").fill("for print")
    page.keyboard.press("Enter")
    expect(page.locator("#grid .g-grid-tags").first).to_have_text("for print")
    page.locator("#open-filters").click()
    page.locator("fieldset[data-column=tags]").get_by_role("button", name="for print").click()
    expect(page.locator("#grid .g-grid-card")).to_have_count(3)
    page.locator("#choose-all").click()
    page.locator("#tag-name").fill("for print")
    page.locator("#untag").click()
    expect(page.locator("#toast")).to_contain_text("3 images untagged: for print")
    page.locator("#untag").focus()
    page.keyboard.press("Control+z")
    expect(page.locator("#toast")).to_contain_text("was given back to 3 images")
    page.locator("#tag-name").fill("for print")
    page.locator("#untag").click()
    page.keyboard.press("Escape")
    expect(page.locator("#selected")).to_be_hidden()


def test_chosen_images_are_taken_away_as_a_zip_of_thumbnails_and_lists(opened):
    page = opened("?q=red")
    for at in (0, 1):
        page.locator("#grid .g-grid-card").nth(at).hover()
        page.locator("#grid .g-selection-tick").nth(at).click()
    page.locator("#export-chosen summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Thumbnails, zip").click()
    with zipfile.ZipFile(download.value.path()) as packed:
        files = packed.namelist()
        assert files[:2] == ["results.csv", "files.txt"]
        assert len(files) == 4 and all(name.startswith("thumbnails/") for name in files[2:])
        assert all(line.endswith(".png") for line in packed.read("files.txt").decode().splitlines())


def test_more_and_less_like_these_join_the_question(opened):
    page = opened("?q=red")
    page.locator("#grid .g-grid-frame").first.focus()
    page.keyboard.press("x")
    expect(page.locator("#terms")).to_contain_text("not like this")
    page.go_back()
    page.locator("#grid .g-grid-frame").first.focus()
    page.keyboard.press("Space")
    page.locator("#more-like-these").click()
    expect(page.locator("#terms")).to_contain_text("like this")
    assert "like=" in page.url


def test_the_inspector_explains_by_words_and_by_a_heat_map(opened):
    page = opened("?q=a+red+thing")
    page.locator("#grid .g-grid-frame").first.click()
    shares = page.locator("#word-shares .g-inspector-word")
    expect(shares).to_have_count(3)
    most = max(range(3), key=lambda i: float(shares.nth(i).locator("b").inner_text().replace("−", "-")))
    assert shares.nth(most).locator("span").inner_text() == "red"
    expect(page.locator("#similar img")).to_have_count(6)
    page.locator("#inspect-heat").click()
    expect(page.locator("canvas.g-heat-map")).to_be_visible()
    page.locator("#inspect-heat").click()
    expect(page.locator("canvas.g-heat-map")).to_be_hidden()
    page.get_by_role("textbox", name="Add a tag").fill("kept")
    page.keyboard.press("Enter")
    expect(page.locator("#inspect-tags")).to_contain_text("kept")
    page.get_by_role("button", name="Remove the tag kept").click()
    expect(page.locator("#inspect-tags .g-query-term")).to_have_count(0)


def test_a_image_of_the_collection_is_asked_for_by_its_file_name(opened):
    page = opened()
    search(page, "blue 13.png")
    assert set(names(page)) == {"blue"}
    assert float(page.locator("#grid .g-grid-score").first.inner_text()) > 0.99


def test_words_in_an_order_that_makes_no_difference_get_a_quiet_line(opened):
    page = opened()
    search(page, "red things under blue")
    expect(page.locator("#remarks")).to_contain_text("makes no difference to colour")


DROP = """([selector, files]) => {
  const data = new DataTransfer();
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  files.forEach(([name, text]) => data.items.add(new File([bytes(text)], name, { type: "image/png" })));
  const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(drop);
}"""


def test_every_image_that_is_dropped_is_searched_with_and_a_broken_one_is_named(opened, tmp_path):
    page = opened()
    files = [paint(tmp_path / f"{name}.png", name) for name in ("red", "blue")]
    (tmp_path / "broken.png").write_bytes(b"no image")
    dropped = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in (*files, tmp_path / "broken.png")]
    page.evaluate(DROP, [".g-header", dropped[:1]])  # beside the field, where a browser would open the file
    expect(page.locator(".g-query-term img")).to_have_count(1)
    page.evaluate(DROP, ["#search .g-search", dropped[1:]])
    expect(page.locator(".g-query-term img")).to_have_count(2)
    expect(page.locator("#search-notice")).to_contain_text("broken.png: That file cannot be used")
    settle(page)
    assert set(names(page, 30)) == {"red", "blue"}


def test_tags_of_another_window_appear(opened, site):
    page = opened("?q=red")
    page.wait_for_selector(".g-grid-score")
    collection = site.library.collection("colours").published()
    card = page.locator("#grid .g-grid-card").first
    tag(collection, [card.get_attribute("data-id")], "elsewhere")
    expect(card.locator(".g-grid-tags")).to_have_text("elsewhere", timeout=15_000)
    tag(collection, [card.get_attribute("data-id")], "elsewhere", False)
    refresh(page)  # at once, where the page would do it in five seconds
    expect(page.locator("#grid .g-grid-tags span")).to_have_count(0)


@pytest.fixture(scope="module")
def copies_site(tmp_path_factory):
    """A page over an image in three files, and two others."""
    folder = tmp_path_factory.mktemp("copies")
    (folder / "images").mkdir()
    noise_image(1, (200, 150)).save(folder / "images/best.png")
    noise_image(1, (200, 150)).resize((100, 75)).save(folder / "images/small.png")
    noise_image(1, (200, 150)).save(folder / "images/copy.jpg", quality=60)
    for seed in (2, 3):
        noise_image(seed, (200, 150)).save(folder / f"images/other {seed}.png")
    build_collection([folder / "images"], folder / "c.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder(), local=True)
    library.add(folder / "c.gelato")
    with served(library) as site:
        yield site


def test_copies_are_one_card_with_their_number_which_opens_to_the_files(browser, copies_site):
    with watched(browser, copies_site) as open_page:
        page = open_page()
        expect(page.locator("#grid .g-grid-card")).to_have_count(3)
        expect(page.locator("#grid .g-grid-copies")).to_have_text(["×3"])
        expect(page.locator("#status")).to_contain_text("5 images, 2 of them copies")
        page.get_by_role("button", name="best.png, 3 copies").click()
        lines = page.locator("#copies li .g-inspector-copy-path")
        expect(lines).to_have_text(["best.png", "copy.jpg", "small.png"])
        page.keyboard.press("Escape")
        page.get_by_label("Copies", exact=True).select_option("none")
        expect(page.locator("#grid .g-grid-card")).to_have_count(5)
        assert asked(page, "collapse") == "none"


def test_the_field_completes_tags_and_remembers_and_saves_searches(opened, site):
    page = opened("?q=red", fresh=True)
    field, options = page.get_by_role("combobox", name="Describe an image"), page.locator("#q-list [role=option]")
    collection = site.library.collection(None).published()
    tag(collection, list(collection.items["id"][:2]), "zebra crossing")
    field.fill("red + zeb")
    expect(options).to_have_text(["zebra crossingtag · 2 images"])
    field.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", options.first.get_attribute("id"))
    field.press("Escape")
    expect(options).to_have_count(0)
    field.press("ArrowDown")
    expect(options).to_have_count(1)
    field.press("ArrowDown")
    field.press("Enter")
    expect(page.locator("#filtered")).to_contain_text("Tags: zebra crossing")
    expect(field).to_have_value("red")
    settle(page)
    page.locator("#save-search").click()
    expect(page.locator("#save-search")).to_have_attribute("aria-pressed", "true")
    search(page, "green")
    page.reload()
    settle(page)
    field.fill("")
    expect(options).to_have_text(
        [
            "red · Tags: zebra crossingsaved",
            "green · Tags: zebra crossingrecent",
            "red · Tags: zebra crossingrecent",
            "redrecent",
            "Forget recent searches",
        ]
    )
    field.press("ArrowUp")
    field.press("ArrowUp")
    field.press("Enter")
    expect(page.locator("#filtered")).to_be_hidden()
    expect(field).to_have_value("red")
    tag(collection, list(collection.items["id"][:2]), "zebra crossing", on=False)


@pytest.fixture(scope="module")
def two_sites(tmp_path_factory):
    """Two collections with an image of the same name in each, and one that is the same in both."""
    folder, library = tmp_path_factory.mktemp("two"), Library(lambda name: ColourEncoder(), local=True)
    for key, colours in (("town", ("red", "blue")), ("beach", ("red", "green", "orange"))):
        for number, colour in enumerate(colours):
            paint(folder / key / f"{colour}.png", colour, (40 + number, 30 + len(colours)))
        paint(folder / key / "grey.png", "grey")
        build_collection([folder / key], folder / f"{key}.gelato", ColourEncoder())
        library.add(folder / f"{key}.gelato")
    with served(library) as site:
        yield site


def test_all_collections_are_searched_at_once_and_each_result_is_of_its_own(browser, two_sites):
    with watched(browser, two_sites) as open_page:
        page = open_page()
        scope = page.get_by_label("Collections that are searched")
        expect(scope).to_be_hidden()  # browsing is of one collection
        search(page, "red")
        expect(page.locator("#grid .g-grid-card")).to_have_count(3)
        scope.select_option("all")
        cards = page.locator("#grid .g-grid-card")
        expect(cards).to_have_count(7)
        assert asked(page, "scope") == "all"
        expect(page.locator("#status")).to_contain_text("7 images in 2 collections")
        notes = page.locator("#grid .g-search-of").all_inner_texts()
        assert sorted(notes[:2]) == ["beach", "town"] and sorted(notes) == ["beach"] * 4 + ["town"] * 3
        other = cards.filter(has_text="beach").first
        expect(other.locator(".g-grid-like")).to_have_count(0)  # an id is of one collection
        assert "media/beach/" in other.locator("img").get_attribute("src")
        other.locator(".g-grid-frame").click()
        tags = page.get_by_role("textbox", name="Add a tag")
        tags.fill("found")
        tags.press("Enter")
        beach, town = (two_sites.library.collection(key) for key in ("beach", "town"))
        page.wait_for_function("document.querySelector('#grid .g-grid-tags span')?.textContent === 'found'")
        assert [list(names) for names in read_tags(beach.path).values()] == [["found"]] and not read_tags(town.path)
        page.keyboard.press("Escape")
        search(page, "grey")
        keys = cards.evaluate_all("cards => cards.map(card => card.dataset.id)")
        assert len(set(keys)) == 7 and len({key.split("/")[1] for key in keys}) == 6  # one image is in both
        page.locator("#grid .g-grid-frame").first.press("Control+a")
        page.locator("#grid .g-grid-frame").first.press("m")  # both need ids, which are of one collection
        expect(page.locator("#selected")).to_be_hidden()
        page.locator("#grid .g-grid-frame").first.click()
        for number in range(7):
            expect(page.locator(".g-viewer-place")).to_have_text(f"{number + 1} of 7")
            assert asked(page, "open") == keys[number]
            if number < 6:
                page.locator("#next-image").click()
        page.reload()
        expect(page.locator(".g-viewer-place")).to_have_text("7 of 7")
        page.locator("#inspect-like").click()
        page.wait_for_function("!location.search.includes('scope')")
        settle(page)
        of, id = keys[6].split("/")
        assert asked(page, "like") == id and asked(page, "collection") == of and asked(page, "q") == "grey"
        expect(cards).to_have_count({"beach": 4, "town": 3}[of])
