"""What a stranger may try: every route without credentials, odd paths, hostile names, bombs, floods and slow bodies."""

import asyncio
import contextlib
import csv
import io
import re
import socket
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from starlette.testclient import TestClient

from app.application import make_application
from app.server import limits, timeouts
from app.server.limits import LARGEST_IMAGE
from app.state.library import Library
from app.tabs.classify.collection import labelling_state, start_labelling
from app.tabs.map.tab import table_of_rows
from index.build import build_collection
from index.label import LabelRequest, label_collection, labels_csv
from index.storage.failures import read_failures
from index.storage.tables import csv_of, plain, safe
from index.storage.tags import tag
from tests.browsing import Site, search, served, watched
from tests.samples import ColourEncoder, paint
from training.models.zero_shot import parse_classes

TOKEN = "a-secret-of-this-test"
MARKUP = "<img src=x onerror=window.pwned=1>"
FORMULA = '=HYPERLINK("http://evil.example")'
FILLED = {"key": "hostile", "kind": "csv", "job": "x", "token": "x", "id": "x", "row": "0", "path": "x", "rest": "x"}


def make(library: Library, **settings):
    async def inside():  # a loop, so that Gradio makes none of its own
        return make_application(library, "127.0.0.1", {}, **settings)

    return asyncio.run(inside())


