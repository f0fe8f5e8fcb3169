"""The page by axe-core, and by keyboard alone: every tab and state, light, dark and on a phone."""

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from tests.browsing import navigate, search, settle

pytestmark = pytest.mark.browser

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
RULES = {"resultTypes": ["violations"], "runOnly": LEVELS}
CONTRAST = {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast"]}}
LAYOUT = {**RULES, "rules": {"color-contrast": {"enabled": False}}}
# A dark page has the structure of a light one, and a phone its colours: each is tried with what can differ.
LOOKS = {
    "light": ("", {}, RULES),
    "dark": ("&__theme=dark", {"color_scheme": "dark"}, CONTRAST),
    "phone": ("", {"viewport": {"width": 390, "height": 844}}, LAYOUT),
}


def findings(page: Page, state: str, rules: dict = RULES) -> list[str]:
    """What axe-core finds by WCAG AA and by its best practices (landmarks, order of headings), with the places."""
    if not page.evaluate("!!window.axe"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(rules) => axe.run(document, rules)", rules)["violations"]
    return [f"{state}: {one['id']} {node['target']} {node['html'][:90]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("look", ["light", "dark", pytest.param("phone", marks=pytest.mark.slow)])
def test_no_tab_or_state_has_a_finding(opened, look):
    theme, settings, rules = LOOKS[look]
    page = opened(f"?q=red{theme}", **settings)
    told = findings(page, "results", rules)
    page.get_by_role("button", name="Filters").first.click()
    page.locator("#filters").wait_for()
    told += findings(page, "filters", rules)
    page.get_by_role("button", name="Filters").first.click()
    page.locator("#grid .g-grid-card").first.click()
    page.locator("#viewer h2").wait_for(state="attached")
    told += findings(page, "viewer", rules)
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Describe an image").fill("red - red")
    page.keyboard.press("Enter")
    expect(page.locator("#search-notice")).to_contain_text("cancel out")
    told += findings(page, "mistake", rules)
    tabs = page.locator("#tabs [role=tab]").evaluate_all("all => all.map((one) => one.dataset.tabId || one.innerText)")
    for name in sorted(set(filter(None, tabs)) - {"search", "Search"}):
        navigate(page, f"goTo('{name.lower()}')")
        settle(page)
        assert navigate(page, "whichTab()") == name.lower()
        told += findings(page, name, rules)
    assert not told, "\n".join(told)
    assert len(tabs) >= 6


@pytest.mark.parametrize("look", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_no_state_of_classify_or_of_a_chosen_part_of_the_map_has_a_finding(opened, look):
    theme, settings, rules = LOOKS[look]
    page = opened(f"?q=red{theme}", reduced_motion="reduce", **settings)  # colours on their way have no contrast
    told = []

    def look(state: str) -> None:
        settle(page)
        told.extend(findings(page, state, rules))

    page.locator("#grid .g-grid-card .g-grid-frame").first.click()
    page.locator("#inspect-classify").click()
    page.get_by_role("textbox", name="Classes").fill("red\nblue\ngreen")
    page.locator("#classify-one").click()
    page.get_by_role("button", name="Where the image matches red").click()
    look("a classified image")
    page.get_by_role("button", name="Label the collection").click()
    page.wait_for_selector("#labels-export")
    for view in ("images", "review", "accuracy", "templates"):
        page.locator(f"#view-{view}").click()
        look(view)
    navigate(page, "goTo('map')")
    page.locator("#map-status b").wait_for()
    page.locator("#map canvas").last.focus()
    page.keyboard.press("Enter")
    page.locator("#map-grid .g-grid-card").first.wait_for()
    look("chosen on the map")
    assert not told, "\n".join(told)


def test_the_description_of_the_api_has_no_finding(opened, site):
    page = opened()
    page.goto(f"{site.url}docs")
    page.wait_for_selector("details")
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert not findings(page, "docs")


def focused(page: Page) -> dict:
    """What has the focus: its words, its role and whether a ring shows it."""
    return page.evaluate(
        """() => {
            const on = document.activeElement;
            const drawn = (one) => one && (one.boxShadow !== "none" || (one.outlineStyle !== "none"
              && parseFloat(one.outlineWidth) > 0) || one.borderColor === "rgb(217, 119, 6)");
            const around = [on, on.closest(".g-search-bar")];  // or what stands round it
            for (let one = on.parentElement; one && around.length < 6; one = one.parentElement) around.push(one);
            const ring = around.some((one) => one && drawn(getComputedStyle(one)));
            const name = on.getAttribute("aria-label") || on.innerText || on.labels?.[0]?.innerText
              || on.title || on.id || "";
            return { tag: on.tagName, name,
                     id: on.id, html: on.outerHTML.slice(0, 200), card: !!on.closest(".g-grid-card"), ring,
                     top: on === document.body };
        }"""
    )


def test_a_search_is_asked_read_and_left_by_keyboard_alone(opened):
    page = opened()
    page.keyboard.press("/")
    assert focused(page)["tag"] in ("INPUT", "TEXTAREA")
    page.keyboard.type("red")
    page.keyboard.press("Enter")
    page.wait_for_function("new URLSearchParams(location.search).get('q') === 'red'")
    expect(page.locator("#status")).to_contain_text("ms")
    expect(page.locator("#grid:not([aria-busy])")).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        here = focused(page)
        assert here["top"] or here["name"].strip(), here
        if here["card"]:
            break
    assert here["card"] and here["ring"]
    first = here["name"]
    page.keyboard.press("ArrowRight")
    assert focused(page)["card"] and focused(page)["name"] != first
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Close").first).to_be_visible()
    page.keyboard.press("Escape")
    assert focused(page)["card"]  # back where one was


def test_every_stop_of_the_tab_key_has_a_name_and_a_ring(opened):
    page = opened("?q=red", fresh=True)  # the Tab key begins at its top
    for tab in ("search", "classify", "map", "collections"):
        navigate(page, f"goTo('{tab}')")
        settle(page)
        page.evaluate("document.activeElement?.blur()")
        seen = set()
        for _ in range(30):
            page.keyboard.press("Tab")
            here = focused(page)
            if here["top"]:
                break
            assert here["name"].strip() or here["id"] or here["tag"] in ("TEXTAREA", "INPUT"), (tab, here)
            assert here["ring"], (tab, here)
            seen.add((here["tag"], here["name"], here["id"]))
        assert len(seen) >= 6, tab


def test_a_image_is_classified_by_keyboard_alone(opened):
    page = opened("?q=red")
    page.locator("#grid .g-grid-card .g-grid-frame").first.focus()
    page.keyboard.press("Enter")
    page.locator("#inspect-classify").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Classify")).to_have_attribute("aria-selected", "true")
    classes = page.locator("#classes textarea")
    classes.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("red\nblue\ngreen")
    page.keyboard.press("Tab")
    page.locator("#classify-one").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#bars")).to_contain_text("red")
    assert page.locator("#bars [aria-live]").count() == 1


def test_results_are_announced_and_motion_can_be_reduced(opened):
    page = opened(reduced_motion="reduce")
    search(page, "green")
    assert page.locator("#status").evaluate("on => !!on.closest('[aria-live]') || on.getAttribute('role') === 'status'")
    moving = page.evaluate(
        """[...document.querySelectorAll("#grid *, #header *")].filter((on) => {
            const style = getComputedStyle(on);
            return parseFloat(style.animationDuration) > 0.01 && style.animationName !== "none";
        }).length"""
    )
    assert moving == 0


def test_the_grid_is_one_stop_of_the_tab_key(opened):
    page = opened("?q=red")
    stops = (
        "[...document.querySelectorAll('#grid button')].filter((one) => one.tabIndex >= 0).map((one) => one.ariaLabel)"
    )
    page.wait_for_function(f"{stops}.length === 1")
    page.locator("#grid button.g-grid-frame[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{stops}.length === 1 && {stops}[0] === document.activeElement.ariaLabel")
    second = focused(page)["name"]
    page.keyboard.press("Tab")
    assert not focused(page)["card"]
    page.keyboard.press("Shift+Tab")
    assert focused(page)["name"] == second  # the image that was left


def test_a_question_mark_lists_the_keys_and_a_sign_explains_a_figure(opened):
    page = opened("?q=red")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("more or less like it")
    assert not findings(page, "keys")
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()
    page.get_by_role("combobox", name="Describe an image").press("?")
    expect(dialog).to_be_hidden()
    page.locator("#grid .g-grid-card .g-grid-frame").first.click()
    page.locator("#inspector .g-help-sign").click()
    sentence = page.locator("#inspector .g-help-text")
    expect(sentence).to_contain_text("cosine similarity")
    page.keyboard.press("Escape")
    expect(sentence).to_be_hidden()
    expect(page.locator("#viewer")).to_be_visible()
