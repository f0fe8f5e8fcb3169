"""The page in English and German: catalogues that agree with the code, and the choice of a language."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from app.language.catalogues import DOMAINS, is_translated, read_catalogue
from app.language.current import _, plural, speaking
from app.language.extraction import extract
from app.language.lessons import in_language
from app.language.names import ENGLISH, LANGUAGES
from app.language.preference import preferred
from app.language.script_literals import literals
from app.server.content_policy import PagePolicy
from app.server.languages import Languages
from tests.browsing import navigate, settle
from training.lessons import LESSONS
from training.lessons.parts import curve, sentence
from training.lessons.said import messages_in, say

ROOT = Path(__file__).parent.parent
OTHERS = sorted(LANGUAGES.keys() - {ENGLISH})

CALLS = {"_", "textNodes", "plural"}  # what translates, in scripts
TRANSLATING = {"_", "plural", "widget_text"}  # in Python
# Calls whose texts are read by programmers only: the schema of the API, logs, headers.
PROGRAMMERS = {"ValueError", "Field", "exception", "warning", "Response", "FileResponse", "LocalFont"}
READ = {"text:", "title:", "label:", "placeholder:", "-label:"}  # settings whose shortest word is read
# What takes strings that nobody reads.
CODE = {"querySelector", "querySelectorAll", "closest", "matches", "import", "Error", "RegExp", "createElement"}
SETTINGS = {"class:", "id:", "style:", "d:", "type:", "rel:", "className=", "font:", "cssText="}
KEYS = {"Esc", "Escape", "Enter", "Home", "End", "Delete", "Backspace", "Tab", "Gelato"}
# What encoders read, and names of the server's: English in every language.
ENGLISH_TEXTS = {
    *("a dog", "a small dog on a large red sofa", "a red ball on a blue box", "a blue ball on a red box"),
    *("colour swap", "relation swap", "role swap", "count swap"),
    *("a photo", "a photo of a …", "a photo of a {}.\na drawing of a {}.\n{}", "Traceback", "Value error, "),
    *("swap nouns", "swap adjectives", "drop relation words", "map-keys map-status"),
    '700 15px "IBM Plex Sans", system-ui, sans-serif',
    "hf-hub:timm/ViT-B-16-SigLIP2, ViT-B-32//path/weights.safetensors, runs/my-run",
}
PROSE = re.compile(r"[a-z]{2},? [A-Za-z{]|[}\w] [a-z]{2,}|^[A-Z][a-z]+$|[a-z]{2}[.!?…:]$")
PLACEHOLDER = re.compile(r"\{(\w*)\}")


# How addresses, selectors, commands and the like begin.
CODE_BEGINS = re.compile(
    r"[#.\[/]|g-|https?:|\w+/|python |pip |[{}\w-]+\(|(input|button|textarea), |<(meta|link|div|header) "
    r"|export |private, |--|A request is |%s |the encoder %s |hf-hub:"
)


def is_prose(text: str) -> bool:
    """Whether a person may read it: words, and not an address, a selector or names of classes."""
    return bool(PROSE.search(text)) and not CODE_BEGINS.match(text)


def untranslated_in_script(path: Path) -> list[str]:
    """The prose of a script that is no message of the catalogue."""
    return [
        f"{path.relative_to(ROOT)}:{one.line}: {one.text}"
        for one in literals(path.read_text(encoding="utf-8"))
        if (is_prose(one.text) or (one.before in READ and re.search("[a-z]{2}", one.text.replace("{}", ""))))
        and one.text not in KEYS | ENGLISH_TEXTS
        and not set(one.calls) & CALLS
        and not set(one.calls[-1:]) & CODE
        and one.before not in SETTINGS
        and not one.before.endswith(("===", "from", "import"))
    ]


def untranslated_in_python(path: Path) -> list[str]:
    """The prose of a module that is no message: no docstring, no argument of what translates or raises ValueError."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    left = set(map(id, read_by_nobody(tree)))
    found = []
    for node in ast.walk(tree):
        if id(node) in left:
            continue
        if isinstance(node, ast.JoinedStr):
            left |= {id(part) for part in node.values}
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if is_prose(text) and text not in ENGLISH_TEXTS:
            found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {text}")
    return found


