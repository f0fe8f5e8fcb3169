"""Which copies of photos are found, and what is taken for a copy that is none?

    python benchmarks/near_duplicates.py --photos FOLDER [--photos FOLDER ...] --work FOLDER

The photos are split into two halves at random. The thresholds in index/copies/comparison.py were chosen on the first,
with 150 photos of it copied; the figures are of the second, of which the thresholds have seen nothing. Every photo of
the half is indexed, and of some of them one copy of each kind of copies_of_photos.py. Recall: the share of the copies
of a kind that are in the group of their photo. Precision: the share of all grouped images that are copies of the photo
that their group is round. Photos that were alike before count as errors and are named. Last, the time and memory of
100,000 drawn rows: embeddings and perceptual hashes drawn from those of the photos, every tenth a near copy of
another. Figures are stored beside this script as near_duplicates.json and shown in docs/duplicates.md.
"""

import json
import multiprocessing
import resource
import shutil
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.copies_of_photos import SAME, SIMILAR, copy_of
from index.build import build_collection
from index.collection import Collection
from index.copies.groups import make_copies
from index.ingest.perceptual import LENGTH
from index.ingest.throughput import machine
from index.storage.annotations import ANNOTATIONS, writing
from index.storage.layout import TIERS, thumbnail_path
from index.storage.writer import Writer
from training.models.encoder import unit
from training.models.encoders import load_encoder
from training.models.intervals import figure_of

RESULT = Path(__file__).parent / "results/near_duplicates.json"
PAGE = Path(__file__).parent.parent / "docs" / "duplicates.md"
BEGIN, END = "<!-- figures: made by benchmarks/near_duplicates.py -->", "<!-- end of these figures -->"
ORIGINAL = "original"
NAMED = 20  # wrong pairs that are named
NEAR_COPIES = 0.1  # of the drawn rows
SEGMENT = 5_000


