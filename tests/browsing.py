"""A running page to be driven in a real Chromium: what the tests of every tab stand on."""

import asyncio
import atexit
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Error, Page, Request, Route, expect, sync_playwright

from app.application import make_application
from app.server.listening import listen
from app.server.timeouts import server_config
from app.state.library import Library
from app.ui.assets import ASSETS, BASE, PAGE
from index.build import build_collection
from tests.samples import PALETTE, ColourEncoder, paint

IMAGES = 75  # more than one page of results
PATIENCE = 60_000  # milliseconds a page may take: a busy machine is no failure, and a wait ends with its event
expect.set_options(timeout=PATIENCE)

# What Gradio says of its stream of answers when a page is left or loaded again while it is open.
LEFT = (
    "AbortError: signal is aborted",
    "AbortError: BodyStreamBuffer was aborted",
    "Unexpected error Connection errored out",
)

REFUSED = "Failed to load resource: the server responded with a status of 409"  # an original that has changed

# What each tracked page has asked for and not yet received; without Gradio's heartbeat and its stream of answers,
# which may stay open after the last answer.
pending: dict[Page, set[Request]] = {}

# The events of Gradio that were asked for and not yet answered, read from the stream itself.
TRACK_EVENTS = """
const open = (window.openEvents = new Set()), completed = new Set(), fetchPlainly = window.fetch;
async function readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = "", part; !(part = await reader.read()).done; ) {
    const lines = (text + part.value).split("\\n");
    text = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data:") || !line.includes('"process_completed"')) continue;
      const { event_id } = JSON.parse(line.slice(5));
      completed.add(event_id);
      open.delete(event_id);
    }
  }
}
window.fetch = async (...request) => {
  const response = await fetchPlainly(...request);
  const address = String(request[0].url ?? request[0]);
  if (address.includes("/queue/join") && response.ok) {
    const { event_id } = await response.clone().json();
    if (!completed.has(event_id)) open.add(event_id);
  } else if (address.includes("/queue/data") && response.ok) {
    readEvents(response.clone().body).catch(() => open.clear()); // the page has closed its stream
  }
  return response;
};
"""


@dataclass
class Site:
    """A running server."""

    url: str
    library: Library


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium as the system has it, or as Playwright keeps it; in CI its absence is a failure."""
    with sync_playwright() as playwright:
        names = ("chromium", "chromium-browser", "google-chrome")
        own = playwright.chromium.executable_path
        path = next((path for name in names if (path := shutil.which(name))), own if Path(own).exists() else None)
        if path is None:
            message = "no Chromium was found; `sh tests/browser.sh python` brings one"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


def colour_library(folder: Path) -> Library:
    """75 squares of five colours in one collection, a single one in another; the encoder is checkable by eye."""
    for name in ("colours", "few"):
        shutil.copytree(colour_collections() / f"{name}.gelato", folder / f"{name}.gelato")
    library = Library(lambda name: ColourEncoder(), local=True)
    library.add(folder / "colours.gelato")
    library.add(folder / "few.gelato")
    return library


@cache
def colour_collections() -> Path:
    """A folder with both collections, which copies of them share as their source; it is deleted at the end."""
    folder = Path(tempfile.mkdtemp(prefix="gelato-colours-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for i in range(IMAGES):
        name, (r, g, b) = list(PALETTE.items())[i % len(PALETTE)]
        # A name that would be markup if anything on the page took it for that.
        shown = f"{name} {i} <img src=x onerror=alert(1)>" if i == 3 else f"{name} {i}"
        paint(folder / "many" / f"{shown.replace('/', '')}.png", (r, max(0, g - i % 7), b), (40 + i, 40))
    build_collection([folder / "many"], folder / "colours.gelato", ColourEncoder())
    paint(folder / "few" / "a.png", "red")
    build_collection([folder / "few"], folder / "few.gelato", ColourEncoder())
    return folder


@contextmanager
def served(library: Library, token: str = "", hosts: Collection[str] = ()) -> Iterator[Site]:
    """The library's page on a free port, until the block ends; token: a secret that it asks for; hosts: its names."""
    listening = listen("127.0.0.1", 0, True)
    serving: list[uvicorn.Server] = []

    async def serve() -> None:  # the page is made inside a loop, so that Gradio makes none of its own
        server = make_application(library, "127.0.0.1", {}, hosts, token)
        config = server_config(server, log_level="error", timeout_graceful_shutdown=1)
        serving.append(uvicorn.Server(config))
        await serving[0].serve(sockets=[listening])

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    while thread.is_alive() and not (serving and serving[0].started):
        time.sleep(0.02)
    yield Site(f"http://127.0.0.1:{listening.getsockname()[1]}/", library)
    serving[0].should_exit = True
    thread.join(10)
    library.stop()
    listening.close()


