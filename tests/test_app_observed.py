"""Logs, metrics, health: what a supervisor, a proxy and Prometheus see."""

import asyncio
import io
import json
import logging
import re
from concurrent.futures import Future
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from app.application import make_application
from app.server.request_log import JsonLines, TextLines
from app.server.root_path import RootPath, root_path_of
from app.state.library import Library
from index.build import build_collection
from tests.samples import ColourEncoder, paint
from training.models.errors import UserError

TOKEN, DOCS = "a-secret-of-this-test", Path(__file__).parent.parent / "docs/serving.md"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("observed")
    paint(folder / "images" / "red.png", "red")
    build_collection([folder / "images"], folder / "red.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder())
    library.add(folder / "red.gelato")
    yield library
    library.stop()


@pytest.fixture
def client(library):
    async def make():  # inside a loop, so that Gradio makes none of its own
        return make_application(library, "127.0.0.1", {"ana": "right"}, token=TOKEN)

    made = TestClient(asyncio.run(make()), base_url="http://127.0.0.1", raise_server_exceptions=False)
    made.headers["authorization"] = f"Bearer {TOKEN}"
    return made


@pytest.fixture
def lines(monkeypatch):
    """What is logged of requests, as JSON lines."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("gelato.requests")
    monkeypatch.setattr(log, "level", logging.INFO)
    monkeypatch.setattr(log, "propagate", False)
    log._cache.clear()
    log.addHandler(handler)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    log.removeHandler(handler)


def samples(client) -> dict[str, float]:
    """Every sample of a scrape, under its name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        f"{sample.name}{json.dumps(sample.labels, sort_keys=True)}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_line_a_request_has_its_route_and_nothing_of_the_user(client, lines):
    client.get(
        "/api/v1/search", params={"q": "my secret wish", "filter": "width > 3"}, headers={"x-request-id": "abc-1"}
    )
    client.get("/media/red/private-name.webp")
    client.get("/nowhere/of/mine")
    client.get("/", headers={"authorization": "Bearer wrong", "x-request-id": "a b\nc"})
    found = lines()
    assert [(line["route"], line["status"]) for line in found] == [
        ("/api/v1/search", 200), ("/media/{key}/{id}.webp", 404), ("other", 404), ("other", 401)
    ]  # fmt: skip
    assert all(
        set(line) == {"time", "level", "message", "request", "method", "route", "status", "milliseconds"}
        for line in found
    )
    assert found[0]["request"] == "abc-1" and re.fullmatch("[0-9a-f]{16}", found[3]["request"])
    text = json.dumps(found)
    assert not any(word in text for word in ("secret", "width", "private", "mine"))


def test_the_answer_has_the_id_of_the_request_also_when_it_is_refused(client):
    assert client.get("/healthz", headers={"x-request-id": "abc-2"}).headers["x-request-id"] == "abc-2"
    assert client.get("/config", headers={"authorization": ""}).headers["x-request-id"]


@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()])
def test_warnings_and_exceptions_are_one_record_each(formatter):
    try:
        raise ValueError("what went wrong")
    except ValueError:
        record = logging.LogRecord(
            "app", logging.ERROR, __file__, 1, "%s failed", ("index",), __import__("sys").exc_info()
        )
    line = formatter.format(record)
    if isinstance(formatter, JsonLines):
        facts = json.loads(line)
        assert facts["message"] == "index failed" and "what went wrong" in facts["exception"] and "\n" not in line
    else:
        assert line.startswith("ERROR: index failed\n") and "what went wrong" in line


