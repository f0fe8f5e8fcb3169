"""The map as a person meets it, in a real Chromium: coloured, named, lassoed, and by keyboard alone."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Page, expect

from app.application import make_application
from app.state.library import Library
from index.build import build_collection
from index.collection import Collection
from index.projection.projection import Projection, map_file, save_map
from index.storage.tags import read_tags
from tests.browsing import Site, served
from tests.samples import PALETTE, ColourEncoder, paint

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's queue uses what pandas 3 lets go of
]
EACH = 14  # images of a colour


def coloured(folder: Path) -> Path:
    """A collection with clusters that anyone can name, one of them called like markup."""
    rows = ["path,kind,age"]
    for c, (name, (r, g, b)) in enumerate(PALETTE.items()):
        for i in range(EACH):
            paint(folder / "many" / f"{name}-{i}.png", (max(0, r - 2 * i), g, min(255, b + i)), (40 + i, 40))
            kind = "<img src=x onerror=alert(1)>" if name == "grey" else name
            rows.append(f"{name}-{i}.png,{kind},{20 * c + i}")
    (folder / "many" / "list.csv").write_text("\n".join(rows))
    build_collection([folder / "many" / "list.csv"], folder / "colours.gelato", ColourEncoder())
    return folder / "colours.gelato"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    library = Library(lambda name: ColourEncoder())
    library.add(coloured(tmp_path_factory.mktemp("map")))
    with served(library) as site:
        yield site


@pytest.fixture
def mapped(opened):
    def open_map(address: str = "", **settings) -> Page:
        page = opened(f"?tab=map{address}", ready="#map-legend button, #map-legend i", **settings)
        expect(page.locator("#map-status")).to_contain_text(f"{5 * EACH} images")
        expect(page.locator("#map-table summary")).to_contain_text("regions")
        return page

    return open_map


def painted(page: Page) -> int:
    """Pixels of the points' canvas that are not its ground."""
    return page.evaluate(
        """() => { const c = document.querySelector('.g-map-points'), d = c.getContext('2d').getImageData(0, 0, c.width,
            c.height).data; let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i] !== d[0] || d[i + 1] !== d[1];
            return n; }"""
    )


def drag(page: Page, points: list[tuple[float, float]]) -> None:
    """Draw over the map; points as shares of its width and height."""
    box = page.locator("#map-canvas").bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def test_every_image_has_a_place_a_colour_and_a_warning_about_distances(mapped, site):
    page = mapped()
    assert painted(page) > 200
    classes = page.locator("#map-legend button")
    expect(classes).to_have_count(5)
    assert "<img src=x onerror=alert(1)>" in page.locator("#map-legend").inner_text()
    trust = page.locator("#map-quality").inner_text()
    assert "distances are approximate" in trust and "of the variance" in trust and "10 nearest" in trust
    classes.first.click()
    expect(page.locator("#map-selected h2")).to_have_text(f"{EACH} images")
    expect(page.locator("#map-grid .g-grid-card")).to_have_count(EACH)
    page.get_by_label("Colour by", exact=True).select_option("age")
    expect(page.locator(".g-map-scale")).to_contain_text("92")
    assert "by=age" in page.url


def test_a_text_colours_the_map_and_several_make_classes(mapped):
    page = mapped()
    page.get_by_role("textbox", name="Colour by text").fill("blue")
    page.keyboard.press("Enter")
    expect(page.locator("#map-status")).to_contain_text("similarity to “blue”")
    assert "q=blue" in page.url
    page.get_by_role("textbox", name="Colour by text").fill("red, blue, green")
    page.keyboard.press("Enter")
    expect(page.locator("#map-status")).to_contain_text("by the most similar text")
    expect(page.locator("#map-legend button")).to_have_count(3)
    page.locator("#map-legend button", has_text="blue").click()
    expect(page.locator("#map-grid .g-grid-card", has_text="blue")).to_have_count(EACH)