def read_by_nobody(tree: ast.AST) -> Iterator[ast.AST]:
    """The parts of a module whose strings are translated, or are read by programmers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in TRANSLATING | PROGRAMMERS:
                yield from ast.walk(node)


def to_check(ending: str, folders: tuple[str, ...], left: tuple[str, ...] = ()) -> list[Path]:
    """The files of folders, without those that begin with left and the description of the API, which is English."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob(f"*{ending}"))]
    names = [(path, path.relative_to(ROOT).as_posix()) for path in paths]
    return [path for path, name in names if not name.startswith((*left, "app/ui/api_docs/", "app/ui/bundle.py"))]


def test_no_script_holds_a_text_that_is_not_in_the_catalogue():
    paths = to_check(".js", ("app/ui", "app/tabs"))
    assert not [text for path in paths for text in untranslated_in_script(path)]


def test_no_module_of_the_page_holds_a_text_that_is_not_in_the_catalogue():
    paths = to_check(".py", ("app/ui", "app/tabs", "app/state"))
    assert not [text for path in paths for text in untranslated_in_python(path)]


def test_the_scanner_of_scripts_sees_strings_templates_and_what_calls_them():
    source = """text("A b"); const p = a / b; x = /"[/]/.test(`c ${d("e f")} g`); // "not this"\n({ title: 'h' });"""
    seen = [(one.line, one.text, one.calls, one.before) for one in literals(source)]
    assert seen == [
        (1, "A b", ("text",), "text("),
        (1, "c {} g", ("test",), "test("),
        (1, "e f", ("test", "d"), "d("),
        (2, "h", (), "title:"),
    ]


def test_all_messages_of_the_scripts_are_extracted():
    """Each call that begins with a plain string, by a pattern instead of the scanner."""
    called = re.compile(r"""(?:\b_|\btextNodes|\bplural)\(\s*"((?:[^"\\]|\\.)*)\"""")
    paths = to_check(".js", ("app/ui", "app/tabs"), ("app/ui/language/language.js",))
    calls = {text.replace('\\"', '"') for path in paths for text in called.findall(path.read_text(encoding="utf-8"))}
    extracted = {one.id if isinstance(one.id, str) else one.id[0] for one in extract("scripts") if one.id}
    assert calls == extracted and len(calls) > 400


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("domain", DOMAINS)
def test_a_catalogue_has_exactly_the_messages_of_the_code_all_translated(language, domain):
    """`make messages` brings it up to date and lists what is to be translated."""
    catalogue, code = read_catalogue(language, domain), extract(domain)
    assert {str(one.id) for one in code} == {str(one.id) for one in catalogue}
    assert not [one.id for one in catalogue if one.id and not is_translated(one)]
    assert not catalogue.obsolete


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("domain", DOMAINS)
def test_the_placeholders_of_translations_are_those_of_the_messages(language, domain):
    for message in read_catalogue(language, domain):
        if not message.id:
            continue
        ids = (message.id,) if isinstance(message.id, str) else message.id
        texts = (message.string,) if isinstance(message.string, str) else message.string
        expected = {name for id in ids for name in PLACEHOLDER.findall(id)}
        for text in texts:
            assert set(PLACEHOLDER.findall(text)) == expected, text


@pytest.mark.parametrize(
    ("cookies", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "de-DE,de;q=0.9,en;q=0.8", "de"),
        ("", "fr,en;q=0.8,de;q=0.5", "en"),
        ("", "en;q=0.1,de-AT;q=0.2", "de"),
        ("", "de;q=0,en", "en"),
        ("", "de;q=nonsense", "en"),
        ("", "fr", "en"),
        ("gelato-language=en", "de", "en"),
        ("other=1; gelato-language=de", "en", "de"),
        ("gelato-language=xx", "de", "de"),
        ('gelato-language="unended', "en", "en"),
    ],
)
def test_the_language_is_what_was_chosen_here_else_what_the_browser_prefers(cookies, accepted, language):
    assert preferred(cookies, accepted) == language


