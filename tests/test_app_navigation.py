"""Where things stand while a page is scrolled, what a finger does, and what Back and a reload bring back."""

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import names, navigate, search, settle
from tests.samples import paint

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's queue uses what pandas 3 lets go of
]

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
WINDOWS = [
    pytest.param({"viewport": {"width": 1440, "height": 900}}, id="1440"),
    pytest.param({"viewport": {"width": 720, "height": 900}}, id="720", marks=pytest.mark.slow),
    pytest.param(
        {"viewport": {"width": 720, "height": 450}, "device_scale_factor": 2},
        id="1440 at 200 %",
        marks=pytest.mark.slow,
    ),
    pytest.param(PHONE, id="390"),
]


def inside(page: Page, selector: str) -> bool:
    """Whether at least 40 pixels of an element, and all of a lower one, are in the window."""
    return page.evaluate(
        """selector => {
          const { top, bottom, left, right, height } = document.querySelector(selector).getBoundingClientRect();
          const seen = Math.min(bottom, innerHeight) - Math.max(top, 0);
          return seen >= Math.min(height, 40) && left >= -1 && right <= innerWidth + 1;
        }""",
        selector,
    )


def scroll(page: Page, share: float) -> None:
    page.evaluate("share => scrollTo(0, share * (document.documentElement.scrollHeight - innerHeight))", share)
    page.wait_for_timeout(50)


def choose(page: Page, index: int) -> None:
    card = page.locator("#grid .g-grid-card").nth(index)
    card.locator(".g-grid-frame").focus()
    page.keyboard.press("Space")


@pytest.mark.parametrize("window", WINDOWS)
def test_an_image_fills_the_window_and_the_bar_of_chosen_ones_stays_in_it(opened, window):
    page = opened("?q=red", **window)
    page.wait_for_selector(".g-grid-score")
    choose(page, 20)
    page.locator("#grid .g-grid-frame").nth(25).focus()
    place = page.evaluate("scrollY")
    assert place > 100
    page.keyboard.press("Enter")
    viewer = page.locator("#viewer")
    expect(viewer).to_be_visible()
    assert viewer.bounding_box() == {"x": 0, "y": 0, **page.evaluate("({ width: innerWidth, height: innerHeight })")}
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    page.wait_for_timeout(100)  # until the row of tabs would have been brought into sight
    assert abs(page.evaluate("scrollY") - place) < 100
    for share in (0, 0.5, 0.95):
        scroll(page, share)
        assert inside(page, "#selected"), share
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_classes_of_a_labelled_collection_stay_beside_its_images(opened):
    page = opened("?tab=classify", ready="#classify-all")
    page.get_by_role("textbox", name="Classes").fill("red\nblue")
    page.get_by_role("button", name="Label the collection").click()
    page.wait_for_selector("#labels-export")
    page.locator(".g-classify-class").first.click()
    expect(page.locator("#label-grid .g-grid-card").first).to_be_visible()
    scroll(page, 0.9)
    assert inside(page, ".g-classify-classes")


@pytest.mark.parametrize("width", [390, pytest.param(720, marks=pytest.mark.slow), 1280])
def test_a_mouse_finds_the_buttons_of_a_card_at_any_width(opened, width):
    page = opened("?q=red", viewport={"width": width, "height": 800})
    page.wait_for_selector(".g-grid-score")
    card = page.locator("#grid .g-grid-card").first
    card.hover()
    for button in (".g-grid-like:not(.g-grid-unlike)", ".g-grid-unlike", ".g-selection-tick"):
        expect(card.locator(button)).to_have_css("opacity", "1")
    card.locator(".g-selection-tick").click()
    expect(page.locator("#selected-count:visible")).to_have_text("1 chosen")
    card.locator(".g-grid-like:not(.g-grid-unlike)").click()
    page.wait_for_function("new URLSearchParams(location.search).has('like')")


