"""Two encoders side by side as a person meets them, in a real Chromium; and training runs that grow meanwhile."""

import json
import re
import threading
from collections.abc import Iterator
from copy import copy
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.state.library import Library
from app.tabs.compare.encoders import encoder_label, is_run
from index.build import build_collection
from index.storage.corrections import correct
from tests.browsing import Site, served
from tests.samples import PALETTE, ColourEncoder, paint

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's queue uses what pandas 3 lets go of
]


class Backwards(ColourEncoder):
    """Sees and reads red as blue and blue as red, both ways: it ranks as the other does, by other numbers."""

    name, fingerprint, parameters = "backwards", "b" * 16, 1234
    reading = threading.Event()  # it waits for this before it reads a text
    reading.set()

    def embed_pixels(self, pixels):
        return super().embed_pixels(pixels)[:, ::-1].copy()

    def embed_text_batch(self, texts):
        assert self.reading.wait(60)
        return super().embed_text_batch(texts)


class SeesOnly(Backwards):
    """Cannot read."""

    name, fingerprint, reads_text = "sees-only", "c" * 16, False


ENCODERS = {encoder.name: encoder for encoder in (ColourEncoder, Backwards, SeesOnly)}


def write_run(run: Path, lines: int) -> None:
    run.mkdir(parents=True, exist_ok=True)
    (run / "config.json").write_text(json.dumps({"method": "clip", "run": {"steps": 100}}))
    metrics = [{"step": 5 * s, "loss": 5 - s / 10, "images_per_second": 300.0} for s in range(1, lines)]
    metrics.append({"step": 5 * lines, "evaluation": {"knn": {"value": 0.4, "low": 0.3, "high": 0.5, "n": 90}}})
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in metrics))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("compare")
    rows = ["path,sentence"]
    for i in range(30):
        name, (r, g, b) = list(PALETTE.items())[i % len(PALETTE)]
        paint(folder / "many" / f"{name} {i} <b>.png", (max(0, r - 2 * i), g, b), (40 + i, 40))
        rows.append(f"many/{name} {i} <b>.png,a {name} square with the number {i}")
    (folder / "many.csv").write_text("\n".join(rows))
    library = Library(lambda name: ENCODERS[name]())
    for name, encoder in ENCODERS.items():
        build_collection([folder / "many.csv"], folder / f"{name}.gelato", encoder())
        library.add(folder / f"{name}.gelato")
    library.runs = folder / "runs"
    with served(library) as site:
        yield site


@pytest.fixture
def compared(opened):
    def open_compare(address: str = "", **settings):
        page = opened(f"?tab=compare{address}", ready="#compare-columns li img", **settings)
        expect(page.locator("#compare-status")).to_contain_text("of the first 10 are the same")
        return page

    return open_compare


def test_one_query_is_ranked_by_both_with_shifts_and_agreement(compared):
    page = compared("&a=colour&b=backwards&q=red")
    columns = page.locator(".g-compare-list")
    expect(columns).to_have_count(2)
    expect(columns.nth(0).locator(".g-grid-name").first).to_contain_text("red")
    expect(columns.nth(1).locator(".g-grid-name").first).to_contain_text("blue")
    expect(page.locator("#compare-status")).to_contain_text("among 30 images that both have")
    expect(columns.nth(0).locator(".g-compare-up").first).to_contain_text("↑")
    assert "<b>" in columns.nth(0).inner_text()
    page.get_by_role("textbox", name="One query for both").fill("blue")
    page.keyboard.press("Enter")
    expect(columns.nth(0).locator(".g-grid-name").first).to_contain_text("blue")
    assert "q=blue" in page.url
    page.go_back()
    expect(columns.nth(0).locator(".g-grid-name").first).to_contain_text("red")


def test_an_encoder_without_a_text_encoder_is_asked_with_an_image(compared):
    page = compared("&a=colour&b=sees-only")
    field = page.get_by_role("textbox", name="One query for both")
    expect(field).to_be_disabled()
    assert "no text encoder" in (field.get_attribute("placeholder") or "")
    expect(page.locator("#compare-status")).to_contain_text("among 29 images")  # the one asked with is left out
    page.locator(".g-samples-item").nth(2).click()
    page.wait_for_function("new URLSearchParams(location.search).get('like')")
    # Backwards or not, likeness between images is the same: both rank alike.
    expect(page.locator("#compare-status")).to_contain_text("10 of the first 10 are the same")
    expect(page.locator("#compare-status")).to_contain_text("agreement 1.00")
    expect(page.locator(".g-compare-lines path")).to_have_count(12)


def test_a_search_by_it_says_so_and_is_answered_with_an_image(opened, tmp_path):
    page = opened("?tab=search&collection=sees-only", ready="#grid img")
    expect(page.locator("#q")).to_have_attribute("placeholder", re.compile("no text encoder"))
    page.set_input_files("#search-file", paint(tmp_path / "mine.png", "red"))
    expect(page.locator("#grid .g-grid-name").first).to_contain_text("red")