def test_a_lasso_selects_images_to_tag_export_and_search_with(mapped, site):
    page = mapped()
    page.get_by_role("button", name="Lasso").click()
    drag(page, [(0.02, 0.02), (0.9, 0.02), (0.9, 0.98), (0.02, 0.98), (0.02, 0.05)])
    expect(page.locator("#map-selected")).to_be_visible()
    chosen = int(page.locator("#map-selected h2").inner_text().split()[0])
    assert chosen > 30
    page.get_by_label("Tag for the selected images").fill("seen")
    page.keyboard.press("Enter")
    expect(page.locator("#map-message")).to_contain_text(f"{chosen} images tagged “seen”")
    assert len(read_tags(site.library.collection(None).path)) == chosen
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert len(download.value.path().read_text().splitlines()) == chosen + 1
    page.get_by_role("button", name="More like these").click()
    page.wait_for_function("new URLSearchParams(location.search).getAll('like').length === 12")
    expect(page.locator("#terms .g-query-term")).to_have_count(12)


def test_the_keyboard_pans_zooms_selects_and_clears(mapped):
    page = mapped()
    before = painted(page)
    page.locator("#map-canvas").focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.wait_for_function("n => true", arg=before)
    page.keyboard.press("0")
    page.locator("#map-table summary").click()
    page.locator("#map-table tbody button").first.click()
    expect(page.locator("#map-selected")).to_be_visible()
    page.locator("#map-canvas").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#map-selected")).to_be_hidden()
    for key in ("-", "-"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    expect(page.locator("#map-selected")).to_be_visible()


def test_hovering_shows_the_image(mapped):
    page = mapped()
    place = page.evaluate(
        """() => { const c = document.querySelector('.g-map-points'), r = c.width / c.clientWidth,
            d = c.getContext('2d').getImageData(0, 0, c.width, c.height), b = c.getBoundingClientRect();
            for (let i = 0; i < d.data.length; i += 4) if (d.data[i] !== d.data[0]) return [b.x + (i / 4 % c.width) / r,
                b.y + Math.floor(i / 4 / c.width) / r]; }"""
    )
    page.mouse.move(*place)
    expect(page.locator("#map-tip img")).to_be_visible()
    expect(page.locator("#map-tip span")).to_contain_text("-")  # a name such as red-3.png, fetched while one waits


def test_a_cached_umap_is_shown_and_pca_is_a_click_away(mapped, site):
    collection = site.library.collection(None).published()
    points = np.random.default_rng(0).uniform(-1, 1, (len(collection), 2)).astype(np.float32)
    save_map(collection, Projection("umap", points, None, 0.25))
    page = mapped(fresh=True)
    expect(page.get_by_role("button", name="UMAP")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#map-quality")).to_contain_text("25 % of an image's 10 nearest neighbours")
    page.get_by_role("button", name="PCA").click()
    expect(page.locator("#map-quality")).to_contain_text("of the variance")
    assert "method=pca" in page.url
    map_file(collection, "umap").unlink()


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), pytest.param("dark", 1280, marks=pytest.mark.slow)])
def test_it_fits_in_the_dark_and_on_a_phone(mapped, scheme, width):
    page = mapped("&q=red", color_scheme=scheme, viewport={"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert painted(page) > 100


def test_places_of_another_revision_and_rows_that_are_not_there_are_refused(tmp_path):
    path = coloured(tmp_path)
    library = Library(lambda name: ColourEncoder())
    library.add(path)
    client = TestClient(make_application(library, "127.0.0.1", {}), base_url="http://127.0.0.1")
    revision = Collection.open(path).revision
    places = client.get(f"/map/colours.bin?revision={revision}")
    assert np.frombuffer(places.content, "<f4").reshape(-1, 2).shape == (5 * EACH, 2)
    for address in (
        f"colours.bin?revision={revision + 1}",
        "colours.bin",
        f"nowhere.bin?revision={revision}",
        f"colours.bin?revision={revision}&method=umap",
        f"colours/999.webp?revision={revision}",
        f"colours/-1.webp?revision={revision}",
    ):
        assert client.get(f"/map/{address}").status_code == 404
    thumbnail = client.get(f"/map/colours/0.webp?revision={revision}")
    assert thumbnail.headers["content-type"] == "image/webp"
