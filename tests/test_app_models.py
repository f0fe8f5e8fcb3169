"""Models as a person meets them: get, embed while searching, switch, compare, go back; and without a network."""

import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Page, expect
from safetensors.numpy import save

from app.server.server import guarded, make_server
from app.state import generations as work
from app.state import models
from app.state.encoder_choices import encoder_choices, first_offer
from app.state.job_control import job_list
from app.state.library import Library
from app.state.model_facts import Duration, ModelFacts
from app.state.model_list import list_models
from app.tabs.compare.encoders import comparable_collections
from app.tabs.models.tab import act, overview
from index.collection import Collection
from index.storage.tags import read_tags, tag
from tests.browsing import Site, colour_collections, names, search, served, settle, watched
from tests.hub_server import Hub, imitated_hub
from tests.samples import ColourEncoder, WarmthEncoder
from training.models.catalogue import CatalogueModel, catalogue_model
from training.models.downloads import transfer
from training.models.downloads.hub_cache import partial_path
from training.models.downloads.local import drop_folder
from training.models.errors import UserError
from training.models.zoo import zoo

browsed = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's queue uses what pandas 3 lets go of
]
NAME = "ViT-B-32-256/datacomp_s34b_b86k"
REPOSITORY = "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K"
WEIGHTS = "open_clip_model.safetensors"
CONTENT = hashlib.sha256(b"weights").digest() * 20_000
RESTRICTED = "MobileCLIP2-S0/dfndr2b"


class Fetched(WarmthEncoder):
    """Stands for the model that is fetched; what it embeds can be held up."""

    name = NAME

    def __init__(self) -> None:
        super().__init__()
        self.held = threading.Event()
        self.held.set()

    def embed_pixels(self, pixels):
        self.held.wait(20)
        return super().embed_pixels(pixels)


class Facts(ModelFacts):
    """What is known at once, of a network that is there or is not."""

    def __init__(self, online: bool | None):
        super().__init__()
        self.network = online

    def online(self, again: bool = True) -> bool | None:
        return self.network

    def durations(self, names, images):
        return {name: Duration(0.1 * images, 10.0, False, "estimated") for name in names}

    def recommended(self, images: int) -> CatalogueModel | None:
        return catalogue_model(NAME)


def make_library(folder: Path, online: bool | None = True, local: bool = True) -> Library:
    """75 squares, searched by an encoder of colours; the model of the catalogue is an encoder of colours too."""
    if not (folder / "colours.gelato").exists():
        shutil.copytree(colour_collections() / "colours.gelato", folder / "colours.gelato")
    fetched = Fetched()
    library = Library(lambda name: fetched if name == NAME else ColourEncoder(), local=local)
    library.model_facts = Facts(online)
    library.add(folder / "colours.gelato")
    library.fetched = fetched  # type: ignore[attr-defined]
    return library


@pytest.fixture
def hub(tmp_path) -> Iterator[Hub]:
    with imitated_hub({REPOSITORY: {WEIGHTS: CONTENT}}, tmp_path / "cache") as hub:
        yield hub


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def idle(library: Library) -> bool:
    return all(job.state != "running" for job in library.jobs.all())


def test_a_model_is_fetched_and_the_collection_embedded_with_it_while_the_old_one_serves(hub, tmp_path):
    library = make_library(tmp_path)
    opened = library.collection(None)
    first = opened.published()
    tag(first, [first.column("id")[0]], "kept")
    library.fetched.held.clear()
    job = models.get_model(library, NAME, then=opened)
    with pytest.raises(UserError, match="is being fetched already"):
        models.get_model(library, NAME)
    until(lambda: work.reencoding(library, opened))
    assert (job.done, job.note) == (len(CONTENT), "on this machine now")
    assert opened.published() is first and library.reading(opened)[1].name == "colour"
    with pytest.raises(UserError, match="already; stop that first"):
        work.reencode(library, opened, NAME)
    with pytest.raises(UserError, match="is being worked on"):
        library.add(tmp_path / "colours.gelato")
        library.close(opened)
    library.fetched.held.set()
    until(lambda: idle(library))
    assert library.jobs.all()[0].note == "ready: 75 images"
    work.switch(library, opened, NAME)
    assert opened.published().dim == 4 and opened.encoder_name == NAME
    assert library.reading(opened)[1].name == NAME
    assert list(read_tags(opened.path).values()) == [["kept"]]
    with pytest.raises(UserError, match="is searched by"):
        models.remove(library, NAME)
    work.back(library, opened)
    assert opened.encoder_name == "colour" and opened.published().dim == 3
    other = work.compare(library, opened, NAME)
    assert library.collection(other.key).published().dim == 4
    assert [one.key for one in library.comparable()][-1] == other.key
    with pytest.raises(UserError, match="only compared here"):
        other.check_idle()
    assert work.delete(library, opened, NAME) > 0
    assert other not in library.comparable()