# Takes an open page to an address, as if nobody had used it yet. The search on the way is one of no test, so that the
# search tab asks anew also at the address where it is.
RETURN = """async ([address, page, navigation]) => {
  const { goTo } = (await import(page)).modules[navigation];
  goTo("search", { q: "–", filters: null });
  for (const key of ["Escape", "Escape"]) document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  document.querySelectorAll("details.g-menu[open]").forEach((menu) => (menu.open = false));
  document.querySelector("#open-filters[aria-expanded=true]")?.click();
  document.activeElement?.blur();
  localStorage.clear();
  sessionStorage.clear();
  history.pushState(null, "", location.pathname + address);
  dispatchEvent(new PopStateEvent("popstate"));
  scrollTo(0, 0);
}"""
NAVIGATION, SESSION = (f"ui/{name}/{name}.js" for name in ("navigation", "session"))
SCRIPT = f"/{BASE}/{PAGE}"
COLLECTION = f"import('{SCRIPT}').then(({{ modules }}) => modules['{SESSION}'].collection())"
VIEWPORT = {"width": 1280, "height": 860}


@dataclass
class Opened:
    """A page; settings: what it was loaded with and cannot be changed; collection: the key of its collection then."""

    page: Page
    settings: str
    collection: str


class Pages:
    """The pages of a site. A load takes three seconds of a core, so a test goes on with the page of the one before."""

    def __init__(self, browser: Browser, site: Site):
        self.browser, self.site = browser, site
        self.contexts: dict[str, BrowserContext] = {}  # by their settings; each keeps what it has downloaded
        self.free: dict[str, Opened] = {}  # by their settings
        self.used: list[Opened] = []  # by the test that runs
        self.foreign: list[str] = []
        self.complaints: list[str] = []

    def opened(self, address: str = "", ready: str = "#grid .g-grid-card img", fresh: bool = False, **settings) -> Page:
        """A page at an address such as "?q=red", once it has what the selector `ready` names.

        fresh: load a page, for a test of what happens then, or of a tab that keeps what no address holds. Else it may
        be the page of an earlier test, whose hidden parts still have their texts. settings: those of a browser context.
        """
        viewport, motion = settings.pop("viewport", VIEWPORT), settings.pop("reduced_motion", "no-preference")
        settings = {"color_scheme": "light", **settings}
        named = {name: value for name, value in parse_qsl(address[1:]) if name in ("collection", "__theme")}
        key = repr((settings, named))
        opened = self.free.pop(key, None)
        if opened and fresh:
            opened.page.close()
            opened = None
        page = opened.page if opened else self.new_page(settings)
        page.set_viewport_size(viewport)
        page.emulate_media(reduced_motion=motion)
        if opened:
            self.used.append(opened)
            page.mouse.move(0, 0)
            page.evaluate(RETURN, [address, SCRIPT, NAVIGATION])
            settle(page)
            page.wait_for_selector(ready, state="attached")
        else:
            page.goto(self.site.url + address)
            page.wait_for_selector(ready, state="attached")
            self.used.append(Opened(page, key, page.evaluate(COLLECTION)))
        return page

    def new_page(self, settings: dict[str, object]) -> Page:
        """An empty page, of a person who was never here."""
        name = repr(settings)
        if name not in self.contexts:
            self.contexts[name] = self.browser.new_context(**settings)
        page = self.contexts[name].new_page()
        page.set_default_timeout(PATIENCE)
        storage = {"origin": self.site.url.rstrip("/"), "storageTypes": "cookies,local_storage"}
        page.context.new_cdp_session(page).send("Storage.clearDataForOrigin", storage)
        page.on("request", lambda r: r.url.startswith((self.site.url, "data:", "blob:")) or self.foreign.append(r.url))
        track_requests(page)
        page.on("pageerror", lambda error: self.complain(str(error)))
        page.on("console", lambda m: m.type == "error" and self.complain(m.text))
        return page

    def complain(self, text: str) -> None:
        if not text.startswith((*LEFT, REFUSED)):
            self.complaints.append(text)

    def end_test(self, passed: bool) -> None:
        """Keep the pages of a test that passed, but for those that went to another collection or another document."""
        for opened in self.used:
            try:
                same = passed and opened.page.evaluate(COLLECTION) == opened.collection
            except Error:
                same = False
            if same and opened.settings not in self.free:
                self.free[opened.settings] = opened
            else:
                opened.page.close()
        self.used.clear()
        foreign, complaints = self.foreign[:], self.complaints[:]
        self.foreign.clear()
        self.complaints.clear()
        assert not foreign, foreign
        assert not complaints, complaints

    def close(self) -> None:
        for context in self.contexts.values():
            context.close()


