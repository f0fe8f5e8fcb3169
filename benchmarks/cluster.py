"""A build over several Ray nodes: rows lost when one fails, and images per second with 1 to 4 workers.

    python benchmarks/cluster.py --work DIR [--images 600]

The nodes are raylets of this machine with a worker each, beside a head without any; the build runs from another working
directory than the nodes. Encoding is a wait of WAIT seconds an image, as for a GPU elsewhere, so that two cores do not
bound what four workers reach; everything else of a build is real. After each fault the collection is compared with one
that this process built: rows lost are images that it lacks, rows changed have another vector. The faults:

- node killed   its raylet and worker are killed in the middle, and nobody replaces it
- slow node     one of three waits ten times as long
- full disk     one of three cannot load the encoder, whose files its disk has no room for
- driver killed the process that builds is killed in the middle, and another one goes on, on other nodes
- store fails   the images are in tar shards on S3 (moto), one answer of five is 503 or cut off, by chance
- target fails  the collection is exported to LanceDB on S3, one answer of five is 503, cut off or lost (no Ray)

The result is kept as results/cluster.json.
"""

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.faulty_store import BUCKET, faulty_store, make_bucket, put_shards
from index.build import build_collection
from index.collection import Collection
from index.database.database import Database
from index.database.tables import VECTOR
from index.export.export import ExportRequest, export
from index.export.selection import Selection
from index.ingest.ray_engine import RayEngine
from index.ingest.throughput import machine
from index.maintenance.verify import find_faults
from training.models.encoder import Encoder, Pixels, Vectors, unit
from training.models.errors import UserError
from training.models.preprocess import Preprocessing

ROOT = Path(__file__).absolute().parent.parent
RESULT = ROOT / "benchmarks/results/cluster.json"
WAIT = 0.05  # seconds an image
SEGMENT = 100  # images
FAULTS = ("none", "node killed", "slow node", "full disk", "driver killed", "store fails", "target fails")
SLOW, FULL = {"GELATO_TRIAL": "slow"}, {"GELATO_TRIAL": "full"}  # variables of a node


class WaitingEncoder(Encoder):
    """64 mean greys of an image, after a wait."""

    name, dim, image_size, fingerprint = "waiting", 64, 64, "0123456789abcdef"
    runtime, precision, reads_text = "torch", "f32", False
    preprocessing = Preprocessing(64, "squash")

    def __init__(self, wait: float):
        self.wait = wait * (10 if os.environ.get("GELATO_TRIAL") == "slow" else 1)
        if os.environ.get("GELATO_TRIAL") == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        time.sleep(self.wait * len(pixels))
        greys = pixels.mean(axis=3).reshape(len(pixels), 8, 8, 8, 8).mean(axis=(2, 4)).reshape(len(pixels), 64)
        return unit(greys.astype(np.float32) + 1)


def painted(folder: Path, images: int) -> Path:
    """Images of noise that compress little, as many as are asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for number in range(images):
        pixels = random.integers(0, 255, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).resize((240, 180)).save(folder / f"{number:05}.jpg", quality=90)
    return folder


@contextmanager
def cluster(*nodes: dict[str, str]) -> Iterator[tuple[Any, list[Any]]]:
    """A cluster of a head and a node of one worker for each of nodes, which holds its variables."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # on a busy machine
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        added = [made.add_node(num_cpus=1, env_vars={"PYTHONPATH": str(ROOT), **node}) for node in nodes]
        made.wait_for_nodes()
        ray.init(made.address, log_to_driver=False, logging_level="ERROR")
        yield made, added
    finally:
        ray.shutdown()
        made.shutdown()


def built(source: str | Path, into: Path, wait: float = WAIT, when: Callable[[], object] | None = None) -> float:
    """Seconds of a build on the cluster. when: called once a quarter of the images are embedded, in another thread."""
    begun, called = time.monotonic(), threading.Event()

    def progress(now: Any) -> None:
        if when is not None and now.done >= now.total / 4 and not called.is_set():
            called.set()
            threading.Thread(target=when).start()

    load = partial(WaitingEncoder, wait)
    build_collection([source], into, load(), segment_size=SEGMENT, engine=RayEngine(load), progress=progress)
    return time.monotonic() - begun


def vectors_of(path: Path) -> dict[str, NDArray[np.float32]]:
    """The vector of each image, by the name of its file or of its member of a shard."""
    collection = Collection.open(path)
    names = (Path(name.rpartition("::")[2]).name for name in collection.column("path"))
    return dict(zip(names, np.asarray(collection.vectors, np.float32), strict=True))


