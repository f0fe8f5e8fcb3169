"""Maps of the collections that are open: worked out once for each revision, UMAP in the background."""

import subprocess
import sys
import threading
from collections import OrderedDict
from pathlib import Path

from app.state.jobs import Job, Jobs
from index.collection import Collection
from index.projection.projection import UMAP_LEAST, Projection, has_umap, load_map, make_pca
from training.models.errors import UserError

ROOT = Path(__file__).parent.parent.parent
KEPT = 6  # maps in memory, 0.8 MB for 100,000 images

Key = tuple[str, str, int, str]


class Maps:
    """Projections by collection, revision and method; safe from any thread."""

    def __init__(self) -> None:
        self._made: OrderedDict[Key, Projection] = OrderedDict()
        self._umaps: dict[Key, Job] = {}
        self._lock = threading.Lock()

    def of(self, collection: Collection, method: str) -> Projection | None:
        """PCA is worked out now unless it is kept; UMAP is None unless it is kept beside the collection."""
        key = _key(collection, method)
        with self._lock:
            if key not in self._made:
                made = make_pca(collection) if method == "pca" else load_map(collection, "umap")
                if made is None:
                    return None
                self._made[key] = made
                while len(self._made) > KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key]

    def umap_state(self, collection: Collection, jobs: Jobs, busy: bool) -> tuple[str, str]:
        """ready, running, failed or missing, and the sentence that says why; starts it unless busy."""
        if self.of(collection, "umap") is not None:
            return "ready", ""
        if not has_umap():
            return "missing", "UMAP keeps neighbours together better. To have it: pip install -r requirements-map.txt"
        if len(collection) < UMAP_LEAST:
            return "missing", f"UMAP needs at least {UMAP_LEAST} images."
        with self._lock:
            key = _key(collection, "umap")
            job = self._umaps.get(key)
            if job is None and not busy and not jobs.running("umap"):
                job = self._umaps[key] = jobs.start("umap", lambda job: _work_out(job, collection.path))
        return ("failed", job.error) if job is not None and job.state == "failed" else ("running", "")


def _key(collection: Collection, method: str) -> Key:
    return str(collection.path), collection.fingerprint, collection.revision, method


def _work_out(job: Job, path: Path) -> None:
    """In a process of its own: compiled loops would keep every other thread of the page waiting."""
    command = [sys.executable, "-m", "index.projection.projection", str(path.resolve())]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not job.stopping.wait(0.3):
            pass
        if process.poll() is None:
            process.kill()
            return
        _, complaint = process.communicate()
    if process.returncode:
        sentence = complaint.strip().splitlines()[-1:] or [""]
        known = sentence[0] and "Traceback" not in complaint
        raise UserError(sentence[0] if known else "UMAP could not be worked out; the map stays with PCA.")
