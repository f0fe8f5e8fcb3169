"""A collection of made-up images round the demo's real vectors, for benchmarks: nothing of it is an image."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from index.collection import Collection
from index.ingest.demo import build_demo, demo_folders
from index.retrieval.faiss_index import save_nearest
from index.storage.layout import thumbnail_path
from index.storage.writer import Writer
from training.models.encoder import unit
from training.models.encoders import load_encoder

SEGMENT = 5_000  # images
SPREAD = 0.6  # how far a made-up vector lies from the real one it is drawn round, as a share of its length


def generated(folder: Path, images: int, distinct: bool = False) -> Path:
    """A collection of that many images, in folder; what is there already is used.

    distinct: each has an id of its own, which people give tags to; else they are copies of a thousand images.
    """
    path = folder / f"load-{images}{'-distinct' * distinct}.gelato"
    if path.exists():
        return path
    encoder = load_encoder("starter")
    source, into = demo_folders("starter")
    build_demo(source, into, encoder)
    demo = Collection.open(into)
    real, random_ = np.asarray(demo.vectors, np.float32), np.random.default_rng(0)
    with Writer(path, encoder) as writer:
        for start in range(0, images, SEGMENT):
            base = random_.integers(0, len(real), min(SEGMENT, images - start))
            noise = random_.standard_normal((len(base), real.shape[1])).astype(np.float32)
            vectors = unit(real[base] + SPREAD * unit(noise) * np.linalg.norm(real[base], axis=1, keepdims=True))
            rows = [_row(demo, int(of), start + i, random_) for i, of in enumerate(base)]
            if distinct:
                rows = [row | {"id": f"{start + i:016x}"} for i, row in enumerate(rows)]
                _link_thumbnails(demo, path, base, start)
            writer.publish(rows, vectors)
        for id in demo.items["id"]:
            thumbnail = demo.thumbnail(id)
            if thumbnail is not None:
                writer.thumbnail(id, thumbnail.read_bytes())
    save_nearest(Collection.open(path))
    return path


def _link_thumbnails(demo: Collection, path: Path, rows: Iterable[int], start: int) -> None:
    """Give the images from the number start on the thumbnails of rows of the demo."""
    ids = demo.column("id")
    for number, of in enumerate(rows, start):
        made, thumbnail = thumbnail_path(path, f"{number:016x}"), demo.thumbnail(str(ids.iat[int(of)]))
        if thumbnail is not None:
            made.parent.mkdir(parents=True, exist_ok=True)
            os.link(thumbnail, made)


def _row(demo: Collection, of: int, number: int, random_: np.random.Generator) -> dict[str, Any]:
    real = demo.stored.iloc[of]
    content = str(real["id"]).partition("-")[0]
    return {
        "id": f"{content}-{number + 1}",  # copies share a thumbnail
        "source": "/made/up",
        "path": f"{random_.integers(2000, 2026)}/{number:06d}.jpg",
        "width": int(random_.integers(100, 6000)),
        "height": int(random_.integers(100, 4000)),
        "bytes": int(random_.integers(10_000, 9_000_000)),
        "modified": pd.Timestamp("2020-01-01") + pd.Timedelta(int(random_.integers(0, 2000)), "D"),
        "hash": f"{number:064x}",
        "caption": str(real["caption"]),
        "stamp": real["stamp"],
        "folder": f"album {random_.integers(0, 40)}",
    }
