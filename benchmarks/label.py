"""How long does it take to label a million images by a thousand classes, and in how much memory?

    python benchmarks/label.py --rows 1000000 --classes 1000

Over vectors drawn by benchmarks/vectors.py; the classes' vectors are drawn too, so that what is timed is the
labelling and not the words. The result is printed and kept beside this script as label.json.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.search import Drawn, drawn_collection
from benchmarks.vectors import ImageLike
from index.ingest.throughput import machine, peak_memory_mb
from index.label import LabelRequest, label_collection
from training.models.zero_shot import ClassName

RESULT = Path(__file__).parent / "results/label.json"


class Words(Drawn):
    """Reads each phrase as another drawn word."""

    def embed_texts(self, phrases):  # type: ignore[no-untyped-def]
        return self.drawn.words(len(phrases))


@click.command()
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--dim", default=512, show_default=True)
@click.option("--classes", default=1000, show_default=True)
def main(rows: int, dim: int, classes: int) -> None:
    """Label ROWS drawn vectors by CLASSES drawn classes."""
    with tempfile.TemporaryDirectory() as folder:
        collection = drawn_collection(Path(folder, "drawn.gelato"), rows, dim)
        before = peak_memory_mb()
        begun, worked = time.perf_counter(), time.process_time()
        request = LabelRequest(tuple(ClassName(f"class {i}") for i in range(classes)), ("{}",))
        label_collection(collection, Words(ImageLike(dim)), request)
        seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    result = {
        "rows": rows,
        "dim": dim,
        "classes": classes,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(worked, 1),
        "peak_memory_mb": peak_memory_mb(),
        "peak_memory_before_mb": before,
        "machine": machine(),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
