"""Classify as a person meets it: a collection labelled, reviewed by keys, learned from, measured and taken away."""

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from app.state.library import Library
from index.build import build_collection
from index.storage.annotations import writing
from index.storage.corrections import read_corrections
from tests.browsing import Site, colour_library, served, settle
from tests.samples import PALETTE, ColourEncoder, make_read_only, paint

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's queue uses what pandas 3 lets go of
]


class Blind(ColourEncoder):
    """Sees and cannot read."""

    name, reads_text = "blind", False
    fingerprint = "b11d" * 4


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    """Colours in folders of their names, beside the usual collection and one of an encoder without text."""
    folder = tmp_path_factory.mktemp("classify")
    for name, (r, g, b) in PALETTE.items():
        for i in range(8):
            paint(folder / "sorted" / name / f"{name} {i}.png", (r, max(0, g - 3 * i), min(255, b + 2 * i)))
    build_collection([folder / "sorted"], folder / "sorted.gelato", ColourEncoder())
    build_collection([folder / "sorted"], folder / "seen.gelato", Blind())
    library: Library = colour_library(folder)
    library.encoders.load = lambda name: Blind() if name == "blind" else ColourEncoder()
    library.add(folder / "sorted.gelato")
    library.add(folder / "seen.gelato")
    with served(library) as site:
        yield site


@pytest.fixture
def classifying(opened) -> Callable[..., Page]:
    """A function that opens the tab on a collection; anew, since no address holds what its form holds."""

    def open_tab(collection: str = "sorted", **settings) -> Page:
        return opened(f"?tab=classify&collection={collection}", ready="#classify-all", fresh=True, **settings)

    return open_tab


@pytest.fixture
def page(classifying, site) -> Page:
    """The tab over the sorted colours, without any correction."""
    with writing(site.library.collection("sorted").path) as connection:
        connection.execute("DELETE FROM corrections")
    page = classifying()
    expect(page.locator("#state-pill")).to_contain_text("40 images")  # the header has heard which one is meant
    return page


def label(page: Page, classes: str) -> None:
    page.get_by_role("textbox", name="Classes").fill(classes)
    page.get_by_role("button", name="Label the collection").click()
    page.wait_for_selector("#labels-export")


def test_a_line_of_commas_is_understood_counted_and_its_segments_open_images(page):
    label(page, "red, orange, green, blue, grey")
    expect(page.locator("#labels")).to_contain_text("Understood as 5 classes: red, orange, green, blue, grey.")
    expect(page.locator("#label-stack button")).to_have_count(5)
    page.locator("#label-stack").get_by_role("button", name="blue, 8 images").click()
    expect(page.locator("#label-grid .g-grid-card")).to_have_count(8)
    expect(page.locator("#label-grid .g-grid-name").first).to_contain_text("blue")
    expect(page.locator("#labels .g-classify-badge").first).to_have_text("calibrated on 40 labels")


def test_a_row_shows_where_the_image_matches_its_class(classifying, tmp_path):
    half = Image.new("RGB", (200, 200), PALETTE["blue"])
    half.paste(PALETTE["red"], (0, 0, 100, 200))
    half.save(tmp_path / "half.png")
    page = classifying()
    page.get_by_role("textbox", name="Classes").fill("red\nblue")
    page.locator("#classify-file").set_input_files(tmp_path / "half.png")
    for name, hot, cold in (("red", 0, 6), ("blue", 6, 0)):
        page.get_by_role("button", name=f"Where the image matches {name}").click()
        canvas = page.get_by_role("img", name=f"Where the image matches {name}")
        expect(canvas).to_be_visible()
        alphas = canvas.evaluate(
            "c => [...c.getContext('2d').getImageData(0, 3, 7, 1).data].filter((_, i) => i % 4 === 3)"
        )
        assert alphas[hot] > 150 > 60 > alphas[cold]
    page.get_by_role("button", name="Where the image matches blue").click()
    page.mouse.move(5, 5)
    expect(page.locator("#image canvas")).to_be_hidden()
    page.locator("#bars .g-row", has_text="red").hover()
    expect(page.get_by_role("img", name="Where the image matches red")).to_be_visible()


