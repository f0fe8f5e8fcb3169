"""/api/v1 and gradio_client: asked as programs would, and every example of docs/api.md run as it stands."""

import asyncio
import io
import re
import subprocess
import threading
from pathlib import Path

import httpx
import pytest
from PIL import Image
from starlette.testclient import TestClient

from app.application import make_application
from app.server.server import make_server
from app.state.image_probes import colour_grid, template_scores, typographic, word_order
from app.state.library import Library
from app.tabs.probe.pairs import browsed_pair
from app.tabs.search.tab import find_images
from index.build import build_collection
from index.retrieval.relevance import NullDistribution, null_distribution
from tests.browsing import served
from tests.samples import ColourEncoder, paint

ROOT = Path(__file__).parent.parent
API_PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```(sh|python)( guarded)?\n(.*?)```", API_PAGE, re.S)
SECRET = "change-me-to-a-long-secret"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Six squares of five colours, called demo as in the examples."""
    folder = tmp_path_factory.mktemp("api")
    for name in ("red", "orange", "green", "blue", "grey"):
        paint(folder / "images" / f"{name}.png", name)
    paint(folder / "images" / "wide.png", "blue", (90, 30))
    build_collection([folder / "images"], folder / "demo.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder(), local=True)
    library.add(folder / "demo.gelato")
    yield library
    library.stop()


@pytest.fixture(scope="module")
def api(library):
    async def make():  # inside a loop, so that Gradio makes none of its own
        return make_application(library, "127.0.0.1", {})

    return TestClient(asyncio.run(make()), base_url="http://127.0.0.1", raise_server_exceptions=False)


def image(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (30, 20), colour).save(out, "JPEG")
    return out.getvalue()


def test_search_answers_what_the_page_does(api, library):
    answer = api.get("/api/v1/search", params={"q": "blue", "k": 3}).json()
    shown = find_images(library, {"q": "blue", "k": 3})["hits"]
    assert [(hit["id"], hit["rank"]) for hit in answer["results"]] == [(hit["id"], hit["rank"]) for hit in shown]
    assert {hit["name"] for hit in answer["results"][:2]} == {"blue.png", "wide.png"}
    assert answer["images"] == answer["matching"] == 6 and answer["milliseconds"] >= 0
    best = answer["results"][0]
    assert best["columns"]["height"] == 30 and api.get(best["preview"]).headers["content-type"] == "image/webp"


def test_a_search_does_not_wait_for_ever(monkeypatch, library):
    """Neither for an encoder that is being loaded nor for a threshold that is being computed; it says what it lacks."""
    loaded, computed = threading.Event(), threading.Event()

    def load(name: str) -> ColourEncoder:
        loaded.wait(30)
        return ColourEncoder()

    def compute(*given: object) -> NullDistribution:
        computed.wait(30)
        return null_distribution(*given)

    monkeypatch.setattr("index.retrieval.relevance.null_distribution", compute)
    slow = Library(load)
    slow.add(library.collection("demo").path)
    api = TestClient(make_server(slow))
    try:
        monkeypatch.setattr("app.server.api.search.ENCODER_TIMEOUT", 0.05)
        monkeypatch.setattr("app.server.api.search.TIMEOUT", 0.05)
        answer = api.get("/api/v1/search", params={"q": "blue"})
        assert (
            answer.status_code == 503 and int(answer.headers["retry-after"]) > 0 and "colour" in answer.json()["error"]
        )
        loaded.set()
        slow.encoder(slow.collection(None))
        for params in ({"q": "blue"}, {"q": "blue", "collections": ["*"]}):
            answer = api.get("/api/v1/search", params=params).json()
            assert answer["pending"] == ["threshold"] and len(answer["results"]) == 6
        computed.set()
        monkeypatch.setattr("app.server.api.search.TIMEOUT", 20.0)
        assert api.get("/api/v1/search", params={"q": "blue"}).json()["pending"] == []
    finally:
        loaded.set()
        computed.set()
        slow.stop()


def test_search_filters_leaves_out_and_goes_on(api):
    def names(**params):
        return [hit["name"] for hit in api.get("/api/v1/search", params=params).json()["results"]]

    assert names(q="blue", filter="width > 50") == ["wide.png"]
    assert names(q="red", without="blue") == names(q="red - blue") != names(q="red")
    # Words as they are, not a query: the encoder sees the red in them.
    assert names(q="green", without="blue - red") == names(q="green - red") != names(q="green - blue - red")
    everything = names(q="green")
    assert names(q="green", k=2, offset=2) == everything[2:4] and len(everything) == 6
    assert len(names()) == 6 and names(order="name", k=1) == ["blue.png"]


def test_a_image_is_uploaded_searched_with_and_classified(api):
    kept = api.post("/api/v1/images", content=image("blue"))
    assert kept.status_code == 201 and (kept.json()["width"], kept.json()["height"]) == (30, 20)
    token = kept.json()["image"]
    hits = api.get("/api/v1/search", params={"image": token, "k": 2}).json()["results"]
    assert {hit["name"] for hit in hits} == {"blue.png", "wide.png"}
    classes = ["red", {"name": "sky", "texts": ["blue"]}, "green"]
    by_token = api.post("/api/v1/classify", json={"image": token, "classes": classes}).json()
    by_id = api.post("/api/v1/classify", json={"id": hits[0]["id"], "classes": classes}).json()
    names = ["red", "blue", "green"]
    sent = api.post("/api/v1/classify/image", params={"classes": names}, content=image("blue")).json()
    assert by_token["label"] == by_id["label"] == "sky" and sent["label"] == "blue"
    assert [c["probability"] for c in by_token["classes"]] == [c["probability"] for c in sent["classes"]]
    assert sum(one["probability"] for one in sent["classes"]) == pytest.approx(1, abs=1e-4)
    assert sent["margin"] == pytest.approx(sent["classes"][0]["probability"] - sent["classes"][1]["probability"])


def test_none_of_these_is_answered_only_where_it_is_allowed(api):
    asks = {"classes": ["red", "orange"], "none": True}
    answer = api.post("/api/v1/classify/image", params=asks, content=image("blue")).json()
    assert len(answer["classes"]) == 3
    without = api.post("/api/v1/classify/image", params=asks | {"none": False}, content=image("blue")).json()
    assert {one["name"] for one in without["classes"]} == {"red", "orange"}


def test_a_probe_is_winogrounds_question(api):
    ids = {hit["name"]: hit["id"] for hit in api.get("/api/v1/search").json()["results"]}
    pair = [{"id": ids["red.png"]}, {"id": ids["blue.png"]}]
    right = api.post("/api/v1/probe", json={"images": pair, "captions": ["red", "blue"]}).json()
    wrong = api.post("/api/v1/probe", json={"images": pair, "captions": ["blue", "red"]}).json()
    tie = api.post("/api/v1/probe", json={"images": pair, "captions": ["red", "red"]}).json()
    assert (right["text"], right["image"], right["group"]) == (True, True, True)
    assert (wrong["text"], wrong["image"], wrong["group"]) == (False, False, False)
    assert not tie["text"] and not tie["group"]
    assert right["scores"][0][0] > 0.99 and right["scores"][0] == wrong["scores"][0][::-1]


@pytest.mark.parametrize(
    ("name", "body", "page", "fields", "shown"),
    [
        ("generated", {"kind": "colour swap", "i": 3}, browsed_pair, {}, ("captions",)),
        ("order", {"caption": "a red square on a blue one"}, word_order, {}, ("rank",)),
        ("order", {"i": 2}, word_order, {}, ("rank",)),
        ("colour", {"paint": "grey"}, colour_grid, {}, ("colours", "usual")),
        ("colour", {"object": "square"}, colour_grid, {}, ("colours",)),
        ("typographic", {"word": "blue", "labels": ["red", "blue"]}, typographic, {}, ("word", "rows")),
        ("templates", {"labels": ["red", "blue"]}, template_scores, {}, ("labels", "templates", "scores", "wins")),
        ("templates", {"labels": ["red, or so"]}, template_scores, {"labels": ["red, or so"]}, ("labels", "scores")),
    ],
)
def test_every_probe_of_the_page_is_a_call_of_the_api(api, library, name, body, page, fields, shown):
    id = str(library.collection(None).published().column("id").iat[0])
    image = {} if {"kind", "i", "paint"} & set(body) else {"id": id}
    given = api.post(f"/api/v1/probe/{name}", json=body | image)
    assert given.status_code == 200, given.text
    found = page(library, body | fields | ({"image": image} if image else {}))
    assert {key: given.json()[key] for key in shown} == {key: found[key] for key in shown}
    assert given.json()["encoder"] == "colour"


def test_collections_and_jobs_are_told(api, library):
    assert [one["key"] for one in api.get("/api/v1/collections").json()] == ["demo"]
    facts = api.get("/api/v1/collections/demo").json()
    assert facts["images"] == 6 and facts["dim"] == 3 and "width" in facts["columns"] and not facts["problem"]
    job = library.jobs.start("index", lambda job: None, about="demo")
    assert job.id in {one["id"] for one in api.get("/api/v1/jobs").json()}
    assert api.get(f"/api/v1/jobs/{job.id}").json()["about"] == "demo"


@pytest.mark.parametrize(
    ("method", "path", "given", "status", "says"),
    [
        ("get", "/search?q=red&filter=1", {}, 400, "compares nothing"),
        ("get", "/search?q=red&where=1", {}, 422, "no field 'where'; it is called 'filter' now"),
        ("get", "/search?sort=name", {}, 422, "no field 'sort'; it is called 'order' now"),
        ("get", "/search?line=1", {}, 422, "no field 'line'; it is called 'threshold' now"),
        ("get", "/search?picture=x", {}, 422, "no field 'picture'; it is called 'image' now"),
        ("get", "/search?threshold=high", {}, 422, "not a number, auto, on or off"),
        ("get", "/search?facets=width", {}, 400, "not COLUMN=VALUE"),
        ("get", "/search?collection=other", {}, 404, "no collection 'other'"),
        ("get", "/search?like=unknown", {}, 400, "no image unknown"),
        ("get", "/search?image=unknown", {}, 400, "no longer stored"),
        ("get", "/search?k=0", {}, 422, "k: "),
        ("get", "/search?k=many", {}, 422, "k: "),
        ("get", "/search?query=red", {}, 422, "no field 'query'"),
        ("get", "/search?order=shape", {}, 400, "ordered by 'shape'"),
        ("get", "/search?q=" + "x" * 2001, {}, 422, "2000"),
        ("get", "/search?q=red&without=red", {}, 400, "cancel out"),
        ("post", "/classify", {"json": {"classes": ["a"]}}, 422, "name one image"),
        ("post", "/classify", {"json": {"classes": [], "id": "x"}}, 422, "classes: "),
        ("post", "/classify", {"json": {"classes": ["a", "a"], "image": "x"}}, 400, "twice"),
        ("post", "/classify", {"json": {"classes": ["a"], "id": "../x"}}, 404, "no image"),
        ("post", "/classify", {"json": {"classes": ["a"], "id": "x", "templates": "/etc/passwd"}}, 400, "templates"),
        ("post", "/classify", {"content": b"{"}, 422, ""),
        ("post", "/classify/image?classes=a", {"content": b"no image"}, 400, "cannot be used as an image"),
        ("post", "/classify/image", {"content": b"x"}, 422, "classes: "),
        ("post", "/probe", {"json": {"images": [{"id": "a"}], "captions": ["a", "b"]}}, 422, "images: "),
        ("post", "/probe", {"json": {"images": [{"id": "a"}, {}], "captions": ["a", "b"]}}, 422, "name an image"),
        ("post", "/images", {"content": b""}, 400, "empty"),
        ("get", "/collections/other", {}, 404, "no collection 'other'"),
        ("get", "/jobs/unknown", {}, 404, "no job 'unknown'"),
        ("get", "/nothing", {}, 404, "nothing at this address"),
        ("delete", "/search", {}, 404, "nothing at this address"),
    ],
)
def test_a_mistake_is_json_with_a_sentence(api, method, path, given, status, says):
    answer = api.request(method, f"/api/v1{path}", **given)
    assert answer.status_code == status and list(answer.json()) == ["error"]
    assert says in answer.json()["error"] and answer.json()["error"].endswith(".")


def test_what_breaks_inside_tells_nothing_outside(api, monkeypatch):
    def breaks(*_, **__):
        raise RuntimeError("/home/ana/secret")

    monkeypatch.setattr("app.state.search_requests.search", breaks)
    answer = api.get("/api/v1/search?q=red")
    assert answer.status_code == 500 and "terminal" in answer.json()["error"] and "secret" not in answer.text


def test_only_this_computer_is_told_where_images_lie(api, library, monkeypatch):
    def seen():
        facts = api.get("/api/v1/collections/demo").json()["columns"]
        return ["source" in facts, "source" in api.get("/api/v1/search").json()["results"][0]["columns"]]

    assert seen() == [True, True]
    monkeypatch.setattr(library, "local", False)
    assert seen() == [False, False]


def test_the_description_holds_every_endpoint_and_nothing_private(api):
    schema = api.get("/openapi.json").json()
    assert set(schema["paths"]) == {
        f"/api/v1/{path}"
        for path in (
            *("search", "copies", "classify", "classify/image", "label/queue", "images"),
            *("probe", "probe/generated", "probe/order", "probe/colour", "probe/typographic", "probe/templates"),
            *("collections", "collections/{key}", "jobs", "jobs/{id}"),
            *("models", "models/get", "models/pause", "models/cancel", "models/remove"),
            *(f"collections/{{key}}/{last}" for last in ("generations", "generations/delete", "reencode", "switch")),
        )
    }
    table = re.findall(r"^\| `(?:GET|POST) /api/v1/([a-z]+)", API_PAGE, re.M)
    assert {path.split("/")[3] for path in schema["paths"]} == set(table)
    for verbs in schema["paths"].values():
        for operation in verbs.values():
            for code, answer in operation["responses"].items():
                name = answer["content"]["application/json"]["schema"].get("$ref", "")
                assert code.startswith("2") or name.endswith("/ErrorResponse"), (code, name)
    assert "<script src" not in api.get("/docs").text and "//" not in re.sub(r"// .*", "", api.get("/docs").text)


def test_the_client_sees_named_functions_and_none_of_the_pages_own(api):
    described = api.get("/gradio_api/info").json()
    assert set(described["named_endpoints"]) == {
        "/search",
        "/copies",
        "/classify",
        "/queue",
        "/probe",
        "/collections",
        "/collection",
    }
    assert not described["unnamed_endpoints"]
    typed = {
        p["parameter_name"]: p["python_type"]["type"] for p in described["named_endpoints"]["/search"]["parameters"]
    }
    assert typed["q"] == "str" and typed["k"] == "int"


@pytest.fixture(scope="module")
def running(library):
    with served(library) as site:
        yield site.url


@pytest.fixture(scope="module")
def guarded(library):
    with served(library, token=SECRET) as site:
        yield site.url


def test_the_examples_cover_curl_http_and_the_client():
    text = " ".join(code for _, _, code in EXAMPLES)
    assert all(word in text for word in ("curl", "httpx", "gradio_client", "/search", "/classify", "/probe"))


@pytest.mark.parametrize("number", [i for i, (kind, _, _) in enumerate(EXAMPLES) if kind == "python"])
def test_the_python_examples_run_as_they_stand(number, request, tmp_path, monkeypatch, capsys):
    _, needs_token, code = EXAMPLES[number]
    url = request.getfixturevalue("guarded" if needs_token else "running")
    (tmp_path / "photo.jpg").write_bytes(image("orange"))
    monkeypatch.chdir(tmp_path)
    assert "http://127.0.0.1:7860/" in code
    made: dict = {}
    exec(compile(code.replace("http://127.0.0.1:7860/", url), "docs/api.md", "exec"), made)
    if isinstance(made["gelato"], httpx.Client):
        made["gelato"].close()
    assert "error" not in capsys.readouterr().out


def test_the_curl_examples_run_as_they_stand(running, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(image("orange"))
    lines = [line for _, _, code in EXAMPLES for line in code.splitlines() if line.startswith("curl ")]
    assert len(lines) == 4
    for line in lines:
        command = line.replace("http://127.0.0.1:7860/", running)
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0 and done.stdout.startswith(("{", "[")) and '"error":"T' not in done.stdout, done


def test_a_client_is_told_a_mistake_in_the_same_words(running):
    from gradio_client import Client

    client = Client(running, verbose=False, analytics_enabled=False)
    with pytest.raises(Exception, match="no collection 'other'"):
        client.predict(q="red", collection="other", api_name="/search")
    with pytest.raises(Exception, match="k: "):
        client.predict(q="red", k=0, api_name="/search")
    with pytest.raises(ValueError, match="Cannot find a function"):
        client.predict({}, api_name="/classify_1")


def test_the_guard_stands_before_the_api(guarded):
    for path in ("api/v1/search", "api/v1/collections", "docs", "openapi.json", "gradio_api/info"):
        assert httpx.get(guarded + path).status_code == 401, path
        bearer = {"authorization": f"Bearer {SECRET}"}
        assert httpx.get(guarded + path, headers=bearer, follow_redirects=True).status_code == 200, path