def test_prometheus_own_parser_reads_a_scrape(client, library):
    before = samples(client)
    client.get("/api/v1/search", params={"q": "red"})
    client.get("/api/v1/search", params={"q": "red"})
    client.get("/api/v1/search", params={"k": "no number"})
    client.request("BREW", "/api/v1/search")
    client.get("/config", headers={"authorization": ""})
    client.get("/config", auth=("ana", "wrong"))
    library.jobs.start("index", lambda job: None)
    after = samples(client)

    def grown(name: str, **labels: str) -> float:
        key = f"{name}{json.dumps(labels, sort_keys=True)}"
        return after[key] - before.get(key, 0)

    route = "/api/v1/search"
    assert grown("gelato_requests_total", method="GET", route=route, status="200") == 2
    assert grown("gelato_requests_total", method="GET", route=route, status="422") == 1
    assert grown("gelato_request_seconds_count", route=route) >= 3
    assert grown("gelato_failed_logins_total") == 1
    assert after['gelato_collection_images{"collection": "red"}'] == 1
    assert after['gelato_collection_vectors_bytes{"collection": "red"}'] == 2 * ColourEncoder.dim
    assert after["gelato_requests_running{}"] == 1  # the scrape itself
    assert after["gelato_queue_waiting{}"] == 0 and after['gelato_text_cache{"encoder": "colour"}'] >= 1
    assert any(name.startswith('gelato_jobs{"kind": "index"') for name in after)
    assert after.get("process_resident_memory_bytes{}", 2e7) > 1e7
    known = {name.partition("{")[0] for name in after}
    documented = re.findall(r"`(gelato_\w+)(?:\{|`)", DOCS.read_text())
    assert documented and not [n for n in documented if n not in known and f"{n}_count" not in known]


def test_metrics_ask_for_credentials_and_health_does_not(client):
    client.headers.pop("authorization")
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", auth=("ana", "right")).status_code == 200
    assert client.get("/healthz").json() == {"status": "ok"} and client.get("/readyz").status_code == 200


@pytest.mark.parametrize(("state", "code"), [("loading", 503), ("failed", 503), ("ready", 200)])
def test_readiness_is_that_of_the_encoders(client, library, monkeypatch, state, code):
    encoder: Future[object] = Future()
    if state == "failed":
        encoder.set_exception(UserError("it is not here"))
    elif state == "ready":
        encoder.set_result(ColourEncoder())
    monkeypatch.setitem(library.encoders._encoders, "colour", encoder)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (code, {"status": state})


@pytest.mark.parametrize(
    ("given", "path"),
    [("", ""), ("/", ""), ("photos", "/photos"), ("/photos/", "/photos"), ("/a/b-c.d", "/a/b-c.d")],
)
def test_a_root_path_is_taken_with_and_without_slashes(given, path):
    assert root_path_of(given) == path


@pytest.mark.parametrize("given", ["/a b", "https://x/y", "/a/../b", "/a//b", "/ä", "/a?b", "."])
def test_what_is_no_path_is_refused(given):
    with pytest.raises(UserError, match="/photos"):
        root_path_of(given)


@pytest.mark.parametrize(
    ("asked", "location", "seen", "sent"),
    [
        ("/photos/x", "/y?z=1", "/x", "/photos/y?z=1"),
        ("/x", "/photos/y", "/x", "/photos/y"),
        ("/photos/photos/x", "/photosy", "/photos/x", "/photos/photosy"),
        ("/photosx", "http://127.0.0.1/y", "/photosx", "http://127.0.0.1/photos/y"),
        ("/photos/", "https://other.example/y", "/", "https://other.example/y"),
        ("/photos/x", "y", "/x", "y"),
    ],
)
def test_the_path_is_taken_off_requests_and_put_before_redirects_and_cookies(asked, location, seen, sent):
    paths = []

    async def app(scope, receive, send):
        paths.append((scope["path"], scope["raw_path"]))
        headers = [
            (b"location", location.encode()),
            (b"set-cookie", b"a=1; Path=/; HttpOnly"),
            (b"set-cookie", b"b=2; path=/"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    client = TestClient(RootPath(app, "/photos"), base_url="http://127.0.0.1", follow_redirects=False)
    answer = client.get(asked)
    assert paths == [(seen, seen.encode())] and answer.headers["location"] == sent
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/photos/; HttpOnly", "b=2; path=/photos/"]