class Finger:
    """A finger on the page, through the browser's own input."""

    def __init__(self, page: Page):
        self.client = page.context.new_cdp_session(page)

    def event(self, kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        self.client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


# The browser's own input would scroll the panel when the page answers late, as it does on a busy machine.
SWIPE = """([[x, y], [toX, toY]]) => {
  const target = document.getElementById("stage");
  const event = (type, clientX, clientY) => {
    const touch = new Touch({ identifier: 1, target, clientX, clientY });
    const touches = type === "touchend" ? [] : [touch];
    target.dispatchEvent(new TouchEvent(type, { touches, changedTouches: [touch], bubbles: true, cancelable: true }));
  };
  event("touchstart", x, y);
  event("touchmove", (x + toX) / 2, (y + toY) / 2);
  event("touchend", toX, toY);
}"""


def test_a_finger_chooses_by_a_long_touch_and_then_by_taps(opened):
    page = opened("?q=red", **PHONE)
    page.wait_for_selector(".g-grid-score")
    first, second = (page.locator("#grid .g-grid-frame").nth(i) for i in (0, 1))
    box = first.bounding_box()
    finger = Finger(page)
    finger.event("touchStart", (box["x"] + 30, box["y"] + 30))
    expect(page.locator("#selected-count:visible")).to_have_text("1 chosen")
    finger.event("touchEnd")
    second.tap()
    expect(page.locator("#selected-count:visible")).to_have_text("2 chosen")
    expect(page.locator("#viewer")).to_be_hidden()
    first.tap()
    second.tap()
    expect(page.locator("#selected")).to_be_hidden()
    second.tap()
    expect(page.locator("#viewer")).to_be_visible()


def test_a_finger_swipes_between_images_to_what_is_known_of_them_and_closes_them(opened):
    page = opened("?q=red", **PHONE)
    page.wait_for_selector(".g-grid-score")
    page.locator("#grid .g-grid-frame").nth(1).tap()
    viewer, inspector = page.locator("#viewer"), page.locator("#inspector")
    expect(viewer).to_contain_text("2 of 60")
    expect(inspector).to_be_hidden()
    page.evaluate(SWIPE, [[300, 600], [100, 600]])
    expect(viewer).to_contain_text("3 of 60")
    page.evaluate(SWIPE, [[100, 600], [300, 600]])
    expect(viewer).to_contain_text("2 of 60")
    page.evaluate(SWIPE, [[200, 600], [200, 300]])
    expect(inspector).to_contain_text("rank 2")
    page.evaluate(SWIPE, [[200, 400], [200, 640]])
    expect(viewer).to_be_hidden()
    page.locator("#grid .g-grid-frame").nth(1).tap()
    expect(viewer).to_be_visible()
    page.go_back()
    expect(viewer).to_be_hidden()
    assert "q=red" in page.url


@pytest.mark.parametrize("tab", ["search", "classify", "probe", "compare", "map", "collections"])
def test_a_finger_finds_room_on_every_button(opened, tab):
    page = opened(f"?tab={tab}", ready="#header .g-header-top", **PHONE)
    page.wait_for_selector(f"#{tab}-tab-button[aria-selected=true]", state="attached")
    settle(page)
    small = page.evaluate(
        """() => [...document.querySelectorAll("main :is(button, select, summary, .g-input)")].filter((element) => {
          const { width, height } = element.getBoundingClientRect();
          const shown = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
          const copy = element.closest(".visually-hidden"); // Gradio's, to measure the tabs
          return shown && !copy && width && (width < 43.5 || height < 43.5);
        }).map((element) => `${element.className} ${element.textContent.trim()}`)"""
    )
    assert not small


def test_back_goes_through_tabs_searches_and_open_images(opened):
    page = opened()
    search(page, "red")
    page.locator("#grid .g-grid-frame").first.click()
    page.wait_for_selector("#inspector h2")
    navigate(page, "goTo('map')")
    expect(page.locator("#viewer")).to_be_hidden()
    page.get_by_role("tab", name="Compare").click()
    for tab, is_open in (("map", False), ("search", True), ("search", False)):
        page.go_back()
        page.wait_for_function(
            "tab => document.querySelector('#' + tab + '-tab-button').ariaSelected === 'true'", arg=tab
        )
        expect(page.locator("#viewer")).to_be_visible(visible=is_open)
    page.go_back()
    expect(page.locator("#q")).to_have_value("")
    page.go_forward()
    expect(page.locator("#q")).to_have_value("red")
    page.go_forward()
    expect(page.locator("#inspector")).to_be_visible()


def test_an_image_that_was_closed_is_not_opened_again_by_back(opened):
    page = opened()
    search(page, "red")
    page.locator("#grid .g-grid-frame").first.click()
    page.wait_for_selector("#inspector h2")
    page.locator("#viewer").get_by_role("button", name="Close").click()
    page.wait_for_function("!new URLSearchParams(location.search).has('open')")
    page.go_back()
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("#inspector")).to_be_hidden()


def test_a_reload_brings_back_the_search_the_uploaded_image_and_the_open_image(opened, tmp_path):
    page = opened("?q=red")
    page.wait_for_selector(".g-grid-score")
    page.set_input_files("#search-file", paint(tmp_path / "mine.png", "red"))
    page.wait_for_selector(".g-query-term img")
    settle(page)
    page.locator("#grid .g-grid-frame").nth(2).click()
    expect(page.locator("#inspector")).to_contain_text("rank 3")
    before = names(page)
    page.reload()
    expect(page.locator("#inspector")).to_contain_text("rank 3")
    page.wait_for_selector(".g-query-term img")
    assert names(page) == before


def test_the_panel_closes_for_another_search(opened):
    """It would tell a rank and a score that are of the search before."""
    page = opened("?q=red")
    page.wait_for_selector(".g-grid-score")
    page.locator("#grid .g-grid-frame").nth(2).click()
    expect(page.locator("#inspector")).to_contain_text("rank 3")
    page.locator("#inspect-like").click()
    expect(page.locator("#inspector")).to_be_hidden()
    page.locator("#grid .g-grid-frame").nth(1).click()
    expect(page.locator("#inspector")).to_contain_text("rank 2")
    navigate(page, "goTo('search', { q: 'blue' })")
    expect(page.locator("#inspector")).to_be_hidden()