def test_python_speaks_the_language_of_the_block_and_english_elsewhere():
    with speaking("de"):
        assert _("No such language has this message.") == "No such language has this message."
        assert plural("{n} thing of no catalogue", "{n} things of no catalogue", 1234) == "1.234 things of no catalogue"
    with speaking("xx"):
        assert plural("{n} thing of no catalogue", "{n} things of no catalogue", 1) == "1 thing of no catalogue"


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "en"),
        ({"accept-language": "de"}, "de"),
        ({"accept-language": "de", "cookie": "gelato-language=en"}, "en"),
    ],
)
def test_the_page_is_sent_in_the_language_of_the_browser(site, headers, language):
    response = httpx.get(site.url, headers=headers)
    assert response.headers["content-language"] == language
    assert f'lang="{language}"' in response.text[:400]
    assert "data-language-fixed" not in response.text[:400]
    assert (f"messages.{language}.js" in response.text) == (language != "en")
    assert ('"Sammlungen"' in response.text) == (language == "de")


def test_the_option_fixes_a_language_for_everyone(site):
    page = HTMLResponse(httpx.get(site.url).text)
    client = TestClient(Languages(PagePolicy(page, fixed_language=True), "de"))
    text = client.get("/", headers={"accept-language": "en", "cookie": "gelato-language=en"}).text
    assert 'data-language="de" data-language-fixed' in text[:400] and '"Sammlungen"' in text


@pytest.mark.browser
def test_the_language_is_changed_in_the_header_and_remembered(opened):
    page = opened(fresh=True)
    page.locator("#language-menu summary").click()
    page.locator("#language-menu [lang=de]").click()
    expect(page.locator("#theme")).to_have_attribute("aria-label", "Hell oder dunkel")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.reload()
    expect(page.get_by_role("tab", name="Sammlungen")).to_be_visible()
    settle(page)
    page.locator("#language-menu summary").click()
    page.locator("#language-menu [lang=en]").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    settle(page)


# What ends beyond the right edge of the window, unless it can be scrolled there.
BEYOND = """() => {
  const scrolls = (one) => one && (getComputedStyle(one).overflowX !== "visible" || scrolls(one.parentElement));
  const ends = [...document.querySelectorAll("main *")].filter((one) => {
    const { right, width } = one.getBoundingClientRect();
    return width > 1 && right > innerWidth + 1 && one.checkVisibility() && !scrolls(one.parentElement);
  });
  return ends.map((one) => one.outerHTML.slice(0, 120));
}"""


@pytest.mark.browser
def test_german_fits_a_phone_on_every_tab(opened):
    page = opened("?q=red", locale="de-DE", viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.lang") == "de"
    tabs = page.locator("#tabs [role=tab]").evaluate_all("all => all.map((one) => one.dataset.tabId).filter(Boolean)")
    assert len(tabs) >= 7
    expect(page.locator("#tabs .overflow-menu")).to_be_hidden()  # where scripts and keys do not find what is in it
    for tab in tabs:
        navigate(page, f"goTo('{tab}')")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
        assert not page.evaluate(BEYOND), tab


def test_a_lesson_is_told_again_in_german_with_the_marks_of_its_numbers():
    numbers = say(
        "entropy {entropy:.2f} of at most {chance:.2f}, {usage:.0%} of the outputs in use",
        entropy=1.25,
        chance=4,
        usage=0.25,
    )
    verdict = say("No collapse: images have different outputs ({numbers}).", numbers=numbers)
    parts = [sentence(verdict), curve("loss", say("The photo"), {say("loss"): [(1, 0.5)]}, x=say("step"))]
    lines = [json.loads(json.dumps({**part, "messages": messages_in(part)})) for part in parts]
    assert [in_language(dict(line)) for line in lines] == json.loads(json.dumps(parts))  # English, as in commands
    with speaking("de"):
        told, drawn = (in_language(line) for line in lines)
    assert "Entropie 1,25 von" in told["text"] and "25\u2009% der Ausgaben" in told["text"]
    assert (drawn["title"], drawn["lines"][0]["name"], drawn["x"]) == ("Das Foto", "Verlust", "Schritt")
    assert drawn["kind"] == "curve" and drawn["lines"][0]["points"] == [[1, 0.5]]


def test_a_lesson_keeps_its_settings_and_names_them_in_german():
    with speaking("de"):
        lesson = in_language({"kind": "lessons", "lessons": [LESSONS["byol"].facts()]})["lessons"][0]
    assert lesson["name"] == "byol" and lesson["title"] == "Warum BYOL nicht kollabiert"
    control = lesson["controls"][0]
    assert list(control["options"]) == list(LESSONS["byol"].controls[0].options)
    assert control["names"][1] == "ohne Prädiktor" and control["default"] == "no stop-gradient"
