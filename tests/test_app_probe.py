"""The probes as a person meets them, in a real Chromium, with an encoder whose every answer is known."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from app.state.library import Library
from index.build import build_collection
from tests.browsing import Site, served
from tests.samples import PALETTE, ColourEncoder, paint

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's queue uses what pandas 3 lets go of
]


class SeesOnly(ColourEncoder):
    name, fingerprint, reads_text = "sees-only", "c" * 16, False


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("probe")
    for name in PALETTE:
        paint(folder / "many" / f"{name}.png", name, (80, 60))
    library = Library(lambda name: SeesOnly() if name == "sees-only" else ColourEncoder())
    for encoder in (ColourEncoder(), SeesOnly()):
        build_collection([folder / "many"], folder / f"{encoder.name}.gelato", encoder)
        library.add(folder / f"{encoder.name}.gelato")
    with served(library) as site:
        yield site


@pytest.fixture
def probing(opened):
    def open_probe(address: str = "", **settings) -> Page:
        return opened(f"?tab=probe{address}", ready="#probe-pairs", **settings)

    return open_probe


def test_winoground_scores_of_a_generated_pair(probing):
    page = probing()
    expect(page.locator(".g-probe-cell")).to_have_count(4)
    # It sees mean colour alone: both captions name the same colours, so nothing can be won.
    expect(page.locator("#probe-verdicts .g-probe-lost")).to_have_count(3)
    captions = page.locator(".g-probe-pair-table thead th").all_inner_texts()
    assert sorted(captions[0].strip("“”").split()) == sorted(captions[1].strip("“”").split())
    expect(page.locator("#probe-figures tbody tr")).to_have_count(4)
    page.get_by_role("button", name="Another pair").click()
    page.wait_for_function("new URLSearchParams(location.search).get('i') === '1'")
    page.get_by_role("button", name="role swap").click()
    page.wait_for_function("new URLSearchParams(location.search).get('pair') === 'role swap'")


def test_ones_own_images_and_captions_can_be_won(probing):
    page = probing()
    page.locator("#probe-own").click()
    for k, name in enumerate(("red", "blue")):
        page.locator(".g-samples-chooser").nth(k).get_by_role("button", name=f"Use {name}.png").click()
    page.locator("#probe-caption-0").fill("something red")
    page.locator("#probe-caption-1").fill("something blue")
    page.locator("#probe-caption-1").press("Enter")
    expect(page.locator("#probe-verdicts .g-probe-won")).to_have_count(3)
    expect(page.locator("#probe-pairs-result")).to_contain_text("Every image matches its caption")


def test_word_order_ranks_the_caption_among_its_variants(probing):
    page = probing("&probe=order")
    # The colours it names come in another order in some variants; the first it knows decides, the rest are ties.
    expect(page.locator("#probe-order-result")).to_contain_text("The original order ranks")
    assert page.locator("#probe-caption").input_value()
    page.get_by_role("button", name="Use red.png").click()
    page.locator("#probe-caption").fill("a red house on a hill")
    page.keyboard.press("Enter")
    expect(page.locator("#probe-order-result")).to_contain_text("only")
    expect(page.locator(".g-probe-variants .g-probe-strong")).to_contain_text("a red house on a hill")
    assert "caption=a+red+house+on+a+hill" in page.url


def test_colours_from_text_from_drawings_and_from_ones_own_image(probing):
    page = probing("&probe=colour")
    expect(page.locator("#probe-colour-result")).to_contain_text("From text alone")
    page.get_by_role("button", name="wrong colour").click()
    expect(page.locator("#probe-colour-result")).to_contain_text("Drawn in a wrong colour")
    expect(page.locator(".g-probe-colours tbody img")).to_have_count(8)
    page.locator("#probe-own-colour").click()
    page.get_by_role("button", name="Use blue.png").click()
    page.locator("#probe-object").fill("wall")
    page.keyboard.press("Enter")
    expect(page.locator("#probe-colour-result")).to_have_text("Which colour is this wall?")
    asked = page.locator(".g-probe-colours tbody tr", has_text="as it is").locator(".g-probe-best")
    expect(asked).to_have_attribute("title", re.compile("as it is: blue"))


def test_a_typographic_attack_and_prompt_templates(probing):
    page = probing("&probe=typographic&word=iPod&labels=red,blue")
    expect(page.locator(".g-probe-attack img")).to_have_count(2)
    expect(page.locator(".g-probe-attack-row")).to_have_count(3)
    page.locator("#probe-templates").click()
    page.locator("#probe-labels").fill("red, blue")
    page.keyboard.press("Enter")
    expect(page.locator("#probe-templates-result")).to_contain_text(
        "“blue” scores highest with 27 of 28 templates"
    )  # “rendered” holds red


def test_an_encoder_without_a_text_encoder_says_so(probing):
    page = probing("&collection=sees-only")
    expect(page.locator("#probe-notice")).to_contain_text("no text encoder")


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), pytest.param("dark", 1280, marks=pytest.mark.slow)])
def test_it_fits_in_the_dark_and_on_a_phone(probing, scheme, width):
    page = probing("&probe=pairs", color_scheme=scheme, viewport={"width": width, "height": 844})
    expect(page.locator(".g-probe-cell")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