def difference(found: dict[str, NDArray[np.float32]], true: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
    """What was lost or became otherwise than the truth."""
    changed = sum(not np.array_equal(found[name], vector) for name, vector in true.items() if name in found)
    return {
        "rows": len(found),
        "rows_lost": len(true.keys() - found.keys()),
        "rows_changed": changed,
    }


def compared(path: Path, true: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
    """The same of a collection, and the faults that verify finds in it."""
    return difference(vectors_of(path), true) | {"faults_of_verify": len(find_faults(path))}


def of_failing_target(work: Path, true: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
    """The collection of this process is exported to a store that fails, again until it is done, and read back."""
    begun = time.monotonic()
    with faulty_store(every=5, methods=("GET", "PUT", "POST")) as store:
        make_bucket(store)
        address = f"s3://{BUCKET}/photos"
        selection, attempts = Selection.of(Collection.open(work / "true.gelato")), 0
        while attempts < 20:
            attempts += 1
            with suppress(UserError):  # the next one goes on
                export(selection, ExportRequest("lancedb", Path(address)))
                break
        rows = Database.open(address).rows("", ["path", VECTOR])
        vectors = (np.asarray(vector.values, np.float32) for vector in rows[VECTOR])
        found = {Path(str(path)).name: vector for path, vector in zip(rows["path"], vectors, strict=True)}
    facts = {"attempts": attempts, "answers": store.answers, "answers_failed": store.failed}
    return {"seconds": round(time.monotonic() - begun, 1), **facts, **difference(found, true)}


def of_killed_driver(source: Path, into: Path) -> dict[str, Any]:
    """A build is killed when its first segments are there, and another one goes on."""
    with cluster({}, {}) as (made, _):
        words = [
            sys.executable,
            ROOT / "benchmarks/cluster.py",
            "--build",
            str(source),
            str(into),
            "--address",
            made.address,
        ]
        with subprocess.Popen(words, cwd="/", stdout=subprocess.DEVNULL) as driver:
            while driver.poll() is None and not (into / "manifest.json").exists():
                time.sleep(0.05)
            time.sleep(1)
            driver.kill()
    before = len(Collection.open(into))
    with cluster({}, {}):
        seconds = built(source, into)
    return {"rows_when_killed": before, "seconds": round(seconds, 1)}


def trial(name: str, work: Path, source: Path, true: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
    """The seconds of a build with a fault, and what its collection lacks."""
    into = work / f"{name}.gelato"
    if name == "driver killed":
        return of_killed_driver(source, into) | compared(into, true)
    if name == "target fails":
        return of_failing_target(work, true)
    if name == "store fails":
        with faulty_store(every=5) as store:
            address = put_shards(store, source, shards=4)
            with cluster(store.environment, store.environment):
                seconds = built(address, into)
        facts = {"answers": store.answers, "answers_failed": store.failed}
        return {"seconds": round(seconds, 1), **facts, **compared(into, true)}
    last = {"slow node": SLOW, "full disk": FULL}.get(name, {})
    with cluster({}, {}, last) as (made, nodes):

        def kill() -> None:
            made.remove_node(nodes[-1], allow_graceful=False)

        seconds = built(source, into, when=kill if name == "node killed" else None)
    return {"seconds": round(seconds, 1), **compared(into, true)}


def throughput(work: Path, images: int, most: int) -> dict[str, Any]:
    """Images per second with 1 to most workers, and what the publishing process does meanwhile."""
    source, result = work / "images", {}
    for workers in range(1, most + 1):
        into = work / f"{workers}.gelato"
        with cluster(*[{}] * workers):
            built(source, work / f"warm-{workers}.gelato", wait=0.0)  # so that the workers have imported what they need
            busy = time.process_time()
            seconds = built(source, into)
        stored = sum(path.stat().st_size for path in into.rglob("*") if path.is_file())
        result[str(workers)] = {
            "images_per_second": round(images / seconds, 1),
            "ideal": workers / WAIT,
            "publisher_cpu_ms_an_image": round(1000 * (time.process_time() - busy) / images, 2),
            "bytes_an_image": round(stored / images),
            "load": round(os.getloadavg()[0], 1),
        }
        click.echo(f"{workers} workers: {json.dumps(result[str(workers)])}", err=True)
    return result


@click.command()
@click.option("--work", type=click.Path(path_type=Path), help="An empty folder.")
@click.option("--images", default=600, show_default=True)
@click.option("--fault", "faults", multiple=True, type=click.Choice(FAULTS), help="Only these; the default is all.")
@click.option("--workers", default=4, show_default=True, help="Measure the throughput of 1 to so many workers.")
@click.option("--build", nargs=2, hidden=True)
@click.option("--address", hidden=True)
def main(
    work: Path, images: int, faults: tuple[str, ...], workers: int, build: tuple[str, str] | None, address: str | None
) -> None:
    """Run the trials, then measure the throughput; each result is stored as it comes."""
    if build is not None:
        import ray

        ray.init(address, log_to_driver=False, logging_level="ERROR")
        built(build[0], Path(build[1]))
        return
    work = work.absolute()
    os.chdir("/")
    source = painted(work / "images", images)
    build_collection([source], work / "true.gelato", WaitingEncoder(0.0), segment_size=SEGMENT)
    true = vectors_of(work / "true.gelato")
    stored: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    stored |= {"wait": WAIT, "machine": machine()}
    for name in faults or FAULTS:
        found = trial(name, work, source, true) | {"images": images, "load": round(os.getloadavg()[0], 1)}
        stored.setdefault("faults", {})[name] = found
        click.echo(f"{name}: {json.dumps(found)}", err=True)
        RESULT.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    if workers:
        stored["workers"] = throughput(work, images, workers)
        RESULT.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
