"""Projections are computed once for each state of a collection, and nobody waits for another collection's."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.state import projection_cache
from app.state.jobs import Job, Jobs
from app.state.projection_cache import ProjectionCache
from index.build import build_collection
from index.collection import Collection
from index.projection.projection import Projection
from tests.samples import ColourEncoder

SOON = 10.0  # seconds, far longer than anything here takes


@pytest.fixture
def collections(squares: Path, tmp_path: Path) -> list[Collection]:
    for name in ("slow", "quick"):
        build_collection([squares], tmp_path / f"{name}.gelato", ColourEncoder())
    return [Collection.open(tmp_path / f"{name}.gelato") for name in ("slow", "quick")]


class Pca:
    """Counts its calls; the collection called slow takes until `proceed` is set."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.began, self.proceed = threading.Event(), threading.Event()

    def __call__(self, collection: Collection) -> Projection:
        self.calls.append(collection.path.stem)
        if collection.path.stem == "slow":
            self.began.set()
            assert self.proceed.wait(SOON)
        return Projection("pca", np.zeros((len(collection), 2), np.float32), (0.5, 0.2), 0.9)


def started(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_long_pca_keeps_no_other_collection_waiting(collections, monkeypatch):
    pca = Pca()
    monkeypatch.setattr(projection_cache, "make_pca", pca)
    slow, quick = collections
    cache = ProjectionCache()
    long = started(lambda: cache.projection(slow, "pca"))
    assert pca.began.wait(SOON)
    short = started(lambda: cache.projection(quick, "pca"))
    short.join(SOON / 2)
    answered_meanwhile = not short.is_alive()
    pca.proceed.set()
    long.join(SOON)
    assert answered_meanwhile and not long.is_alive()


def test_those_who_ask_for_one_map_at_once_share_one_computation(collections, monkeypatch):
    pca, found = Pca(), []
    monkeypatch.setattr(projection_cache, "make_pca", pca)
    cache = ProjectionCache()
    threads = [started(lambda: found.append(cache.projection(collections[0], "pca"))) for _ in range(5)]
    assert pca.began.wait(SOON)
    pca.proceed.set()
    for thread in threads:
        thread.join(SOON)
    assert pca.calls == ["slow"] and len({id(one) for one in found}) == 1 and len(found) == 5


def test_a_umap_that_appears_later_is_found(collections, monkeypatch):
    stored: list[Projection] = []
    monkeypatch.setattr(projection_cache, "load_map", lambda collection, method: stored[0] if stored else None)
    cache = ProjectionCache()
    assert cache.projection(collections[0], "umap") is None
    stored.append(Projection("umap", np.zeros((6, 2), np.float32), None, 0.8))
    assert cache.projection(collections[0], "umap") is stored[0]


def test_a_umap_that_was_stopped_is_said_to_be_and_does_not_run_for_ever(collections, monkeypatch):
    monkeypatch.setattr(projection_cache, "load_map", lambda collection, method: None)
    monkeypatch.setattr(projection_cache, "has_umap", lambda: True)
    monkeypatch.setattr(projection_cache, "UMAP_LEAST", 1)
    monkeypatch.setattr(projection_cache, "_compute_umap", lambda job, path: job.stopping.wait(SOON))
    cache, jobs = ProjectionCache(), Jobs()
    assert cache.umap_state(collections[0], jobs, busy=False) == ("running", "")
    jobs.stop_all()
    state, why = cache.umap_state(collections[0], jobs, busy=False)
    assert state == "failed" and "stopped" in why


def test_umap_is_started_once_by_many_requests(collections, monkeypatch):
    runs: list[Job] = []

    def compute(job: Job, path: Path) -> None:
        runs.append(job)
        job.stopping.wait(SOON)

    monkeypatch.setattr(projection_cache, "load_map", lambda collection, method: None)
    monkeypatch.setattr(projection_cache, "has_umap", lambda: True)
    monkeypatch.setattr(projection_cache, "UMAP_LEAST", 1)
    monkeypatch.setattr(projection_cache, "_compute_umap", compute)
    cache, jobs = ProjectionCache(), Jobs()
    threads = [started(lambda: cache.umap_state(collections[0], jobs, busy=False)) for _ in range(8)]
    for thread in threads:
        thread.join(SOON)
    assert len(runs) == 1
    jobs.stop_all()