@contextmanager
def watched(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """The function Pages.opened, for one test; afterwards no page may have asked another host or complained."""
    pages = Pages(browser, site)
    yield pages.opened
    pages.end_test(passed=False)
    pages.close()


@contextmanager
def bare_page(browser: Browser) -> Iterator[Page]:
    """An empty page that can import the page's modules, such as "/ui/format/format.js"; it needs no server."""
    origin, page = "http://modules.test", browser.new_page()

    def answer(route: Route) -> None:
        asset = ASSETS.get(route.request.url.removeprefix(f"{origin}/"))
        if asset is None:
            route.fulfill(body="<!doctype html>", content_type="text/html")
        else:
            route.fulfill(body=asset.content, content_type=asset.media_type)

    page.route("**/*", answer)
    page.goto(f"{origin}/")
    yield page
    page.close()


def track_requests(page: Page) -> None:
    """Keep what a page has asked for in `pending`, so that `settle` can wait for it; to be called before it loads."""
    pending[page] = open_requests = set()
    page.add_init_script(TRACK_EVENTS)
    page.on("request", lambda r: "/heartbeat/" in r.url or "/queue/data" in r.url or open_requests.add(r))
    page.on("requestfinished", lambda r: open_requests.discard(r))
    page.on("requestfailed", lambda r: open_requests.discard(r))
    page.on("close", lambda closed: pending.pop(closed, None))


def settle(page: Page, timeout: float = PATIENCE / 1000) -> None:
    """Wait until a tracked page has had every answer for a fifth of a second, and marks no part as busy.

    (Playwright's own "networkidle" is an event of page loads: it may never come on a page that stays open.)
    """
    deadline = time.monotonic() + timeout
    quiet = 0
    while quiet < 4:
        page.wait_for_timeout(50)
        missing = [request.url for request in pending[page]] or open_events(page)
        quiet = 0 if missing else quiet + 1
        assert time.monotonic() < deadline, f"no answer to {missing}"
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


def open_events(page: Page) -> list[str]:
    """Gradio's events without an answer; those of a page that is being loaded are not known yet."""
    try:
        return page.evaluate("[...(window.openEvents ?? [])]")
    except Error:  # the page has gone to another address meanwhile
        return ["the page"]


def search(page: Page, text: str) -> None:
    """Type text, press Enter and wait for its answer."""
    page.get_by_role("combobox", name="Describe an image").fill(text)
    page.keyboard.press("Enter")
    page.wait_for_function("text => new URLSearchParams(location.search).get('q') === text", arg=text)
    settle(page)
    expect(page.locator("#status")).to_contain_text("ms")


def names(page: Page, count: int = 15) -> list[str]:
    """The colours of the first images on the page."""
    return [name.split()[0] for name in page.locator("#grid .g-grid-name").all_inner_texts()[:count]]


def navigate(page: Page, call: str) -> object:
    """What a function of the navigation module answers, such as navigate(page, "goTo('map')")."""
    return page.evaluate(f"import('{SCRIPT}').then(({{ modules }}) => modules['{NAVIGATION}'].{call})")


def refresh(page: Page) -> None:
    """Have the page ask for its state at once, as it does every five seconds."""
    page.evaluate(f"import('{SCRIPT}').then(({{ modules }}) => modules['{SESSION}'].refreshState())")