def test_labels_follow_a_changed_class_without_being_asked(page):
    label(page, "red\nblue")
    page.get_by_role("textbox", name="Classes").fill("red\nblue\ngreen")
    page.get_by_role("textbox", name="Classes").blur()
    expect(page.locator("#label-stack button")).to_have_count(3)
    page.get_by_text("Any of these").click()
    expect(page.locator('#label-counts [data-label="none"]')).to_be_visible()


def test_keys_review_the_closest_calls_undo_and_the_answers_stay(page, site):
    path = site.library.collection("sorted").path
    label(page, "red\norange\ngreen\nblue\ngrey")
    page.locator("#view-review").click()
    page.wait_for_selector("#review-question")
    guess = page.locator("#review-question").inner_text().rstrip("?")
    page.keyboard.press("Enter")
    expect(page.locator("#review-said")).to_contain_text(f"accepted as {guess}")
    expect(page.locator("#view-review")).to_contain_text("1 done")
    name = page.locator(".g-classify-big").get_attribute("alt")
    page.keyboard.press("4")
    expect(page.locator("#view-review")).to_contain_text("2 done")
    assert list(read_corrections(path).values()) == [guess, "blue"]
    page.keyboard.press("u")
    expect(page.locator("#view-review")).to_contain_text("1 done")
    expect(page.locator(".g-classify-big")).to_have_attribute("alt", name)
    page.keyboard.press("s")
    expect(page.locator(".g-classify-big")).not_to_have_attribute("alt", name)
    assert list(read_corrections(path).values()) == [guess]
    page.get_by_role("textbox", name="Classes").press("3")  # typing in a field corrects nothing
    page.locator("#review").focus()
    page.keyboard.press("0")
    expect(page.locator("#review-said")).to_contain_text("corrected to none of these")
    assert list(read_corrections(path).values()) == [guess, ""]
    page.keyboard.press("u")
    expect(page.locator("#view-review")).to_contain_text("1 done")
    page.reload()
    expect(page.locator("#view-review")).to_contain_text("1 done")


def test_a_key_means_the_same_class_for_every_image_and_a_new_class_is_typed_and_undone(page, site):
    path = site.library.collection("sorted").path
    label(page, "red\norange")
    page.locator("#view-review").click()
    page.wait_for_selector("#review-question")
    keys = page.locator(".g-classify-key")
    seen = set()
    for _ in range(3):
        seen.add(tuple(keys.all_inner_texts()))
        name = page.locator(".g-classify-big").get_attribute("alt")
        page.keyboard.press("s")
        expect(page.locator(".g-classify-big")).not_to_have_attribute("alt", name)
    assert {tuple(text.split()[0] for text in texts) for texts in seen} == {("1", "2", "0")} and len(seen) == 1
    page.keyboard.press("c")
    page.keyboard.type("blue")
    expect(page.get_by_role("option", name="New class “blue”")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#label-stack button")).to_have_count(3)
    assert list(read_corrections(path).values()) == ["blue"]
    expect(page.get_by_role("textbox", name="Classes")).to_have_value("red\norange\nblue")
    page.locator("#review").focus()
    page.keyboard.press("u")
    expect(page.locator("#label-stack button")).to_have_count(2)
    expect(page.get_by_role("textbox", name="Classes")).to_have_value("red\norange")
    assert read_corrections(path) == {}
    page.locator("#review-order").select_option("Highest entropy")
    page.wait_for_selector("#review-question")


def test_chosen_images_get_another_class_together_and_undo_gives_the_labels_back(page, site):
    path = site.library.collection("sorted").path
    label(page, "red\norange\ngreen\nblue\ngrey")
    page.locator("#label-stack").get_by_role("button", name="blue, 8 images").click()
    ticks = page.locator("#label-grid .g-selection-tick")
    expect(ticks).to_have_count(8)
    ticks.nth(1).click()
    ticks.nth(3).click(modifiers=["Shift"])
    expect(page.locator("#label-grid-chosen-count")).to_have_text("3 chosen")
    page.locator("#label-grid-chosen-class").fill("re")
    page.keyboard.press("Enter")
    expect(page.locator("#label-stack").get_by_role("button", name="red, 11 images")).to_be_visible()
    assert list(read_corrections(path).values()) == ["red"] * 3
    page.locator("#label-grid-toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#label-stack").get_by_role("button", name="blue, 8 images")).to_be_visible()
    assert read_corrections(path) == {}
    ticks.first.click()
    page.locator("#label-grid-chosen-all").click()
    expect(page.locator("#label-grid-chosen-count")).to_have_text("8 chosen")
    page.locator("#label-grid-chosen-class").fill("sea")
    page.get_by_role("option", name="New class “sea”").click()
    expect(page.locator('#label-counts [data-label="sea"]')).to_contain_text("8")
    assert list(read_corrections(path).values()) == ["sea"] * 8
    page.keyboard.press("Escape")