def test_neighbours_of_an_image_are_a_row_for_each_encoder(compared):
    page = compared("&a=colour&b=backwards&q=green")
    rows = page.locator("#compare-neighbours .g-compare-near-row")
    expect(rows).to_have_count(3)
    for row in rows.all():
        expect(row.locator("button").first).to_have_attribute("title", re.compile("^green"))
    page.locator(".g-compare-list").nth(1).locator("button").first.click()
    expect(page.locator("#compare-neighbours figcaption")).to_contain_text("green")


def test_encoders_are_listed_and_runs_grow(compared, site):
    write_run(site.library.runs / "first", 5)
    page = compared("&a=colour&b=backwards&q=red")
    table = page.locator("#compare-encoders table")
    expect(table.locator("tbody tr")).to_have_count(3)
    expect(table).to_contain_text("images only")
    expect(table).to_contain_text("1 thousand")
    expect(table.locator("[data-speed]").first).to_contain_text("ms")
    runs = page.locator("#compare-runs")
    expect(runs.locator(".g-compare-run")).to_contain_text("training, step 25 of 100")
    expect(runs.locator(".g-plots-chart").first.locator("path")).to_have_count(1)
    write_run(site.library.runs / "first", 20)
    expect(runs.locator(".g-compare-run")).to_contain_text("100 steps")


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), pytest.param("dark", 1280, marks=pytest.mark.slow)])
def test_it_fits_in_the_dark_and_on_a_phone(compared, scheme, width):
    page = compared("&a=colour&b=backwards&q=red", color_scheme=scheme, viewport={"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_encoders_are_compared_by_what_a_person_said_of_the_images(opened, site):
    collection = site.library.collections()[0].published()
    for row, id in enumerate(collection.column("id")):
        correct(collection, id, collection.display_name(row).split()[0])
    page = opened("?tab=compare", ready="#compare-labelled:not([hidden])", fresh=True)
    expect(page.locator("#compare-source option")).to_have_text(["your corrections", "sentence"])
    page.locator("#compare-measure").click()
    figures = page.get_by_role("region", name="Figures of the encoders").locator("tbody tr")
    expect(figures).to_have_count(5)  # three encoders, and two differences from the first
    expect(figures.nth(1)).to_contain_text("backwards")
    expect(figures.nth(3)).to_contain_text("0.0")  # it sees the same differences, by other numbers
    expect(page.locator("#compare-by-labels")).to_contain_text("30 images with a label")
    classes = page.get_by_role("region", name="mAP by class").locator("tbody tr")
    expect(classes).to_have_count(len(PALETTE))
    expect(page.get_by_role("group", name="Copy the table").get_by_role("button")).to_have_text(
        ["Markdown", "CSV", "LaTeX", "Command"]
    )
    page.reload()
    expect(figures).to_have_count(5)  # the result stays
    page.locator("#compare-source").select_option("sentence")
    page.locator("#compare-measure").click()
    expect(figures).to_have_count(3)  # two of them read text
    expect(figures.nth(0).locator("td").nth(2)).to_contain_text("100.0")  # one of six of its colour, among ten
    expect(figures.nth(1).locator("td").nth(2)).to_contain_text("40.0")  # grey and green stay what they are
    expect(page.locator("#compare-by-labels")).to_contain_text("30 captions search among 30 images")
    expect(page.locator("#compare-by-labels")).to_contain_text("without a text encoder: sees-only")
    expect(classes).to_have_count(0)


def test_an_evaluation_is_stopped_from_the_bar_of_jobs_and_measured_again(opened, site):
    page = opened("?tab=compare", ready="#compare-labelled:not([hidden])", fresh=True)
    ENCODERS["backwards"].reading.clear()
    page.locator("#compare-source").select_option("sentence")
    page.locator("#compare-measure").click()
    page.locator("#jobs").get_by_role("button", name="Stop").click()
    expect(page.locator("#jobs")).to_contain_text("stopping")
    ENCODERS["backwards"].reading.set()
    expect(page.locator("#compare-by-labels")).to_contain_text("The evaluation was stopped; it gives no figures.")
    expect(page.locator("#jobs")).to_contain_text("Encoders not evaluated of")
    page.locator("#compare-measure").click()
    expect(page.get_by_role("region", name="Figures of the encoders").locator("tbody tr")).to_have_count(3)


def test_an_encoder_that_is_a_run_is_shown_by_its_name(site, tmp_path):
    write_run(tmp_path / "elsewhere" / "my-run", 4)
    run = copy(site.library.collections()[0])
    run.encoder_name = str(tmp_path / "elsewhere" / "my-run")
    assert encoder_label(run) == "my-run" and is_run(run.encoder_name)
    assert encoder_label(site.library.collections()[1]) == "backwards"
