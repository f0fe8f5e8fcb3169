"""A collection built on Ray is the one built here, also when a worker is killed in the middle or has no room."""

import errno
import importlib.util
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from index.build import build_collection
from index.collection import Collection
from index.ingest.ray_engine import RayEngine
from index.maintenance.verify import find_faults
from tests.samples import ColourEncoder, paint
from training.models.errors import UserError

PATHS = os.pathsep.join([str(Path(__file__).parent.parent), str(Path(__file__).parent)])
here = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not here, reason="Ray is not installed: requirements-cluster.txt")


class Mortal(ColourEncoder):
    """Kills the process it is in when it first sees a certain image, once."""

    def __init__(self, grave):
        super().__init__()
        self.grave = grave

    def embed_pixels(self, pixels):
        if (pixels[:, 0, 0, 0] == 77).any() and not self.grave.exists():
            self.grave.write_text("died here")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed_pixels(pixels)


def mortal_where_there_is_room(folder: Path) -> Mortal:
    """The encoder; the first to load it finds its disk full."""
    if not (folder / "full").exists():
        (folder / "full").write_text("")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return Mortal(folder / "grave")


@pytest.fixture
def many(tmp_path):
    for number in range(150):
        paint(tmp_path / f"many/{number:03d}.png", (number, 255 - number, 7))
    (tmp_path / "many/broken.png").write_bytes(b"no image")
    return tmp_path / "many"


@pytest.mark.slow
@needs_ray
@pytest.mark.filterwarnings("default")
def test_workers_that_are_killed_or_have_no_room_cost_nothing_and_vectors_are_equal_to_the_bit(many, tmp_path):
    import ray

    ray.init(num_cpus=2, include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": PATHS}})
    try:
        build_collection([many], tmp_path / "here.gelato", ColourEncoder(), segment_size=40)
        engine = RayEngine(lambda: mortal_where_there_is_room(tmp_path))
        report = build_collection([many], tmp_path / "ray.gelato", ColourEncoder(), segment_size=40, engine=engine)
        assert (tmp_path / "grave").exists() and (tmp_path / "full").exists()
        assert (report.images, report.embedded, report.failed) == (150, 150, 1)
        here, there = Collection.open(tmp_path / "here.gelato"), Collection.open(tmp_path / "ray.gelato")
        assert here.stored.drop(columns="modified").equals(there.stored.drop(columns="modified"))
        assert np.asarray(here.vectors).tobytes() == np.asarray(there.vectors).tobytes()
        assert find_faults(tmp_path / "ray.gelato") == []
        names = [sorted(p.name for p in c.path.glob("thumbnails/*/*")) for c in (here, there)]
        assert names[0] == names[1] and len(names[0]) == 150
        again = build_collection([many], tmp_path / "ray.gelato", ColourEncoder())  # finished by the other engine
        assert (again.unchanged, again.embedded) == (150, 0)
        images = pa.array([path.read_bytes() for path in sorted(many.glob("0*.png"))])
        pq.write_table(pa.table({"image": images}), tmp_path / "p.parquet", row_group_size=20)
        report = build_collection([tmp_path / "p.parquet"], tmp_path / "p.gelato", ColourEncoder(), engine=engine)
        assert report.images == 100
    finally:
        ray.shutdown()


def test_without_ray_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not there
    with pytest.raises(UserError, match=r"pip install -r requirements-cluster\.txt, or use --engine local"):
        RayEngine(ColourEncoder)
