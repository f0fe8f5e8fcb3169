"""What the server answers, and to whom: asked over HTTP, without a browser."""

import asyncio
import base64
import csv
import io
import threading
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from app.application import make_application
from app.server.limits import LARGEST_BODY, LARGEST_IMAGE
from app.server.server import guarded, make_server
from app.state import open_collection
from app.state.library import Library
from app.state.uploads import Uploads
from app.tabs.classify.collection import labelled_images, labelling_state, start_labelling
from app.tabs.collections.tab import all_collections
from app.tabs.compare.tab import comparable_collections
from app.tabs.search.tab import find_images
from app.ui.header.header import page_state
from app.ui.inspector.inspector import image_facts
from index.build import build_collection
from index.storage.tables import csv_text
from tests.samples import ColourEncoder, noise_image, paint, png_bytes
from training.models.errors import UserError

ROOT = Path(__file__).parent.parent
HERE = "http://127.0.0.1"


@pytest.fixture
def library(tmp_path: Path, squares: Path):
    paint(squares / "=cmd.png", "blue", (20, 20))
    build_collection([squares], tmp_path / "squares.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder())
    library.add(tmp_path / "squares.gelato")
    yield library
    library.stop()


def ask(library: Library, users: dict[str, str] | None = None) -> TestClient:
    async def make():  # inside a loop, so that Gradio makes none of its own, which nobody would close
        return make_application(library, "127.0.0.1", users or {})

    return TestClient(asyncio.run(make()), base_url=HERE, raise_server_exceptions=False)


@pytest.fixture
def page(library):
    """What is served beside the page, which takes a second to make."""
    return TestClient(guarded(make_server(library), "127.0.0.1", {}), base_url=HERE, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def shared_page(tmp_path_factory):
    """One page for what is refused or answered whatever a library holds."""
    folder = tmp_path_factory.mktemp("shared")
    paint(folder / "images" / "red.png", "red")
    build_collection([folder / "images"], folder / "one.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder())
    library.add(folder / "one.gelato")
    yield ask(library)
    library.stop()


def png(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (30, 20), colour).save(out, "PNG")
    return out.getvalue()


def test_the_page_is_served_with_headers_that_name_no_other_host(shared_page):
    answer = shared_page.get("/")
    assert answer.status_code == 200 and "Gelato" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "http:" not in policy and "https:" not in policy and "*" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["referrer-policy"] == "same-origin"


def test_a_thumbnail_is_served_by_id_and_nothing_else_is(library, tmp_path):
    page = ask(library)
    id = library.collection("squares").published().items["id"].iat[0]
    answer = page.get(f"/media/squares/{id}.webp")
    assert answer.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(answer.content)).size == (20, 20)
    assert "private" in answer.headers["cache-control"]
    for path in (
        f"/media/other/{id}.webp",
        "/media/squares/0123456789abcdef.webp",
        "/media/squares/..%2f..%2fmanifest.json",
        "/media/squares/%2e%2e/%2e%2e/manifest.json",
        f"/gradio_api/file={tmp_path}/squares.gelato/manifest.json",
    ):
        assert page.get(path).status_code == 404, path


def test_the_address_of_a_thumbnail_changes_when_thumbnails_do(page, library, monkeypatch):
    monkeypatch.setattr(open_collection, "REREAD_AFTER", 0.0)
    opened = library.collection("squares")
    root = Path(str(opened.published().items["source"].iat[0]))
    noise_image(3).save(root / "n.png")
    build_collection([root], opened.path, ColourEncoder())
    id = opened.published().items.set_index("path").loc["n.png", "id"]

    def get(v=None, **headers):
        return page.get(f"/media/squares/{id}.webp" + (f"?v={v}" if v is not None else ""), headers=headers)

    before = opened.published().thumbnails
    old = get(before)
    assert "immutable" in old.headers["cache-control"] and "max-age" in old.headers["cache-control"]
    for other in (None, "x", before + "1"):
        answer = get(other)
        assert "no-cache" in answer.headers["cache-control"] and "immutable" not in answer.headers["cache-control"]
        assert get(other, **{"if-none-match": answer.headers["etag"]}).status_code == 304
    noise_image(3).point(lambda level: min(255, level + 9)).save(root / "n.png")
    build_collection([root], opened.path, ColourEncoder())
    assert opened.published().items.set_index("path").loc["n.png", "id"] == id  # the same image
    assert opened.published().thumbnails != before
    new = get(opened.published().thumbnails)
    assert new.content != old.content and "immutable" in new.headers["cache-control"]
    assert "no-cache" in get(before).headers["cache-control"]
    assert get(before, **{"if-none-match": old.headers["etag"]}).content == new.content


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "127.0.0.1@evil.example", "10.0.0.1"]
)
def test_a_name_that_is_not_ours_is_refused_so_that_no_other_page_can_rebind_it(shared_page, host):
    assert shared_page.get("/healthz", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860", "LOCALHOST"])
def test_our_own_names_are_answered(shared_page, host):
    assert shared_page.get("/healthz", headers={"host": host}).json() == {"status": "ok"}


def test_without_the_password_nothing_but_healthz_answers(library):
    page = ask(library, {"ana": "correct: horse"})
    id = library.collection("squares").published().items["id"].iat[0]
    paths = ["/", "/config", "/gradio_api/info", f"/media/squares/{id}.webp", "/export/squares.csv?q=red", "/nothing"]
    for path in paths:
        answer = page.get(path)
        assert answer.status_code == 401 and "Basic" in answer.headers["www-authenticate"], path
    assert page.post("/images", content=png()).status_code == 401
    assert page.post("/healthz").status_code == 401
    assert page.get("/healthz").status_code == 200
    wrong = [("ana", "wrong"), ("ana", ""), ("bob", "correct: horse"), ("", "")]
    assert {page.get("/", auth=pair).status_code for pair in wrong} == {401}
    garbage = ["Basic", "Basic !!!", "Bearer x", "Basic " + base64.b64encode(b"ana").decode()]
    assert {page.get("/", headers={"authorization": text}).status_code for text in garbage} == {401}
    assert page.get("/", auth=("ana", "correct: horse")).status_code == 200


def test_a_post_from_another_site_is_refused(shared_page):
    for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        assert shared_page.post("/images", content=png(), headers=headers).status_code == 403, headers
    assert shared_page.post("/images", content=png(), headers={"origin": HERE}).status_code == 200


def test_a_body_is_bounded_whether_it_says_its_length_or_not(shared_page):
    def chunks(size: int):
        for _ in range(size // 2**16 + 2):
            yield b"x" * 2**16

    assert shared_page.post("/images", headers={"content-length": str(LARGEST_IMAGE + 1)}).status_code == 413
    assert shared_page.post("/gradio_api/component_server", content=b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert shared_page.post("/gradio_api/component_server", content=chunks(LARGEST_BODY)).status_code == 413
    assert shared_page.post("/gradio_api/upload", files={"files": png()}).status_code == 404


def test_a_file_as_large_as_cameras_write_is_taken_and_stays(page, library):
    out = io.BytesIO()
    Image.new("RGB", (4000, 3000), "blue").save(out, "TIFF")  # 36 MB
    tokens = [page.post("/images", content=out.getvalue()).json()["image"] for _ in range(3)]
    assert {len(library.uploads.data(token)) for token in tokens} == {len(out.getvalue())}


def test_an_uploaded_image_is_kept_in_memory_and_searched_with(page, library):
    token = page.post("/images", content=png("blue")).json()["image"]
    assert Image.open(io.BytesIO(page.get(f"/images/{token}.webp").content)).size == (30, 20)
    hits = find_images(library, {"image": [token], "k": 2})["hits"]
    assert {hit["name"] for hit in hits} == {"blue.gif", "=cmd.png"}
    assert page.get("/images/unknown.webp").status_code == 404


def test_a_question_has_a_bounded_number_of_terms(library):
    id = library.collection("squares").published().items["id"].iat[0]
    with pytest.raises(UserError, match="at most 32"):
        find_images(library, {"like": [id] * 33})
    with pytest.raises(UserError, match="the most is 32"):
        find_images(library, {"like": [id] * 20, "without": ["red"] * 20})


def test_what_is_wanted_and_unwanted_may_cancel_out(library):
    collection = library.collection("squares").published()
    id = collection.items["id"].iat[0]
    with pytest.raises(UserError, match="cancel out"):
        find_images(library, {"like": [id, "-" + id]})


@pytest.mark.parametrize("data", [b"", b"not an image", png()[:40]])
def test_an_unreadable_upload_is_answered_with_a_sentence(shared_page, data):
    answer = shared_page.post("/images", content=data)
    assert answer.status_code == 200
    assert answer.json()["error"].startswith("That file cannot be used as an image")


def test_old_uploads_are_forgotten_first():
    data = png_bytes(Image.new("RGB", (4, 4)))
    images = Uploads(capacity=2 * (len(data) + 3 * 4 * 4))
    first, second = (images.read(data)[0] for _ in range(2))
    images.get(first)
    images.read(data)
    assert images.data(first) == data
    with pytest.raises(UserError, match="upload it again"):
        images.get(second)


def test_a_large_upload_is_shown_small_and_kept_as_it_is():
    data, images = png_bytes(noise_image(0, (900, 600))), Uploads()
    token, width, height = images.read(data)
    assert (width, height) == (900, 600) and images.get(token).size == (768, 512) and images.data(token) == data


def test_exported_results_are_the_search_and_no_cell_is_a_formula(page):
    answer = page.get("/export/squares.csv", params={"q": "blue", "k": 2})
    assert answer.headers["content-disposition"] == 'attachment; filename="gelato-squares-search.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(rows[0]) == ["rank", "score", "id", "path", "caption"]
    assert {row["path"] for row in rows} == {"'=cmd.png", "cold/blue.gif"}
    assert "score" not in page.get("/export/squares.csv").text.splitlines()[0]  # nothing was asked
    assert page.get("/export/squares.csv", params={"like": "unknown"}).status_code == 400


def test_originals_go_to_this_computer_only(page, library, squares):
    found = find_images(library, {"q": "blue", "k": 2})["hits"]
    job = start_labelling(library, {}, {"classes": "red\nblue", "templates": "plain"})["job"]
    while labelling_state(library, job)["state"] == "running":
        time.sleep(0.01)
    chosen = {"ids": [hit["id"] for hit in found]}
    asks = (
        lambda: page.get("/export/squares.originals", params={"q": "blue", "k": 2}),
        lambda: page.post("/export/squares.originals", json=chosen),
        lambda: page.get(f"/labels/{job}.zip"),
    )
    assert [ask().status_code for ask in asks] == [403] * 3
    library.local = True
    (squares / "warm/red.png").unlink()
    packed = [zipfile.ZipFile(io.BytesIO(ask().content)) for ask in asks]
    assert (
        sorted(packed[0].namelist()) == sorted(packed[1].namelist()) == ["_=cmd.png", "cold/blue.gif", "metadata.csv"]
    )
    assert packed[0].read("cold/blue.gif") == (squares / "cold/blue.gif").read_bytes()
    names = packed[2].namelist()
    assert len(names) == 7 and {"blue/blue.gif", "red/orange.webp", "not-exported.csv"} <= set(names)
    assert b"warm/red.png,its file is gone" in packed[2].read("not-exported.csv")


def test_a_spreadsheet_runs_none_of_our_cells():
    assert csv_text(["a"], [["=1+1"], ["@x"], ["-2"], [-2], ["a,b"]]) == "a\n'=1+1\n'@x\n'-2\n-2\n\"a,b\"\n"


def test_without_words_the_first_images_are_shown(library):
    answer = find_images(library, {"k": 3})
    assert [hit["score"] for hit in answer["hits"]] == [None] * 3 and answer["total"] == 6
    assert len(find_images(library, {"k": 3, "offset": 4})["hits"]) == 2
    with pytest.raises(UserError, match="k: "):
        find_images(library, {"k": "many"})


def test_the_inspector_knows_the_image(library):
    id = find_images(library, {"q": "red", "k": 1})["hits"][0]["id"]
    answer = image_facts(library, {"id": id})
    assert answer["facts"]["path"] == "warm/red.png" and answer["facts"]["width"] == 40
    assert answer["columns"] == {"folder": "warm"}
    with pytest.raises(UserError, match="not in the collection"):
        image_facts(library, {"id": "../../etc/passwd"})


def test_labelling_the_collection_counts_shows_and_downloads(page, library):
    job = start_labelling(library, {}, {"classes": "red\nblue\ngreen\norange\ngrey", "templates": "plain"})["job"]
    while (state := labelling_state(library, job))["state"] == "running":
        time.sleep(0.01)
    counts = {c["name"]: c["images"] for c in state["classes"]}
    assert counts["blue"] == 2 and sum(counts.values()) == 6
    shown = labelled_images(library, {"job": job, "answer": 1})
    assert shown["total"] == 2 and {hit["name"] for hit in shown["hits"]} == {"blue.gif", "=cmd.png"}
    rows = list(csv.reader(io.StringIO(page.get(f"/labels/{job}.csv").text)))
    assert rows[0][:6] == ["path", "label", "probability", "runner_up", "margin", "source"] and len(rows) == 7
    assert {row[5] for row in rows[1:]} == {"squares"}  # another computer is not told where it lies
    taken = page.get(f"/labels/{job}.json").json()
    assert taken["classes"][0] == {"name": "red", "texts": ["red"]} and len(taken["labels"]) == 6
    assert "/squares" not in page.get(f"/labels/{job}.py").text
    assert page.get("/labels/unknown.csv").status_code == 404


@pytest.mark.parametrize(
    ("classes", "templates", "says"),
    [
        ("", "plain", "no classes"),
        ("a\na", "plain", "twice"),
        ("a", "/etc/passwd", "set of templates"),
        ("a", "custom", "no lines"),
        ("\n".join(map(str, range(400))), "80", "32,000 prompts"),
    ],
)
def test_classes_and_templates_that_make_no_sense_are_told(library, classes, templates, says):
    with pytest.raises(UserError, match=says):
        start_labelling(library, {}, {"classes": classes, "templates": templates})


def test_a_published_segment_is_seen_without_a_restart(library, squares, tmp_path):
    entry = library.collection("squares")
    before = len(entry.published())
    paint(squares / "new.png", "orange", (50, 50))
    build_collection([squares], tmp_path / "squares.gelato", ColourEncoder())
    entry._read_at = 0.0  # the half second is over
    assert len(entry.published()) == before + 1


def test_a_damaged_collection_says_so_each_time_and_hides_no_other(tmp_path):
    paint(tmp_path / "images" / "a.png", "red")
    for name in ("sound", "damaged"):
        build_collection([tmp_path / "images"], tmp_path / f"{name}.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder())
    for name in ("sound", "damaged"):
        library.add(tmp_path / f"{name}.gelato")
    for vectors in (tmp_path / "damaged.gelato").rglob("vectors.npy"):
        vectors.write_bytes(vectors.read_bytes()[:100])
    for _ in range(2):
        with pytest.raises(UserError, match="damaged"):
            library.collection("damaged").published()
    sound, damaged = all_collections(library)["cards"]
    assert sound["images"] == 1 and not sound["problem"]
    assert damaged["images"] == 0 and "damaged" in damaged["problem"]
    assert [one["images"] for one in comparable_collections(library)["collections"]] == [1, 0]
    library.stop()


def test_a_job_that_waits_for_its_encoder_ends_with_the_library(tmp_path):
    arrived, release = threading.Event(), threading.Event()

    def load(name: str):
        arrived.set()
        release.wait(20)
        return ColourEncoder()

    library = Library(load)
    entry = library.add_built("later", tmp_path / "later.gelato", "colour", lambda *_: None)
    library.start()
    assert arrived.wait(5)
    started = time.monotonic()
    library.stop()
    assert time.monotonic() - started < 2 and entry.job is not None and entry.job.state == "failed"
    release.set()


def test_an_encoder_that_cannot_be_loaded_is_a_sentence_on_the_page(tmp_path, squares, caplog):
    build_collection([squares], tmp_path / "squares.gelato", ColourEncoder())

    def load(name: str):
        raise RuntimeError("a stack of things nobody wants to read")

    library = Library(load)
    library.add(tmp_path / "squares.gelato")
    with pytest.raises(UserError, match="could not be loaded"):
        find_images(library, {"q": "red"})
    state = page_state(library, {})
    assert state["encoder"]["state"] == "failed" and "stack" not in state["error"] and state["searchable"] == 5