def test_corrections_are_learned_from_and_what_they_gain_is_said(page, site):
    collection = site.library.collection("sorted").published()
    rows = [
        (id, {"red": "warm", "blue": "cold"}[folder])
        for id, folder in zip(collection.items["id"], collection.items["folder"], strict=True)
        if folder in ("red", "blue")
    ]
    with writing(collection.path) as connection:
        connection.executemany("INSERT INTO corrections (id, label) VALUES (?, ?)", rows[:6] + rows[10:])
    label(page, "warm: blue\ncold: red")  # the words are the wrong way round
    page.locator("#view-review").click()
    page.get_by_role("button", name="Learn from 12").click()
    expect(page.locator("#teach")).to_contain_text("12 of 12")
    expect(page.locator("#teach")).to_contain_text("The labels above now use them.")
    page.get_by_role("button", name="Forget").click()
    expect(page.locator("#teach")).not_to_contain_text("12 of 12")
    page.locator("#view-review").focus()


def test_the_matrix_opens_its_images_and_classes_have_intervals(page):
    label(page, "red: blue\norange\ngreen\ngrey")
    page.locator("#view-accuracy").click()
    expect(page.locator("#accuracy-title")).to_have_text("80.0\u2009% right")  # blue images, by the word red
    expect(page.locator("#by-class tbody tr")).to_have_count(4)
    page.locator('[data-cell="1-1"]').click()
    expect(page.locator("#cell-grid .g-grid-card")).to_have_count(8)
    expect(page.locator("#cell-grid .g-grid-name").first).to_contain_text("orange")
    expect(page.locator("#reliability svg[role=img]")).to_have_count(2)


def test_templates_are_edited_and_each_ones_contribution_is_shown(page, tmp_path):
    page.get_by_role("textbox", name="Classes").fill("red\nblue")
    page.get_by_role("button", name="Templates and probabilities").click()
    page.get_by_role("button", name="Edit these templates").click()
    own = page.get_by_role("textbox", name="My own templates")
    expect(own).to_have_value("a photo of a {}.")
    own.fill("a photo of a {}.\na grey {}\n{}")
    page.set_input_files("#classify-file", paint(tmp_path / "mine.png", "blue"))
    expect(page.locator("#verdict")).to_have_text("blue")
    expect(page.locator("#template-effects tbody tr")).to_have_count(3)
    label(page, "red\nblue")
    page.locator("#view-templates").click()
    expect(page.locator("#label-templates table").first.locator("tbody tr")).to_have_count(3)
    expect(page.locator("#template-classes tbody tr")).to_have_count(2)
    page.get_by_label("Prompt template", exact=True).select_option("a grey {}")
    expect(page.locator("#template-classes tbody tr").first).to_contain_text("points")
    expect(page.locator("#label-templates")).to_contain_text("16 images with a known label")
    own.fill("nothing here")
    page.get_by_role("button", name="Classify the image").click()
    expect(page.locator("#bars")).to_contain_text("'nothing here'")


def test_labels_are_taken_away_as_csv_json_and_a_script(page):
    label(page, "red\nblue")
    taken = {}
    for kind in ("csv", "json"):
        with page.expect_download() as download:
            page.locator("#labels-export summary").click()
            page.locator(f"#labels-{kind}").click()
        taken[kind] = Path(download.value.path()).read_text()
    rows = list(csv.DictReader(io.StringIO(taken["csv"])))
    assert len(rows) == 40 and rows[0]["encoder"] == "colour" and len(rows[0]["prompt_hash"]) == 12
    assert [row["label"] for row in json.loads(taken["json"])["labels"]] == [row["label"] for row in rows]
    script = page.locator("#labels-py").get_attribute("href")  # a browser keeps a program only from a person's hand
    compile(page.request.get(page.url.partition("?")[0] + script).text(), "sort_images.py", "exec")