def halves(folders: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The photos of some folders in two halves: thresholds were chosen on the first."""
    photos = sorted(path for folder in folders for path in folder.rglob("*.jpg"))
    order = np.random.default_rng(0).permutation(len(photos))
    return [photos[i] for i in order[::2]], [photos[i] for i in order[1::2]]


def make_library(photos: Sequence[Path], copies: int, into: Path) -> None:
    """A folder a photo: itself, and of the first so many one copy of each kind."""
    for number, photo in enumerate(photos):
        folder = into / f"{number:05}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photo, folder / f"{ORIGINAL}.jpg")
        if number >= copies:
            continue
        with Image.open(photo) as opened:
            image = opened.convert("RGB")
        for at, (name, (_, kind, _)) in enumerate((SAME | SIMILAR).items()):
            (folder / f"{name}.{kind.lower()}").write_bytes(copy_of(image, name, 100 * number + at))


def measured(path: Path) -> dict[str, Any]:
    """Precision and recall of both tiers over the collection of a library."""
    collection = Collection.open(path)
    paths = collection.column("path").str.rpartition("/")
    photo, kind = paths[0].to_numpy(), paths[2].str.rpartition(".")[0].to_numpy()
    original = {name: row for row, name in enumerate(photo) if kind[row] == ORIGINAL}
    photos_rows = np.array([original[name] for name in photo])
    found: dict[str, Any] = {"images": len(collection), "photos": len(original)}
    for tier in TIERS:
        started = time.process_time()
        leaders = make_copies(collection, tier).leaders
        seconds = time.process_time() - started
        members = np.flatnonzero(leaders != np.arange(len(leaders)))
        right = photo[members] == photo[leaders[members]]
        wrong = [
            (str(collection.column("path").iat[row]), str(collection.column("path").iat[leaders[row]]))
            for row in members[~right]
        ]
        kinds = {}
        for name in SAME | SIMILAR:
            rows = np.flatnonzero(kind == name)
            kinds[name] = figure_of((leaders[rows] == leaders[photos_rows[rows]]).astype(float))
        found[tier] = {
            "precision": figure_of(right.astype(float)),
            "wrong": wrong[:NAMED],
            "recall": kinds,
            "cpu_seconds": seconds,
        }
    return found


def drawn(source: Collection, rows: int, into: Path) -> Path:
    """A collection of drawn rows, each like some photo in its statistics; every tenth is nearly an earlier row."""
    rng = np.random.default_rng(0)
    with closing(sqlite3.connect(source.path / ANNOTATIONS)) as connection:
        stored = dict(connection.execute("SELECT hash, perceptual FROM pixels WHERE perceptual IS NOT NULL"))
    coded = [str(text).partition("/")[0] for text in source.column("pixel_hash")]
    known = [row for row, code in enumerate(coded) if code in stored]
    hashes = np.stack([np.frombuffer(stored[coded[row]], np.uint8) for row in known])
    real, ids = np.asarray(source.vectors[np.array(known)], np.float32), source.column("id").to_numpy()[known]
    thumbnails = [thumbnail_path(source.path, str(id)) for id in ids]
    mean, axes = real.mean(axis=0), np.linalg.svd(real - real.mean(axis=0), full_matrices=False)
    waves = hashes[:, :63].view(np.int8).astype(np.float32)
    encoder = load_encoder("starter")
    with Writer(into, encoder) as writer:
        for start in range(0, rows, SEGMENT):
            count = min(SEGMENT, rows - start)
            base = rng.integers(0, len(known), count)
            vectors = unit(mean + rng.standard_normal((count, len(axes[1]))) * axes[1] / np.sqrt(len(real)) @ axes[2])
            codes = np.empty((count, LENGTH), np.uint8)
            mixed = waves[base] * rng.choice([-1, 1], (count, 63)) + 6 * rng.standard_normal((count, 63))
            codes[:, :63] = mixed.round().clip(-127, 127).astype(np.int8).view(np.uint8)
            codes[:, 63:] = hashes[base, 63:]
            near = rng.random(count) < NEAR_COPIES
            near[0] = False
            of = np.maximum.accumulate(np.where(near, 0, np.arange(count)))
            vectors[near] = unit(vectors[of[near]] + 0.2 * unit(rng.standard_normal((near.sum(), source.dim))))
            codes[near], base[near] = codes[of[near]], base[of[near]]
            writer.publish([_row(start + i, bool(near[i])) for i in range(count)], vectors.astype(np.float32))
            with writing(into) as connection:
                connection.executemany(
                    "INSERT INTO pixels VALUES (?, ?, ?)",
                    [(f"{start + i:032x}", f"{start + i:016x}", codes[i].tobytes()) for i in range(count)],
                )
            for i in range(count):
                thumbnail = thumbnail_path(into, f"{start + i:016x}")
                thumbnail.parent.mkdir(parents=True, exist_ok=True)
                thumbnail.hardlink_to(thumbnails[base[i]])
    return into


def _row(number: int, near: bool) -> dict[str, Any]:
    return {
        "id": f"{number:016x}",
        "source": "/drawn",
        "path": f"{number:07}.jpg",
        "width": 2000 if near else 4000,
        "height": 1500 if near else 3000,
        "bytes": 10**6,
        "modified": pd.Timestamp("2020-01-01"),
        "hash": f"{number:064x}",
        "caption": "",
        "stamp": "1:1",
        "pixel_hash": f"{number:032x}/upright",
    }


def _timed(path: str, tier: str, answers: Any) -> None:
    """In a process of its own, whose peak memory is measured."""
    collection = Collection.open(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, started = time.perf_counter(), time.process_time()
    leaders = make_copies(collection, tier).leaders  # type: ignore[arg-type]
    answers.put(
        {
            "cpu_seconds": time.process_time() - started,
            "seconds": time.perf_counter() - wall,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "more_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
            "grouped": int((leaders != np.arange(len(leaders))).sum()),
        }
    )


def at_scale(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"rows": len(Collection.open(path)), "machine": machine()}
    context = multiprocessing.get_context("spawn")
    for tier in TIERS:
        answers = context.Queue()
        child = context.Process(target=_timed, args=(str(path), tier, answers))
        child.start()
        found[tier] = answers.get()
        child.join()
    return found


def _percent(figure: dict[str, Any]) -> str:
    return f"{figure['value']:.1%} ({figure['low']:.1%} – {figure['high']:.1%})"


def page_text(found: dict[str, Any]) -> str:
    """The tables of docs/duplicates.md."""
    half = found["held-out half"]
    lines = ["| copy | n | grouped as the same image | as the same image or a similar shot |", "|---|---|---|---|"]
    for name in SAME | SIMILAR:
        figures = [half[tier]["recall"][name] for tier in TIERS]
        lines.append(f"| {name} | {figures[0]['n']:,} | {' | '.join(map(_percent, figures))} |")
    cells = [f"{_percent(half[tier]['precision'])}, n = {half[tier]['precision']['n']:,}" for tier in TIERS]
    lines.append(f"| **precision** of all grouped images | | {' | '.join(cells)} |")
    return "\n".join(
        [
            f"{half['photos']:,} photos that no threshold was chosen on, {half['images']:,} images with their copies.",
            "In brackets are 95 % intervals. Bursts are simulated: nothing in them moves by itself.",
            "",
            *lines,
            *(scale_text(found["scale"]) if "scale" in found else ()),
        ]
    )


def scale_text(scale: dict[str, Any]) -> list[str]:
    """The table of time and memory."""
    rows = []
    for tier in (tier for tier in TIERS if tier in scale):
        of = scale[tier]
        rows.append(f"| {tier} | {of['seconds']:.0f} s | {of['cpu_seconds']:.0f} s | {of['peak_mb']:,.0f} MB |")
    return [
        "",
        f"Time and memory to find the groups of {scale['rows']:,} drawn rows, a tenth of them near copies, on",
        f"{scale['machine']['cores']} cores of {scale['machine']['cpu']} (busy with other work):",
        "",
        "| tier | time | CPU time | peak memory of the process |",
        "|---|---|---|---|",
        *rows,
    ]


def write_page(found: dict[str, Any]) -> None:
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{page_text(found)}\n{END}{rest.partition(END)[2]}")


@click.command()
@click.option("--photos", "folders", multiple=True, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--work", required=True, type=click.Path(path_type=Path), help="What is made there already is used.")
@click.option("--copies", default=200, show_default=True, help="Photos of which copies are made.")
@click.option("--drawn", "rows", default=100_000, show_default=True)
@click.option("--scale-only", is_flag=True, help="Keep the stored precision and recall, and measure time and memory.")
def main(folders: tuple[Path, ...], work: Path, copies: int, rows: int, scale_only: bool) -> None:
    """Measure on the half of the photos that no threshold was chosen on."""
    _, half = halves(folders)
    if not (work / "test.gelato").exists():
        make_library(half, 0 if scale_only else copies, work / "test")
        build_collection([work / "test"], work / "test.gelato", load_encoder("starter"))
    found = json.loads(RESULT.read_text()) if scale_only else {"held-out half": measured(work / "test.gelato")}
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    if not (work / "drawn.gelato").exists():
        drawn(Collection.open(work / "test.gelato"), rows, work / "drawn.gelato")
    found["scale"] = at_scale(work / "drawn.gelato")
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    write_page(found)


if __name__ == "__main__":
    main()
