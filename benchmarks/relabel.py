"""How long until 100,000 images have new labels after a class name is changed?

    python benchmarks/relabel.py

A collection of unit vectors drawn by chance, as wide as the default encoder's, is written to disk and labelled
by ten classes; then one name at a time is changed and everything is labelled again, as the Classify tab does it:
the changed class is embedded, every image scored, and the counts made. The images need not exist, since only
their vectors are read. With the 7 templates, the time to embed all classes again is reported too. The result
is printed and kept beside this script as relabel.json.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from index.collection import Collection
from index.label import Labelling, LabelRequest
from index.retrieval.relevance import cached_null_distribution
from index.storage.writer import Writer
from training.models.encoder import Encoder, unit
from training.models.encoders import load_encoder
from training.models.prompts import template_set
from training.models.zero_shot import ClassEmbeddings, ClassName, everyday_words

RESULT = Path(__file__).parent / "results/relabel.json"
CLASSES = 10
LIMIT = 2.0  # seconds that a changed name may take


def drawn_collection(path: Path, encoder: Encoder, images: int) -> Collection:
    """A collection of that many vectors."""
    rng = np.random.default_rng(0)
    with Writer(path, encoder) as writer:
        for start in range(0, images, 10_000):
            n = min(10_000, images - start)
            ids = [f"{start + i:016x}" for i in range(n)]
            facts: dict[str, Any] = {"source": "drawn", "width": 1, "height": 1, "bytes": 1, "caption": "", "stamp": ""}
            rows = [facts | {"id": id, "path": f"{id}.jpg", "hash": id} for id in ids]
            writer.publish(rows, unit(rng.normal(size=(n, encoder.dim))), [])
    return Collection.open(path)


@click.command()
@click.option("--images", default=100_000, show_default=True)
@click.option("--runs", default=7, show_default=True, type=click.IntRange(1))
@click.option("--encoder", "name", default="starter", show_default=True)
def main(images: int, runs: int, name: str) -> None:
    """Label IMAGES again after each of RUNS changes of a name."""
    encoder = load_encoder(name)
    result: dict[str, Any] = {"images": images, "classes": CLASSES, "encoder": encoder.name, "dim": encoder.dim}
    result |= {"runs": runs, "cores": os.cpu_count(), "limit": LIMIT}
    words = everyday_words()
    with tempfile.TemporaryDirectory() as folder:
        collection = drawn_collection(Path(folder) / "drawn.gelato", encoder, images)
        cached_null_distribution(collection, encoder)  # as the page has it once it is open
        modes: dict[str, tuple[str, dict[str, Any]]] = {
            "one of these": ("photo", {}),
            "one of these, 7 templates": ("7", {}),
            "one of these or none": ("photo", {"none": True}),
            "any of these": ("photo", {"mode": "any"}),
        }
        for mode, (templates, settings) in modes.items():
            cached, prompts = ClassEmbeddings(encoder), tuple(template_set(templates))

            def labelled(names: list[str], embeddings: ClassEmbeddings) -> tuple[float, int]:
                before, begun = embeddings.embedded, time.perf_counter()
                request = LabelRequest(tuple(map(ClassName, names)), prompts, **settings)  # noqa: B023
                labels = Labelling(collection, embeddings, request)
                assert sum(labels.result.counts) >= images
                return time.perf_counter() - begun, embeddings.embedded - before

            first, _ = labelled(words[:CLASSES], cached)
            changed, anew = [], []
            for run in range(runs):  # side by side, so that a busy computer slows both
                names = [*words[: CLASSES - 1], words[CLASSES + run]]
                seconds, phrases_embedded = labelled(names, cached)
                changed.append(seconds)
                if "7" in mode:
                    anew.append(labelled(names, ClassEmbeddings(encoder))[0])
            result[mode] = {
                "first": round(first, 3),
                "changed": _spread(changed),
                "phrases_embedded": phrases_embedded,
                "within_limit": max(changed) <= LIMIT,
            }
            if anew:
                result[mode]["all_embedded_anew"] = _spread(anew)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


def _spread(seconds: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(seconds), 3),
        "min": round(min(seconds), 3),
        "max": round(max(seconds), 3),
    }


if __name__ == "__main__":
    main()