def test_an_encoder_without_text_a_read_only_collection_and_one_that_grew_say_so(classifying, site, page, monkeypatch):
    label(page, "red\nblue")
    page.locator("#view-review").click()
    page.wait_for_selector("#review-question")

    with monkeypatch.context() as patched:
        make_read_only(patched, site.library.collection("sorted").path)
        page.keyboard.press("Enter")
        expect(page.locator("#review-said")).to_contain_text("may not be written to")
    entry = site.library.collection("sorted")
    images = entry.path.parent / "sorted"
    paint(images / "red" / "late.png", (200, 0, 99))
    build_collection([images], entry.path, ColourEncoder())
    page.locator("#view-accuracy").focus()
    page.get_by_role("textbox", name="Classes").focus()
    expect(page.locator("#labels .g-classify-labels-top .g-notice")).to_contain_text("now has 41 images")
    (images / "red" / "late.png").unlink()
    build_collection([images], entry.path, ColourEncoder())
    expect(classifying("seen").locator("#bars")).to_contain_text("blind has no text encoder")


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), pytest.param("dark", 1280, marks=pytest.mark.slow)])
def test_every_view_fits_a_phone_and_the_dark(classifying, scheme, width):
    page = classifying(color_scheme=scheme, viewport={"width": width, "height": 844})
    label(page, "red\norange\ngreen\nblue\ngrey")
    for view, ready in (
        ("images", "#label-grid .g-grid-card"),
        ("review", "#review-question"),
        ("accuracy", "#matrix"),
    ):
        page.locator(f"#view-{view}").click()
        page.wait_for_selector(ready)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(
            "[...document.querySelectorAll('.g-classify-side .g-classify-measure-scroll')]"
            ".every((table) => table.scrollWidth <= table.clientWidth)"
        )
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('#labels :is(button, input, select, a[href])')]
                .filter((e) => e.checkVisibility() && !e.textContent.trim() && !e.getAttribute('aria-label'))
                .map((e) => e.outerHTML.slice(0, 200))"""
        )
        assert not nameless


def test_labels_come_into_view_and_a_labelled_image_is_corrected_where_it_is(page, site):
    page.set_viewport_size({"width": 900, "height": 500})
    label(page, "red\nblue")
    page.wait_for_function("document.activeElement.id === 'labels'")
    page.wait_for_function("document.getElementById('labels').getBoundingClientRect().top < 250")
    settle(page)
    image = page.locator("#label-grid .g-grid-frame").nth(3)
    image.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    image.click()
    dialog = page.locator("#labelled-image")
    expect(dialog).to_be_visible()
    name = dialog.locator("h2").inner_text()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert page.evaluate("scrollY") == before > 0
    image.click()
    dialog.get_by_label("The right class").select_option("blue")
    expect(dialog).to_have_count(0)
    expect(page.locator("#view-review")).to_have_text("Review · 1 done")
    collection = site.library.collection("sorted").published()
    paths = dict(zip(collection.column("id"), collection.column("path"), strict=True))
    assert {paths[id].rpartition("/")[2]: label for id, label in read_corrections(collection.path).items()} == {
        name: "blue"
    }


def test_the_first_classes_are_those_suggested_for_the_collection_until_others_are_written(page, site):
    deadline = time.monotonic() + 60
    while (suggested := site.library.collection("sorted").suggested(ColourEncoder())) is None:  # it is being found
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
    assert len(suggested) > 1
    field = page.get_by_role("textbox", name="Classes")
    expect(field).to_have_value("\n".join(suggested[:12]))
    field.fill("red\nblue")
    page.locator("#collection").select_option("colours")
    expect(page.locator("#state-pill")).to_contain_text("75 images")
    settle(page)
    expect(field).to_have_value("red\nblue")
