"""What a collection of many rows costs to write, open, search by column and verify; the figures of docs/scale.md.

    python benchmarks/scale.py [ROWS]

Makes a collection of ROWS drawn vectors (512 numbers) in segments of 10,000, measures it in a fresh process,
stores the result beside this file and rewrites the figures of docs/scale.md (benchmarks/scale_page.py).
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks.scale_page import measured  # noqa: E402
from benchmarks.scale_page import write as write_page  # noqa: E402

DIM, SEGMENT = 512, 10_000
RESULT = Path(__file__).parent / "results/scale.json"


def publish(path: Path, rows: int) -> dict[str, float]:
    """A collection as builds publish it, of rows that are cheap to make up."""
    from index.ingest.rows import utc_timestamp
    from index.maintenance.importing import UnknownEncoder
    from index.storage.writer import Writer

    rng = np.random.default_rng(0)
    seconds = 0.0
    with Writer(path, UnknownEncoder(DIM)) as writer:
        for start in range(0, rows, SEGMENT):
            vectors = rng.standard_normal((SEGMENT, DIM), np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            items = [row(number, utc_timestamp(1.6e9 + number)) for number in range(start, start + SEGMENT)]
            began = time.perf_counter()
            writer.publish(items, vectors)
            seconds += time.perf_counter() - began
    folder = path / "segments"
    size = {name: sum(f.stat().st_size for f in folder.glob(f"*/{name}")) for name in ("vectors.npy", "items.parquet")}
    return {
        "publish_seconds_a_segment": seconds / (rows / SEGMENT),
        "bytes_a_vector": size["vectors.npy"] / rows,
        "bytes_a_row": size["items.parquet"] / rows,
        "manifest_bytes_a_segment": (path / "manifest.json").stat().st_size / (rows / SEGMENT),
    }


def row(number: int, modified: object) -> dict[str, object]:
    """A row as a folder of photographs gives it."""
    content = sha256(str(number).encode()).hexdigest()
    place = f"{number % 500:03d}/IMG_{number:08d}.jpg"
    facts = {"id": content[:16], "source": "/data/photographs", "path": place, "width": 0, "height": 0}
    facts |= {"bytes": 100_000 + number % 9973, "modified": modified, "hash": content, "caption": ""}
    return facts | {"stamp": f"{number}:{number}", "folder": f"{number % 500:03d}", "camera": f"Camera {number % 7}"}


def read(path: Path) -> dict[str, float]:
    """The same collection in this process, which has opened nothing before."""
    from index.collection import Collection
    from index.maintenance.verify import find_faults
    from index.search import rows_where

    held = memory()
    began = time.perf_counter()
    collection = Collection.open(path)
    opened = time.perf_counter() - began
    opened_memory = memory() - held
    began = time.perf_counter()
    collection.record(len(collection) // 2)
    one = time.perf_counter() - began
    began = time.perf_counter()
    assert len(rows_where(collection, 'camera == "Camera 3"')) > 0
    where = time.perf_counter() - began
    began = time.perf_counter()
    id = collection.column("id").iat[-1]
    assert collection.row(id) == len(collection) - 1
    by_id = time.perf_counter() - began
    columns = memory() - held
    began = time.perf_counter()
    assert not find_faults(path)
    verified = time.perf_counter() - began
    return {
        "open_seconds": opened,
        "open_megabytes": opened_memory,
        "first_record_seconds": one,
        "first_filter_seconds": where,
        "first_id_seconds": by_id,
        "columns_megabytes": columns,
        "verify_rows_a_second": len(collection) / verified,
    }


def memory() -> float:
    """Megabytes that this process holds now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


def main() -> None:
    if sys.argv[1:2] == ["read"]:
        print(json.dumps(read(Path(sys.argv[2]))))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.gelato"
        found = publish(path, rows)
        words = [sys.executable, __file__, "read", str(path)]
        found |= json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    found |= {"rows": rows, "cores": os.cpu_count() or 1}
    RESULT.write_text(json.dumps(found | {"processor": platform.machine()}, indent=1) + "\n")
    write_page()
    print(measured())


if __name__ == "__main__":
    main()
