"""The page's own scripts and styles: where they are served, for how long they are kept, and what else may run."""

import asyncio
import base64
import hashlib
import json
import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.application import make_application
from app.language.script_literals import literals
from app.server.content_policy import script_hashes
from app.state.library import Library
from app.ui.assets import ASSETS, BASE, PAGE, content_hash, event_module, load_module, read_assets
from app.ui.bundle import bundle, in_order
from index.build import build_collection
from tests.browsing import navigate, settle, track_requests
from tests.samples import ColourEncoder

TOKEN = "a-secret-of-this-test"


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A function that makes a client of a server; settings are those of make_application."""
    from tests.samples import paint

    folder = tmp_path_factory.mktemp("assets")
    paint(folder / "images" / "red.png", "red")
    build_collection([folder / "images"], folder / "red.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder())
    library.add(folder / "red.gelato")

    def client(**settings) -> TestClient:
        async def make():  # inside a loop, so that Gradio makes none of its own
            return make_application(library, "127.0.0.1", {}, **settings)

        return TestClient(asyncio.run(make()), base_url="http://127.0.0.1", raise_server_exceptions=False)

    yield client
    library.stop()


@pytest.fixture(scope="module")
def client(asked):
    return asked()


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("ui/grid/grid.js", "text/javascript"), ("ui/base.css", "text/css"), ("ui/favicon.png", "image/png")],
)
def test_an_asset_is_served_with_its_type_and_kept_for_a_year(client, path, media_type):
    answer = client.get(f"/{BASE}/{path}")
    assert answer.status_code == 200
    assert answer.content == (Path("app") / path).read_bytes()
    assert answer.headers["content-type"].split(";")[0] == media_type
    assert set(answer.headers["cache-control"].split(", ")) == {"private", "max-age=31536000", "immutable"}


@pytest.mark.parametrize(
    "path",
    [
        f"/{BASE}/ui/assets.py",
        f"/{BASE}/ui/none.js",
        f"/{BASE}/",
        f"/{BASE}/../../app.py",
        f"/{BASE}/ui/..%2f..%2fapp.py",
        f"/{BASE}/ui/%2e%2e/%2e%2e/requirements.txt",
        f"/{BASE}//etc/passwd",
        "/static/0123456789abcdef/ui/grid/grid.js",
    ],
)
def test_nothing_but_the_files_of_the_table_is_served(client, path):
    answer = client.get(path)
    assert answer.status_code == 404 and "import " not in answer.text


def test_assets_need_the_token_as_the_page_does(asked):
    guarded = asked(token=TOKEN)
    assert guarded.get(f"/{BASE}/ui/grid/grid.js").status_code == 401
    allowed = guarded.get(f"/{BASE}/ui/grid/grid.js", headers={"authorization": f"Bearer {TOKEN}"})
    assert allowed.status_code == 200


def test_the_hash_changes_with_content_and_with_names(tmp_path):
    (tmp_path / "ui").mkdir()
    (tmp_path / "tabs").mkdir()
    script = tmp_path / "ui" / "a.js"
    script.write_text("export const a = 1;")
    (tmp_path / "ui" / "secret.py").write_text("")
    first = read_assets(tmp_path)
    assert list(first) == ["ui/a.js"]
    assert content_hash(first) == content_hash(read_assets(tmp_path))
    script.write_text("export const a = 2;")
    second = read_assets(tmp_path)
    script.rename(tmp_path / "tabs" / "a.js")
    hashes = {content_hash(first), content_hash(second), content_hash(read_assets(tmp_path))}
    assert len(hashes) == 3


def test_every_import_names_a_module_that_is_served():
    for path, asset in ASSETS.items():
        if path.endswith(".js") and path != PAGE:
            for relative in re.findall(r'from "([^"]+)"', asset.content.decode()):
                assert posixpath.normpath(posixpath.join(posixpath.dirname(path), relative)) in ASSETS, (path, relative)


def test_no_tab_imports_from_another_tab_and_ui_from_none():
    for path, asset in ASSETS.items():
        own = path.split("/")[:2]
        for relative in (
            re.findall(r'from "([^"]+)"', asset.content.decode()) if path.endswith(".js") and path != PAGE else ()
        ):
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(path), relative)).split("/")
            assert imported[0] == "ui" or imported[:2] == own, (path, relative)


def test_the_page_s_one_script_holds_every_module_after_what_it_imports(client):
    entries = re.findall(r'^modules\["(.+?)"\] = ', ASSETS[PAGE].content.decode(), re.MULTILINE)
    texts = {one.text for path in entries for one in literals(ASSETS[path].content.decode())}
    bundled = {one.text for one in literals(ASSETS[PAGE].content.decode())}
    assert {text for text in texts - bundled if not text.endswith(".js")} == set()  # no comment was taken out of a text
    apart = ("ui/api_docs/", "ui/language/messages.")
    assert sorted(entries) == sorted(p for p in ASSETS if p.endswith(".js") and p != PAGE and not p.startswith(apart))
    assert client.get("/").text.count("modulepreload' href='static/") == 1


def test_a_bundle_renames_imports_lists_exports_and_refuses_circles_and_other_forms():
    scripts = {
        "ui/b.js": 'import { one as two } from "./a.js"; // why\nexport const f = () => two;\nexport { two };\n',
        "ui/a.js": "export const one = 1;\nexport async function g() {}\nawait import(`./c.${one}.js`);\n",
    }
    assert in_order(scripts) == ["ui/a.js", "ui/b.js"]
    text = bundle(scripts)
    assert 'const { one: two } = modules["ui/a.js"];' in text
    assert "return { one, g };" in text and "return { f, two };" in text
    assert "import(`./ui/c.${one}.js`)" in text and text.endswith("export { modules };\n")
    with pytest.raises(ValueError, match=r"circle: a\.js -> b\.js -> a\.js"):
        bundle({"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'})
    with pytest.raises(ValueError, match=r"c\.js, which is not there"):
        bundle({"a.js": 'import { c } from "./c.js";\n'})
    with pytest.raises(ValueError, match="export default"):
        bundle({"a.js": "export default 1;\n"})


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip, deflate", "gzip"), ("gzip, br", "br")])
def test_scripts_are_sent_compressed_to_those_who_take_it(client, accepted, encoding):
    plain = client.get(f"/{BASE}/{PAGE}", headers={"accept-encoding": "identity"})
    packed = client.get(f"/{BASE}/{PAGE}", headers={"accept-encoding": accepted})
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == encoding
    assert plain.content == packed.content  # the client unpacks it
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 3


def test_a_module_that_is_not_there_is_an_error_when_the_page_is_made():
    with pytest.raises(ValueError, match=r"no module tabs/none\.js"):
        load_module("tabs/none.js", "none(element)")
    with pytest.raises(ValueError, match=r"no module tabs/none\.js"):
        event_module("tabs/none.js", "none(values)")


def test_the_policy_allows_the_inline_scripts_of_the_page_and_no_others(client):
    answer = client.get("/")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert "'unsafe-inline'" not in policy["script-src"]
    inline = re.findall(r"<script(?:(?! src=)[^>])*>(.*?)</script>", answer.text, re.DOTALL)
    digests = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline}
    named = set(re.findall(r"'sha256-([^']+)'", policy["script-src"]))
    assert named == digests and len(named) > 3
    assert not any(BASE in script for script in inline if not script.startswith("window.gradio_config"))
    assert "sha256" not in client.get("/healthz").headers["content-security-policy"]


def test_the_page_is_compressed_for_those_who_ask(client):
    plain = client.get("/", headers={"accept-encoding": "identity"})
    packed = client.get("/", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 3


def test_a_script_with_a_source_has_no_hash():
    page = "<script src='a.js'></script><script type=\"module\">let a = 1;</script>"
    digest = base64.b64encode(hashlib.sha256(b"let a = 1;").digest()).decode()
    assert script_hashes(page) == (f"sha256-{digest}",)


def test_the_linter_finds_no_function_of_more_than_60_lines():
    lint = shutil.which("oxlint", path=str(Path(sys.executable).parent))
    assert lint, "oxlint is in requirements-dev.txt"
    root = Path(__file__).parent.parent
    rule = json.loads((root / ".oxlintrc.json").read_text())["rules"]["max-lines-per-function"]
    assert rule == ["error", {"max": 60, "IIFEs": True}]
    done = subprocess.run([lint, "app"], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stdout


@pytest.mark.browser
def test_an_injected_inline_script_does_not_run_and_no_tab_breaks_the_policy(browser, site):
    page = browser.new_page()
    track_requests(page)
    page.add_init_script(
        "window.broken = []; document.addEventListener('securitypolicyviolation', (e) => broken.push(e.blockedURI))"
    )
    page.goto(site.url + "?q=red")
    page.wait_for_selector("#grid .g-grid-card img")
    for tab in ("classify", "probe", "compare", "map", "collections", "search"):
        navigate(page, f"goTo('{tab}')")
        settle(page)
    assert page.evaluate("window.broken") == []
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = 'script'";
            document.body.append(script);
            const handler = "<img src='missing.png' onerror=\\"window.ran = 'handler'\\">";
            document.body.insertAdjacentHTML("beforeend", handler);
        }"""
    )
    page.wait_for_function("window.broken.length >= 2")
    assert page.evaluate("[window.ran, window.gelato]") == [None, None]
    page.close()