def test_a_pause_keeps_what_came_and_a_cancel_does_not(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "READ_TIMEOUT", 0.5, raising=False)
    library = make_library(tmp_path)
    hub.fault(WEIGHTS, "slow", times=9)
    for end, state in ((models.pause, "partial"), (models.cancel, "absent")):
        job = models.get_model(library, NAME)
        until(lambda job=job: job.done or job.state != "running")
        end(library, NAME)
        until(lambda job=job: job.state != "running")
        [entry] = [one for one in list_models(library, library.collection(None)).models if one.name == NAME]
        assert entry.state == state or job.note == "on this machine now"
    with pytest.raises(UserError, match="is not being fetched"):
        models.pause(library, NAME)


def test_the_list_says_what_to_copy_where_without_a_network_and_looks_at_the_files(hub, tmp_path):
    library = make_library(tmp_path, online=False)
    [entry] = [one for one in overview(library, {})["models"] if one["name"] == NAME]
    text, weights = "\n".join(entry["copy"]), save({"logit_scale": np.ones(1, np.float32)})
    assert WEIGHTS in text and REPOSITORY in text and str(drop_folder(REPOSITORY)) in text
    address = f"/models/files/{WEIGHTS}?repository={REPOSITORY}"
    with TestClient(guarded(make_server(library), "127.0.0.1", {}), base_url="http://127.0.0.1") as client:
        assert client.put(address, content=CONTENT, headers={"origin": "http://evil.example"}).status_code == 403
        assert client.put("/models/files/..%2Fx", content=b"x").status_code in (400, 404, 405)
        assert client.put("/models/files/.hidden", content=b"x").status_code == 400
        answer = client.put(address, content=weights)
        assert answer.status_code == 200, answer.text
        library.local = False
        assert client.put(address, content=CONTENT).json()["error"].startswith("Models are changed from this computer")
        library.local = True
    assert (drop_folder(REPOSITORY) / WEIGHTS).read_bytes() == weights
    asked = len(hub.requests)
    act(library, {"action": "get", "name": NAME})
    until(lambda: library.jobs.all()[-1].state != "running")
    [entry] = [one for one in overview(library, {})["models"] if one["name"] == NAME]
    assert "about 605 MB, so it is another model's or not whole" in entry["job"]["error"]
    assert len(hub.requests) == asked  # it looked at the file without the network


def test_a_name_that_leads_nowhere_fails_alone_and_the_list_stays(hub, tmp_path):
    library = make_library(tmp_path)
    act(library, {"action": "get", "name": "hf-hub:a b/c"})
    until(lambda: idle(library))
    [entry] = [one for one in overview(library, {})["models"] if one["name"] == "hf-hub:a b/c"]
    assert "is not the name of a repository" in entry["job"]["error"] and entry["state"] == "absent"


def test_restricted_weights_are_fetched_only_once_their_licence_is_accepted(hub, tmp_path):
    library = make_library(tmp_path)
    act(library, {"action": "get", "name": RESTRICTED})
    until(lambda: idle(library))
    [job] = library.jobs.all()
    assert job.state == "failed" and "licence" in job.error.lower()
    assert not [entry for entry in list_models(library, library.collection(None)).models if entry.recommended][1:]


OF_MODELS = ("get", "pause", "cancel", "remove", "reencode", "delete", "stop", "reencode-zoo", "compare-zoo")
REFUSED = [*((action, NAME) for action in OF_MODELS), ("switch", "colour"), ("back", ""), ("compare", "colour")]


@pytest.mark.parametrize("action, name", REFUSED, ids=[action for action, _ in REFUSED])
def test_what_others_can_reach_changes_nothing(tmp_path, action, name):
    library = make_library(tmp_path, local=False)
    with pytest.raises(UserError):
        act(library, {"action": action, "name": name})
    assert not library.jobs.all() and len(work.generations(library.collection(None))) == 1
    found = overview(library, {})
    assert not found["local"] and all(not one["copy"] and not one["folders"] for one in found["models"])


