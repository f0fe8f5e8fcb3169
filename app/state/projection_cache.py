"""Projections of open collections to the plane: PCA on demand, UMAP in the background, once for each revision."""

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from app.language.current import _
from app.state.jobs import Job, Jobs, TooManyJobs
from index.collection import Collection
from index.projection.projection import UMAP_LEAST, Projection, has_umap, load_map, make_pca
from training.models.errors import UserError
from training.models.lru_cache import LRUCache

ROOT = Path(__file__).parent.parent.parent
CAPACITY = 6  # projections in memory, 0.8 MB each for 100,000 images

Key = tuple[str, str, int, str]  # path, fingerprint of the encoder, revision, method


class ProjectionCache:
    """Projections by collection, revision and method. Safe from any thread; nobody waits for another's PCA."""

    def __init__(self) -> None:
        self._projections: LRUCache[Key, Projection] = LRUCache(CAPACITY)
        self._umap_jobs: LRUCache[Key, Job] = LRUCache(CAPACITY)
        self._starting = threading.Lock()  # of a UMAP job, so that many requests start one

    def projection(self, collection: Collection, method: str) -> Projection | None:
        """method "pca": computed now unless cached. "umap": None unless it is stored beside the collection."""
        key = _key(collection, method)
        if method == "pca":
            return self._projections.get_or_make(key, lambda: make_pca(collection))
        cached = self._projections.get(key)
        if cached is None:
            cached = load_map(collection, "umap")
            if cached is not None:
                self._projections[key] = cached
        return cached

    def umap_state(self, collection: Collection, jobs: Jobs, busy: bool) -> tuple[str, str]:
        """ready, running, failed or missing, and a sentence that says why; starts it unless busy."""
        if self.projection(collection, "umap") is not None:
            return "ready", ""
        if not has_umap():
            return "missing", _(
                "UMAP keeps neighbours together better. To have it: pip install -r requirements-map.txt"
            )
        if len(collection) < UMAP_LEAST:
            return "missing", _("UMAP needs at least {umap_least} images.", umap_least=UMAP_LEAST)
        key = _key(collection, "umap")
        with self._starting:
            job = self._umap_jobs.get(key)
            if job is None and not busy:
                with suppress(TooManyJobs):  # the next request tries again
                    job = jobs.start("umap", lambda job: _compute_umap(job, collection.path), limit=1)
                    self._umap_jobs[key] = job
        if job is not None and job.state == "failed":
            return "failed", job.error
        if job is not None and job.state == "done" and job.stopping.is_set():
            return "failed", _("UMAP was stopped; the map stays with PCA.")
        return "running", ""


def _key(collection: Collection, method: str) -> Key:
    return str(collection.path), collection.fingerprint, collection.revision, method


def _compute_umap(job: Job, path: Path) -> None:
    """Compute and store UMAP in a child process: its compiled loops would block every thread of this one."""
    command = [sys.executable, "-m", "index.projection.projection", str(path.resolve())]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not job.stopping.wait(0.3):
            pass
        if process.poll() is None:
            process.kill()
            return
        errors = process.communicate()[1]
    if process.returncode:
        last = errors.strip().splitlines()[-1:] or [""]
        expected = last[0] and "Traceback" not in errors
        raise UserError(last[0] if expected else _("UMAP could not be computed; the map stays with PCA."))
