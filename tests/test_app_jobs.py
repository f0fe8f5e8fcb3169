"""What the page may be asked to do to collections, and what it refuses."""

import time
from pathlib import Path

import pytest

from app.state import indexing as work
from app.state.job_control import job_list
from app.state.jobs import Job
from app.state.library import Library
from app.tabs.collections.tab import act, all_collections
from app.ui.index_form.index_form import start_index
from app.ui.inspector.inspector import image_facts
from app.ui.jobs.job_bar import act_on_job
from index.build import build_collection
from tests.samples import ColourEncoder, paint
from training.models.errors import UserError


@pytest.fixture
def library(squares: Path, tmp_path: Path, monkeypatch) -> Library:
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    build_collection([squares], tmp_path / "squares.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder(), local=True)
    library.add(tmp_path / "squares.gelato")
    yield library
    library.stop()


def finished(job: Job) -> Job:
    until = time.monotonic() + 20
    while job.state == "running" and time.monotonic() < until:
        time.sleep(0.01)
    assert job.state != "running"
    return job


def test_a_folder_is_indexed_from_the_page_and_appears_as_a_collection(library, tmp_path):
    paint(tmp_path / "more" / "a.png", "red")
    key = start_index(library, {"source": str(tmp_path / "more"), "encoder": "colour", "name": "More"})["key"]
    job = finished(library.collection(key).job)
    assert job.state == "done" and job.note == "1 added"
    cards = {card["name"]: card for card in all_collections(library)["cards"]}
    assert cards["More"]["images"] == 1 and cards["More"]["deletable"] and not cards["squares"]["deletable"]
    with pytest.raises(UserError, match="already here"):
        start_index(library, {"source": str(tmp_path / "more"), "encoder": "colour", "name": "More"})


def test_an_update_brings_in_what_is_new_and_says_what_changed(library, squares):
    paint(squares / "new.png", "green", (60, 60))
    (squares / "cold" / "grey.tiff").unlink()
    job = finished(library.jobs.get(act(library, {"action": "update", "key": "squares"})["job"]))
    assert job.note == "1 added, 1 gone"
    assert {"id", "name", "note", "stopping", "age"} <= set(job_list(library)[0])


def test_a_collection_is_taken_off_the_page_and_only_its_own_is_deleted(library, tmp_path):
    paint(tmp_path / "more" / "a.png", "red")
    key = start_index(library, {"source": str(tmp_path / "more"), "encoder": "colour"})["key"]
    opened = library.collection(key)
    finished(opened.job)
    with pytest.raises(UserError, match="was not made by this page"):
        act(library, {"action": "delete", "key": "squares"})
    act(library, {"action": "delete", "key": key})
    assert not opened.path.exists() and (tmp_path / "more" / "a.png").exists()
    with pytest.raises(UserError, match="only collection"):
        act(library, {"action": "close", "key": "squares"})
    assert library.collection("squares").path.exists()


def test_a_collection_is_verified_and_a_fault_is_told_with_what_mends_it(library):
    job = finished(library.jobs.get(act(library, {"action": "verify", "key": "squares"})["job"]))
    assert job.note == "no faults"
    vectors = next(library.collection("squares").path.glob("segments/*/vectors.npy"))
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"\x7f")
    job = finished(library.jobs.get(act(library, {"action": "verify", "key": "squares"})["job"]))
    assert "faults, the first: " in job.note and "--repair" in job.note


def test_a_running_job_is_stopped_and_keeps_what_it_did(library, squares, monkeypatch):
    started = []

    def slow(sources, into, encoder, *, prune, progress, stop):
        started.append(into)
        while not stop():
            time.sleep(0.01)
        return build_collection(sources, into, encoder, stop=lambda: False)

    monkeypatch.setattr(work, "build_collection", slow)
    id = act(library, {"action": "update", "key": "squares"})["job"]
    with pytest.raises(UserError, match="is being worked on"):
        act(library, {"action": "update", "key": "squares"})
    act_on_job(library, {"action": "stop", "job": id})
    assert finished(library.jobs.get(id)).state == "done" and started
    [stopped] = job_list(library)
    assert stopped["resumes"] and stopped["name"] == "squares"
    monkeypatch.setattr(work, "build_collection", build_collection)
    act_on_job(library, {"action": "resume", "job": id})
    job = finished(library.jobs.all()[0])
    assert job.state == "done" and job.id != id and library.jobs.get(id) is None
    assert not job_list(library)[0]["resumes"]
    with pytest.raises(UserError, match="nothing left to do"):
        act_on_job(library, {"action": "resume", "job": job.id})


@pytest.mark.parametrize(
    "door, ask",
    [
        (start_index, {"source": "/"}),
        (act, {"action": "update", "key": "squares"}),
        (act, {"action": "close", "key": "squares"}),
        (act_on_job, {"action": "stop", "job": "verifying"}),
        (act_on_job, {"action": "resume", "job": "verifying"}),
    ],
)
def test_a_page_that_others_can_reach_changes_no_collection_and_shows_no_path(library, door, ask):
    if ask.get("job"):
        ask = ask | {"job": library.jobs.start("verify", lambda job: None).id}
    library.local = False
    with pytest.raises(UserError, match="from this computer only"):
        door(library, ask)
    card = all_collections(library)["cards"][0]
    assert card["path"] == "" and "sources" not in card
    id = library.collection("squares").published().items["id"][0]
    assert image_facts(library, {"id": id})["facts"]["source"] == ""


@pytest.mark.parametrize("source", ["", "  ", "/nowhere/at/all", "relative/nowhere"])
def test_a_source_that_is_not_there_is_a_sentence(library, source):
    with pytest.raises(UserError):
        start_index(library, {"source": source})


def test_an_unknown_action_or_job_is_a_sentence(library):
    with pytest.raises(UserError, match="nothing called 'explode'"):
        act(library, {"action": "explode", "key": "squares"})
    with pytest.raises(UserError, match="not known any more"):
        act_on_job(library, {"action": "stop", "job": "x"})
    with pytest.raises(UserError, match="nothing called 'explode'"):
        act_on_job(library, {"action": "explode", "job": "x"})