def test_the_api_does_what_the_page_does(hub, tmp_path):
    library = make_library(tmp_path)
    with TestClient(guarded(make_server(library), "127.0.0.1", {}), base_url="http://127.0.0.1") as client:

        def post(address: str, **fields: object) -> object:
            answer = client.post(f"/api/v1/{address}", json=fields)
            assert answer.status_code == 200, answer.text
            return answer.json()

        [entry] = [one for one in client.get("/api/v1/models").json()["models"] if one["name"] == NAME]
        assert (entry["state"], entry["recommended"], entry["commercial"]) == ("absent", True, True)
        assert post("models/get", name=NAME, collection="colours")["kind"] == "get"
        until(lambda: idle(library) and len(library.jobs.all()) == 2)
        [first, second] = client.get("/api/v1/collections/colours/generations").json()
        assert (first["state"], second["state"], second["encoder"]) == ("serving", "ready", NAME)
        assert post("collections/colours/switch", name=NAME)[0]["encoder"] == NAME
        assert client.get("/api/v1/search?q=red").json()["encoder"] == NAME
        assert post("collections/colours/switch")[0]["encoder"] == "colour"
        assert post("collections/colours/generations/delete", name=NAME)["bytes"] > 0
        assert post("collections/colours/reencode", name=NAME)["kind"] == "reencode"
        until(lambda: idle(library))
        assert post("models/remove", name=NAME)["bytes"] > 0
        forged = client.post("/api/v1/models/get", json={"name": NAME}, headers={"origin": "http://evil.example"})
        assert forged.status_code == 403
        assert client.post("/api/v1/models/pause", json={"name": "no/such"}).status_code == 400


def test_the_landing_offers_the_recommended_model_only_where_nobody_has_chosen(tmp_path):
    library = make_library(tmp_path)
    opened = library.collection(None)
    assert first_offer(library, opened, 75) is None  # another encoder than the default was chosen
    opened.encoder_name = "starter"
    expected = {"name": NAME, "replaces": "", "bytes": 605_000_000, "seconds": 7.5, "images": 75}
    assert first_offer(library, opened, 75) == expected
    for online, images in ((False, 75), (None, 75), (True, 0)):
        library.model_facts.network = online  # type: ignore[attr-defined]
        assert first_offer(library, opened, images) is None


def test_earlier_weights_of_the_default_are_offered_its_new_ones_without_a_network(tmp_path):
    library = make_library(tmp_path, online=False)
    opened = library.collection(None)
    opened.encoder_name = "starter-1"
    expected = {"name": "starter", "replaces": "starter-1", "bytes": 0, "seconds": 7.5, "images": 75}
    assert first_offer(library, opened, 75) == expected


def test_a_cached_collection_opens_with_the_encoder_that_it_was_switched_to(tmp_path):
    library = make_library(tmp_path)
    opened = library.collection(None)
    work.reencode(library, opened, NAME)
    until(lambda: idle(library))
    work.switch(library, opened, NAME)
    again = Library(lambda name: Fetched(), local=True)
    assert again.add_built("colours", opened.path, "colour", lambda *_: None).encoder_name == NAME
    assert [one["state"] for one in encoder_choices(library, opened)][:2] == ["serving", "ready"]


def test_new_weights_of_the_same_name_are_offered_and_switched_to(tmp_path):
    library = make_library(tmp_path)
    opened = library.collection(None)
    newer = WarmthEncoder()
    newer.name = "colour"
    library.encoders.load = lambda name: newer
    until(lambda: library.encoder_state(opened)["state"] == "ready")
    entry = list_models(library, opened).models[0]
    assert (entry.name, entry.serving, entry.outdated) == ("colour", True, True)
    act(library, {"action": "reencode", "name": "colour"})
    until(lambda: idle(library))
    ready = [one for one in list_models(library, opened).models if one.generation and one.generation.state == "ready"]
    assert [one.name for one in ready] == ["colour"]
    act(library, {"action": "switch", "name": ready[0].generation.fingerprint})
    assert not list_models(library, opened).models[0].outdated and opened.published().dim == 4


def test_the_zoo_embeds_a_collection_one_after_the_other_and_is_opened_to_be_compared(tmp_path, monkeypatch):
    library = make_library(tmp_path)
    opened = library.collection(None)
    names = [model.encoder for model in zoo()[:2]]
    monkeypatch.setattr(work, "zoo", lambda: zoo()[:2])

    def load(name: str) -> ColourEncoder | WarmthEncoder:
        if name not in names:
            return ColourEncoder()
        small = WarmthEncoder()
        small.name, small.fingerprint = name, hashlib.sha256(name.encode()).hexdigest()[:16]
        return small

    library.encoders.load = load
    with pytest.raises(UserError, match="is not embedded with another encoder of the zoo yet"):
        act(library, {"action": "compare-zoo"})
    act(library, {"action": "reencode-zoo"})
    until(lambda: idle(library))
    entries = {entry.name: entry for entry in list_models(library, opened).models}
    assert [entries[name].generation.state for name in names] == ["ready", "ready"]
    assert overview(library, {})["job"]["encoder"] == "the zoo" and job_list(library)[0]["encoder"] == "the zoo"
    with pytest.raises(UserError, match="with every encoder of the zoo already"):
        act(library, {"action": "reencode-zoo"})
    sides = act(library, {"action": "compare-zoo"})
    facts = {one["encoder"]: one for one in comparable_collections(library)["collections"]}
    assert set(facts) == {"colour", *names} and sides == {"a": opened.key, "b": facts[names[0]]["key"]}
    assert facts[names[0]]["figures"]["knn/shape"]["value"] == zoo()[0].figures()["knn/shape"]["value"]