def ask(server) -> TestClient:
    return TestClient(server, base_url="http://127.0.0.1", raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A collection in which whatever people can name is hostile, and a secret beside it."""
    folder = tmp_path_factory.mktemp("security")
    rows = []
    for number, colour in enumerate(["red", "orange", "green", "blue", "grey"] * 3):
        name = [MARKUP, FORMULA.replace("/", ""), "@cmd", "plain"][number % 4] + f" {number}.png"
        paint(folder / "images" / name, colour, (40 + number, 40))
        rows.append(
            {"path": name, "caption": f"{FORMULA} {MARKUP}", f"{MARKUP}": f"{MARKUP} {number % 2}", "=sum": "+1"}
        )
    (folder / "images" / "broken <img src=x onerror=window.pwned=1>.png").write_bytes(b"no image")
    rows.append({"path": "broken <img src=x onerror=window.pwned=1>.png", "caption": MARKUP, MARKUP: "", "=sum": ""})
    pd.DataFrame(rows).to_csv(folder / "images" / "table.csv", index=False)
    (folder / "secret.txt").write_text("the secret")
    build_collection([folder / "images" / "table.csv"], folder / "hostile.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder(), local=False)
    entry = library.add(folder / "hostile.gelato")
    entry.name = MARKUP
    collection = entry.published()
    tag(collection, [collection.items["id"].iat[0]], f"{FORMULA[:20]} {MARKUP}")
    yield library
    library.stop()


@pytest.fixture(scope="module")
def page(library):
    return ask(make(library))


@pytest.fixture(scope="module")
def guarded(library):
    """The same behind a token."""
    return make(library, token=TOKEN)


@pytest.fixture(scope="module")
def running(library) -> Iterator[Site]:
    """It runs, without a token."""
    with served(library) as site:
        yield site


def paths(routes, before: str = "") -> Iterator[tuple[str, set[str]]]:
    """Every address and its methods, those of mounted and included apps too."""
    for route in routes:
        inner = getattr(getattr(route, "original_router", None) or getattr(route, "app", None), "routes", None)
        place = before + getattr(route, "path", "")
        if inner and not getattr(route, "methods", None):
            yield from paths(inner, place + getattr(getattr(route, "original_router", None), "prefix", ""))
        elif getattr(route, "path", None) is not None:
            yield place, set(getattr(route, "methods", None) or {"GET"})


def innermost(app):
    """The server inside the middlewares around it."""
    while not hasattr(app, "routes"):
        app = app.app
    return app


def test_no_route_but_healthz_and_readyz_answers_without_the_token(guarded):
    known = list(paths(innermost(guarded).routes))
    listed = {path for path, _ in known}
    assert len(listed) > 40  # ours, and Gradio's
    assert {"/media/{key}/{id}.webp", "/images", "/export/{key}.{kind}", "/docs", "/config"} <= listed
    assert any(path.endswith("/component_server") for path in listed) and any("queue/join" in path for path in listed)
    client = ask(guarded)
    for path, methods in known:
        filled = re.sub(r"\{(\w+)(?::\w+)?\}", lambda m: FILLED.get(m[1], "x"), path)
        for method in methods | {"GET", "POST", "HEAD", "OPTIONS", "DELETE"}:
            answer = client.request(method, filled, headers={"x-forwarded-for": "127.0.0.1"})
            # /readyz says 503 while the encoder is being loaded
            expected = {"/healthz": (200,), "/readyz": (200, 503)}.get(path, (401,)) if method == "GET" else (401,)
            assert answer.status_code in expected, (method, filled, answer.status_code)
            assert expected != (401,) or "collection" not in answer.text


@pytest.mark.parametrize(
    "given",
    [
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer"},
        {"authorization": "Bearer \xe9".encode("latin-1").decode("latin-1")},
        {"cookie": "gelato=wrong"},
        {"cookie": "gelato="},
        {"cookie": f"other={TOKEN}"},
        {"x-token": TOKEN},
    ],
)
def test_what_is_no_credential_opens_nothing(guarded, given):
    headers = {name: value.encode("latin-1") for name, value in given.items()}
    assert ask(guarded).get("/config", headers=headers).status_code == 401


def test_a_browser_gives_the_token_once_and_keeps_a_cookie_that_scripts_cannot_read(guarded):
    client = ask(guarded)
    answer = client.get("/", params={"token": TOKEN, "q": "a cat", "tab": "search"})
    assert answer.status_code == 303 and answer.headers["location"] == "/?q=a+cat&tab=search"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "no-store" in answer.headers["cache-control"]
    assert client.get("/config").status_code == 200  # the client kept it
    assert client.post("/images", content=b"", headers={"origin": "http://evil.example"}).status_code == 403
    stranger = ask(guarded)
    assert stranger.get("/?token=wrong").status_code == 401
    assert stranger.post(f"/images?token={TOKEN}").status_code == 401
    elsewhere = stranger.get(f"//evil.example/%2e%2e?token={TOKEN}")
    assert not elsewhere.headers["location"].startswith(("//", "http", "/\\"))


TRICKS = [
    "/healthz/../config", "/healthz/%2e%2e/config", "/healthz%2f..%2fconfig", "//config", "/./config", "/healthz%00",
    "/healthz;/config", "/healthz?/config", "/config%20", "/HEALTHZ", "/healthz/", "http://127.0.0.1/config",
    "/%63onfig", "/gradio_api/../config", "*",
]  # fmt: skip


def test_odd_paths_go_round_no_guard(library):
    with served(library, token=TOKEN) as site:
        for path in TRICKS:
            status, body = raw(site.url, path)
            assert status in (400, 401, 404, 405) or body == '{"status":"ok"}', (path, status, body[:80])
        assert raw(site.url, "/config", f"Authorization: Bearer {TOKEN}")[0] == 200


def test_odd_paths_reach_no_file(library, running):
    secret = next(iter(library.collections())).path.parent / "secret.txt"
    up = ["..", "%2e%2e", "..%2f..", "%252e%252e", "..%5c..", "....//"]
    starts = ["/media/hostile/", "/images/", "/static/", "/assets/", "/svelte/", "/gradio_api/file=", "/file=", "/"]
    starts += ["/export/", "/labels/", "/map/hostile/", "/gradio_api/custom_component/x/", "/pwa_icon/"]
    tried = [f"{start}{'/'.join([step] * 8)}{secret}" for start in starts for step in up]
    tried += [f"{start}{secret}" for start in starts] + [f"{start}x%00.webp" for start in starts]
    tried += ["/proxy=http://evil.example/", "/gradio_api/proxy=http://evil.example/", "/media/hostile/" + "a" * 5000]
    for path in tried:
        status, body = raw(running.url, path)
        assert "the secret" not in body and 400 <= status < 500, (path, status)


def raw(url: str, path: str, *headers: str) -> tuple[int, str]:
    """One GET, sent as it stands: clients would tidy the path."""
    host = httpx.URL(url)
    with socket.create_connection((host.host, host.port), timeout=10) as line:
        request = [f"GET {path} HTTP/1.1", f"Host: {host.host}:{host.port}", "Connection: close", *headers, "", ""]
        line.sendall("\r\n".join(request).encode("latin-1"))
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode("utf-8", "replace")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:80@evil.example", "127.0.0.1.", "localhost.evil.example"])
def test_every_route_is_refused_under_a_foreign_name(page, host):
    for path in ("/", "/config", "/api/v1/collections", "/docs", "/gradio_api/info", "/healthz"):
        assert page.get(path, headers={"host": host}).status_code == 421


def cells(text: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(text)) for cell in row]


def test_no_cell_of_any_table_is_run_by_a_spreadsheet(page, library):
    collection = library.collection(None).published()
    form = {"classes": "red\n=cmd\nblue", "templates": "plain"}
    job = start_labelling(library, {}, form)["job"]
    while labelling_state(library, job)["state"] == "running":
        time.sleep(0.01)
    request = LabelRequest(tuple(parse_classes("red\n=cmd\nblue")), ("{}",))
    chosen = {"ids": list(collection.items["id"])}
    tables = [
        page.get("/export/hostile.csv", params={"q": "red"}).text,
        page.post("/export/hostile.csv", json=chosen).text,
        page.get(f"/labels/{job}.csv").text,
        labels_csv(label_collection(collection, ColourEncoder(), request)),
        table_of_rows(library, {"rows": [0, 1, 2], "revision": collection.revision})["csv"],
        csv_of(collection.items).decode(),
    ]
    for table in tables:
        found = cells(table)
        assert any(cell.startswith("'") for cell in found)
        assert not [cell for cell in found if cell.startswith(("=", "+", "@", "-", "\t", "\r")) and not is_number(cell)]


@pytest.mark.parametrize("text", ["=1+1", "-2", "'=1", "''@x", "'", "'plain", "plain", "", "\tx", "+", "a=b"])
def test_a_cell_made_safe_is_read_back_as_it_was(text):
    assert plain(safe(text)) == text
    assert not safe(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_failures_of_hostile_files_are_safe_on_the_disk_and_read_back_as_they_were(tmp_path):
    paint(tmp_path / "images" / "a.png", "red")
    (tmp_path / "images" / "=cmd.png").write_bytes(b"no image")
    build_collection([tmp_path / "images"], tmp_path / "c.gelato", ColourEncoder())
    build_collection([tmp_path / "images"], tmp_path / "c.gelato", ColourEncoder())
    assert "'=cmd.png" in (tmp_path / "c.gelato" / "failures.csv").read_text()
    assert list(read_failures(tmp_path / "c.gelato")["path"]) == ["=cmd.png"]


def is_number(cell: str) -> bool:
    return re.fullmatch(r"-?[\d.]+", cell) is not None


def test_others_are_not_told_where_images_lie(page, library):
    place = str(library.collection(None).path.parent)
    for path in ("/export/hostile.json?q=red", "/export/hostile.txt?q=red", "/export/hostile.csv?q=red"):
        assert place not in page.get(path).text, path
    for path in ("/api/v1/search?q=red", "/api/v1/collections", "/api/v1/collections/hostile", "/api/v1/jobs"):
        assert place not in page.get(path).text, path
    assert page.get("/api/v1/search", params={"q": "red", "filter": f"source == '{place}'"}).status_code == 400


@pytest.mark.parametrize("tab", ["search", "collections"])
def test_no_request_indexes_or_lists_a_folder_unless_it_is_from_this_computer(page, library, tab):
    component = next(c["id"] for c in page.get("/config").json()["components"] if c["props"].get("elem_id") == tab)

    def ask(function: str, fields: dict[str, str]) -> dict[str, Any]:
        body = {"data": fields, "component_id": component, "fn_name": function, "session_hash": "x"}
        return page.post("/gradio_api/component_server", json=body).json()

    answer = ask("index", {"source": str(Path.home())})
    assert "from this computer only" in answer["error"] and len(library.collections()) == 1
    assert ask("folders", {"typed": f"{Path.home()}/"}) == {"folders": []}


def bomb(width: int, height: int) -> bytes:
    """A black PNG of any size, some thousandth of its pixels in bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    packed, line = zlib.compressobj(9), bytes(1 + (width + 7) // 8)
    data = b"".join([*(packed.compress(line) for _ in range(height)), packed.flush()])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("path", ["/images", "/api/v1/images", "/api/v1/classify/image?classes=a"])
def test_a_image_that_unpacks_to_far_more_is_refused_before_it_is_unpacked(page, path):
    data = bomb(40_000, 30_000)
    assert len(data) < 2**20
    begun = time.monotonic()
    answer = page.post(path, content=data)
    assert "too large" in answer.json()["error"] and time.monotonic() - begun < 3


def test_each_route_has_a_bound_on_its_body(page):
    large = b"x" * (2**20 + 1)
    for path in ("/api/v1/classify", "/api/v1/probe", "/export/hostile.csv", "/gradio_api/queue/join", "/login"):
        assert page.post(path, content=large).status_code == 413, path
    for path in ("/images", "/api/v1/images", "/api/v1/classify/image?classes=a"):
        assert page.post(path, headers={"content-length": str(LARGEST_IMAGE + 1)}).status_code == 413, path


def test_a_body_that_never_ends_is_given_up(running, monkeypatch):
    monkeypatch.setattr(limits, "IDLE_TIMEOUT", 0.3)
    host = httpx.URL(running.url)
    with socket.create_connection((host.host, host.port), timeout=10) as line:
        line.sendall(f"POST /images HTTP/1.1\r\nHost: {host.host}:{host.port}\r\nContent-Length: 500\r\n\r\nx".encode())
        begun = time.monotonic()
        assert b" 408 " in line.recv(4096).splitlines()[0]
        assert time.monotonic() - begun < 5
    assert httpx.get(f"{running.url}healthz").status_code == 200


def test_a_body_that_does_not_say_its_length_is_bounded_too(page, monkeypatch):
    monkeypatch.setattr(limits, "LARGEST_IMAGE", 2**22)
    for path in ("/images", "/api/v1/images", "/api/v1/classify"):
        chunks = (b"x" * 2**20 for _ in range(30))
        assert page.post(path, content=chunks).status_code == 413, path


def test_a_body_that_drips_and_a_head_that_never_ends_are_given_up(running, monkeypatch):
    monkeypatch.setattr(limits, "BODY_TIMEOUT", 0.6)
    monkeypatch.setattr(timeouts, "HEAD_TIMEOUT", 0.6)
    host = httpx.URL(running.url)
    post = f"POST /images HTTP/1.1\r\nHost: {host.host}:{host.port}\r\nContent-Length: 500\r\n\r\n".encode()
    get = f"GET /healthz HTTP/1.1\r\nHost: {host.host}:{host.port}\r\n\r\n".encode()
    for begins, ends in ((post, b" 408 "), (b"GET / HTTP/1.1\r\n", b""), (get + get[:9], b"")):
        with socket.create_connection((host.host, host.port), timeout=10) as line:
            line.sendall(begins)
            if begins.startswith(get):
                assert b" 200 " in line.recv(4096)
            begun, answer = time.monotonic(), b""
            with contextlib.suppress(OSError):
                while time.monotonic() - begun < 5:
                    line.sendall(b"x")
                    line.settimeout(0.1)
                    with contextlib.suppress(TimeoutError):
                        answer = line.recv(4096)
                        break
            assert time.monotonic() - begun < 4 and ends in answer
    assert httpx.get(f"{running.url}healthz").status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data", "", "application/json; charset=x"]
)
@pytest.mark.parametrize("path", ["/api/v1/classify", "/api/v1/probe", "/images", "/export/hostile.csv"])
def test_a_body_of_another_kind_is_a_mistake_and_no_breakdown(page, path, kind):
    answer = page.post(path, content=b"\x00\xff{", headers={"content-type": kind})
    assert 400 <= answer.status_code < 500 or "error" in answer.json()


def test_json_of_odd_shape_breaks_nothing(page):
    deep = b"[" * 50_000 + b"]" * 50_000
    for path in ("/api/v1/classify", "/export/hostile.csv", "/gradio_api/component_server"):
        for body in (deep, b"[]", b"null", b'"x"', b'{"ids": [{}]}', b'{"ids": [null]}'):
            answer = page.post(path, content=body, headers={"content-type": "application/json"})
            assert answer.status_code < 600 and "Traceback" not in answer.text
            assert path.startswith("/gradio_api") or answer.status_code < 500, (path, body[:20])


@pytest.mark.browser
def test_hostile_names_stay_text_on_every_tab(browser, running):
    with watched(browser, running) as open_page:
        page = open_page()
        page.on("dialog", lambda dialog: pytest.fail("a name ran as a script"))
        tabs = page.get_by_role("tab").all_inner_texts()
        assert len(tabs) >= 4
        for name in tabs:
            page.get_by_role("tab", name=name, exact=True).click()
            page.wait_for_timeout(250)
            assert page.evaluate("window.pwned") is None, name
            assert page.locator("img[src='x']").count() == 0, name
        page.get_by_role("tab", name="Search", exact=True).click()
        search(page, "red")
        page.locator("#grid .g-grid-card").first.click()
        page.wait_for_timeout(400)
        assert MARKUP in page.content().replace("&lt;", "<").replace("&gt;", ">")
        assert page.evaluate("window.pwned") is None and page.locator("img[src='x']").count() == 0
        page.goto(f"{running.url}docs")
        page.wait_for_selector("details")
