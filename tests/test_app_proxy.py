"""The page behind a real nginx that ends TLS and serves it below a path, with the configuration of docs/serving.md."""

import io
import re
import shutil
import ssl
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import trustme
from gradio_client import Client
from PIL import Image
from playwright.sync_api import expect

from app.server.listening import listen
from tests.browsing import PATIENCE, colour_library, search, served, settle, track_requests
from tests.programs import has
from tests.samples import paint

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not has("nginx"), reason="needs nginx; `sh tests/nginx.sh` brings it"),
]
ROOT, TOKEN, PATH = Path(__file__).parent.parent, "a-secret-of-this-test", "/photos"


class Proxied(NamedTuple):
    """A running nginx. whole: the address of the page where the path is passed on; cut: where it is removed."""

    whole: str
    cut: str
    context: ssl.SSLContext
    certificate: Path


def nginx_config(folder: Path, upstream: str, ports: tuple[int, int]) -> str:
    """A whole configuration around the block of the docs: one server as it stands, one that removes the path."""
    (block,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs/serving.md").read_text(), re.DOTALL)
    blocks = [block.replace("http://127.0.0.1:7860", f"{upstream}{end}") for end in ("", "/")]
    servers = "".join(
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/server.pem;"
        f" ssl_certificate_key {folder}/server.pem;\n{text}}}\n"
        for port, text in zip(ports, blocks, strict=True)
    )
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    head = f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
    return f"{head}http {{\naccess_log off;\n{temporary}{servers}}}\n"


@contextmanager
def nginx(folder: Path, upstream: str):
    """nginx in front of upstream, an address without a slash at its end."""
    authority, sockets = trustme.CA(), [listen("127.0.0.1", 0, True) for _ in range(2)]
    ports = tuple(one.getsockname()[1] for one in sockets)
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    (folder / "nginx.conf").write_text(nginx_config(folder, upstream, ports))
    for one in sockets:
        one.close()
    command = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    context = ssl.create_default_context(cafile=folder / "authority.pem")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            found = Proxied(*(f"https://localhost:{port}{PATH}/" for port in ports), context, folder / "authority.pem")
            wait_for(f"{found.whole}healthz", context, process)
            yield found
        finally:
            process.terminate()


def wait_for(url: str, context: ssl.SSLContext, process: subprocess.Popen) -> None:
    while process.poll() is None:
        try:
            httpx.get(url, verify=context)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(process.stderr.read())


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxied")
    library = colour_library(folder)
    library.local, library.root_path = False, PATH
    with served(library, TOKEN) as site, nginx(folder, site.url.rstrip("/")) as found:
        yield found


@pytest.fixture(params=["whole", "cut"])
def client(proxied, request):
    """A program that asks through the proxy with the token."""
    headers = {"authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=getattr(proxied, request.param), verify=proxied.context, headers=headers) as client:
        yield client


def test_the_page_works_below_the_path_and_asks_for_nothing_elsewhere(proxied, browser, tmp_path):
    with browser.new_context(ignore_https_errors=True) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        asked, complaints = [], []
        track_requests(page)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append((str(error), "")))
        page.on("console", lambda m: m.type == "error" and complaints.append((m.text, m.location["url"])))
        page.goto(f"{proxied.whole}?token={TOKEN}")
        page.wait_for_selector("#grid .g-grid-card img")
        assert page.url.startswith(proxied.whole) and "token" not in page.url
        (cookie,) = [cookie for cookie in context.cookies() if cookie["name"] == "gelato"]
        assert (cookie["path"], cookie["secure"], cookie["httpOnly"]) == (f"{PATH}/", True, True)
        page.set_input_files("#search-file", paint(tmp_path / "mine.png", "green"))
        expect(page.locator("#grid .g-grid-name").first).to_contain_text("green")
        page.wait_for_function("[...document.querySelectorAll('#grid img')].some((i) => i.naturalWidth)")
        search(page, "red")
        page.get_by_role("tab", name="Map").click()
        page.wait_for_selector("#map-canvas")
        settle(page)
    foreign = [url for url in asked if not url.startswith((proxied.whole, "data:", "blob:"))]
    complaints = [
        one for one in complaints if not one[1].endswith("/favicon.ico")
    ]  # of the host, by the browser itself
    assert not foreign and not complaints, (foreign, complaints)


def test_the_api_and_what_it_names_are_below_the_path(client):
    found = client.get("api/v1/search", params={"q": "red", "k": 1}).json()["results"][0]
    assert found["preview"].startswith(f"{PATH}/media/")
    thumbnail = client.get(str(client.base_url.copy_with(raw_path=found["preview"].encode())))
    assert thumbnail.headers["content-type"] == "image/webp" and thumbnail.content
    uploaded = client.post("api/v1/images", content=paint_bytes()).json()["image"]
    assert client.get(f"images/{uploaded}.webp").status_code == 200
    assert client.get("openapi.json").json()["servers"] == [{"url": PATH}]
    assert "<main>" in client.get("docs").text


def paint_bytes() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "PNG")
    return out.getvalue()


def test_redirects_and_refusals_stay_below_the_path(client, proxied):
    bare = str(client.base_url).rstrip("/")
    assert client.get(bare).headers["location"].endswith(f"{PATH}/")
    stranger = httpx.Client(base_url=client.base_url, verify=proxied.context)
    with stranger:
        assert stranger.get("config").status_code == 401
        answer = stranger.get("", params={"token": TOKEN, "q": "a cat"})
        assert answer.headers["location"] == f"{PATH}/?q=a+cat"
        assert f"path={PATH}/" in answer.headers["set-cookie"].lower()
    evil = {"origin": "https://evil.example"}
    assert client.post("api/v1/probe", json={}, headers=evil).status_code == 403


def test_gradio_client_calls_through_the_proxy(proxied):
    for address in (proxied.whole, proxied.cut):
        headers = {"authorization": f"Bearer {TOKEN}"}
        client = Client(address, headers=headers, ssl_verify=proxied.context, verbose=False, analytics_enabled=False)
        try:
            found = client.predict(q="red", k=1, api_name="/search")
        finally:
            client.close()
        assert found["results"][0]["name"].startswith("red")