def row(page: Page, name: str = NAME):
    return page.locator(f'[data-model="{name}"]')


def open_models(page: Page) -> None:
    page.locator("#encoder-pill").click()
    page.get_by_role("button", name="All models…").click()
    expect(row(page)).to_be_visible()


class TestInTheBrowser:
    pytestmark = browsed

    def test_the_menu_leads_to_the_models_and_switches(self, browser, tmp_path):
        library = make_library(tmp_path)
        opened = library.collection(None)
        work.reencode(library, opened, NAME)
        until(lambda: idle(library))
        with served(library) as site, watched(browser, site) as open_page:
            page = open_page()
            page.locator("#encoder-pill").click()
            page.get_by_role("button", name=f"Switch to {NAME}").click()
            expect(page.locator("#encoder-pill")).to_have_text(NAME)
            assert Collection.open(opened.path).dim == 4
            open_models(page)
            page.locator("#models-back").click()
            expect(page.locator("#encoder-pill")).to_have_text("colour")
            library.model_facts.network = False  # type: ignore[attr-defined]
            expect(page.locator("#models-offline")).to_be_visible(timeout=15_000)
            one = row(page, "ViT-B-16/datacomp_xl_s13b_b90k")
            one.locator("summary").click()
            expect(one.locator("pre")).to_contain_text(WEIGHTS)

    @pytest.mark.slow
    def test_the_whole_way_through_a_lost_connection_and_a_restart(self, browser, hub, tmp_path):
        hub.fault(WEIGHTS, "drop", times=99)
        library = make_library(tmp_path)
        with served(library) as site, watched(browser, site) as open_page:
            page = open_page()
            open_models(page)
            row(page).get_by_role("button", name="Get").click()
            expect(row(page).locator(".g-models-state")).to_contain_text("of 640 kB; ")
            expect(row(page).locator(".g-models-state")).to_contain_text("trying again")
            expect(row(page).get_by_role("button", name="Pause")).to_be_visible()
        hub.faults.clear()
        etag = hashlib.sha256(CONTENT).hexdigest()
        assert partial_path(REPOSITORY, etag).stat().st_size >= len(CONTENT) * 2 // 5
        library = make_library(tmp_path)
        opened, held = library.collection(None), library.fetched.held
        held.clear()
        with served(library) as site, watched(browser, site) as open_page:
            self.go_on(open_page(), site, hub, held)
        assert opened.encoder_name == "colour"

    def finds(self, page: Page, colour: str) -> None:
        page.locator("#search-tab-button").click()
        search(page, colour)
        settle(page)
        assert set(names(page)) == {colour}

    def go_on(self, page: Page, site: Site, hub: Hub, held: threading.Event) -> None:
        open_models(page)
        expect(row(page).locator(".g-models-state")).to_contain_text("paused at")
        row(page).get_by_role("button", name="Resume").click()
        expect(row(page).locator(".g-models-state")).to_contain_text("embedding", timeout=20_000)
        assert any(request.range for request in hub.asked("GET", WEIGHTS))  # it went on from where it was
        self.finds(page, "red")
        held.set()
        open_models(page)
        row(page).get_by_role("button", name="Switch").click(timeout=20_000)
        expect(page.locator("#encoder-pill")).to_have_text(NAME)
        self.finds(page, "blue")
        open_models(page)
        row(page, "colour").get_by_role("button", name="Compare both").click()
        expect(page.locator("#compare-columns img").first).to_be_visible(timeout=20_000)
        settle(page)
        open_models(page)
        page.locator("#models-back").click()
        expect(page.locator("#encoder-pill")).to_have_text("colour")
        row(page).get_by_role("button", name="Delete its embeddings").click()
        expect(row(page).get_by_role("button", name="Use it here")).to_be_visible()
        self.finds(page, "green")
