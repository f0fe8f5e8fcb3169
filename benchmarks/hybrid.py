"""Does the search of names and captions help where there are some, and cost nothing where there are none?

    python benchmarks/hybrid.py --coco FOLDER --photos FOLDER

FOLDER of --coco has captions.csv with the columns path and caption, several captions for some images. The first
caption of an image is indexed; the others are queries, and the image is what they look for. Four cases: every image
has a caption, half of them have, every image but the one that is looked for has, and none has. Three rules: the
embedding alone, reciprocal rank fusion (Cormack, Clarke and Buettcher 2009, k = 60) and what search does.
FOLDER of --photos has labels.csv with path and label; its file names say nothing. Also: each name as a query, and the
time of a search of 100,000 images. Figures are stored beside this script as hybrid.json and shown in docs/search.md.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.made_up import generated
from index.build import build_collection
from index.collection import Collection
from index.query import Term
from index.retrieval.text_index import make_text_index, save_text_index, without_ending
from index.retrieval.text_ranking import bm25_scores, deviations, text_matches
from index.retrieval.tokenization import query_words
from index.search import SearchRequest, search
from index.storage.layout import TEXT_INDEX
from index.storage.writer import Writer
from training.models.encoder import Encoder
from training.models.encoders import load_encoder
from training.models.intervals import figure_of

RESULT = Path(__file__).parent / "results/hybrid.json"
PAGE = Path(__file__).parent.parent / "docs" / "search.md"
BEGIN, END = "<!-- figures: made by benchmarks/hybrid.py -->", "<!-- end of these figures -->"
KS = (1, 5, 10)
RRF = 60
RULES = {"embedding": "embedding alone", "rrf": "reciprocal rank fusion", "search": "Gelato"}


def with_captions(collection: Collection, into: Path, kept: NDArray[np.bool_], encoder: Encoder) -> Collection:
    """The same images and vectors, of whose captions only those of kept [N] are left."""
    items = collection.stored.copy()
    items["caption"] = items["caption"].where(kept, "")
    with Writer(into, encoder) as writer:
        writer.publish(items.to_dict("records"), np.asarray(collection.vectors, np.float32))
    return Collection.open(into)


def ranks(
    collection: Collection, texts: list[str], vectors: NDArray, targets: NDArray, hide: bool = False
) -> dict[str, NDArray]:
    """The rank of each text's image by each rule, from 1. hide: the names and the caption of that image are unknown."""
    index, images = make_text_index(collection), np.asarray(collection.vectors, np.float32)
    found: dict[str, list[int]] = {rule: [] for rule in RULES}
    for text, vector, target in zip(texts, vectors, targets, strict=True):
        score = deviations(collection, vector, images @ vector)
        matches = text_matches(collection, index, [Term(text=text)], {})
        added = np.zeros(len(images), np.float32) if matches is None else matches.score
        bm25 = np.zeros(len(images), np.float32) if matches is None else bm25_scores(index, query_words(text), {})[0]
        if hide:
            added[target] = bm25[target] = 0
        fused = 1 / (RRF + _places(score)) + np.where(bm25 > 0, 1 / (RRF + _places(bm25)), 0)
        for rule, values in (("embedding", score), ("rrf", fused), ("search", score + added)):
            found[rule].append(1 + int((values > values[target]).sum()))
    return {rule: np.array(of_rule) for rule, of_rule in found.items()}


def _places(values: NDArray) -> NDArray[np.intp]:
    places = np.empty(len(values), np.intp)
    places[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    return places


def recalls(found: dict[str, NDArray]) -> dict[str, Any]:
    return {rule: {f"recall_at_{k}": figure_of(of <= k) for k in KS} for rule, of in found.items()}


def coco(folder: Path, work: Path, encoder: Encoder) -> dict[str, Any]:
    """The cases of captioned photographs."""
    table = pd.read_csv(folder / "captions.csv")
    table["path"] = [str(folder / path) for path in table["path"]]
    first = ~table.duplicated("path")
    table.loc[first, ["path", "caption"]].to_csv(work / "first.csv", index=False)
    build_collection([work / "first.csv"], work / "coco.gelato", encoder)
    full = Collection.open(work / "coco.gelato")
    row_of = {Path(path).name: row for row, path in enumerate(full.column("path"))}
    texts = table.loc[~first, "caption"].tolist()
    targets = np.array([row_of[Path(path).name] for path in table.loc[~first, "path"]])
    vectors = encoder.embed_texts(texts)
    half = np.random.default_rng(0).random(len(full)) < 0.5
    halved = with_captions(full, work / "half.gelato", half, encoder)
    bare = with_captions(full, work / "bare.gelato", np.zeros(len(full), bool), encoder)
    by_half = ranks(halved, texts, vectors, targets)
    captioned = half[targets]
    every = ranks(full, texts, vectors, targets)
    for text, rank in list(zip(texts, every["search"], strict=True))[:50]:  # the ranks are those of a search
        hits = search(full, encoder, SearchRequest([Term(text=text)], threshold="off", count=len(full))).hits
        at = next(hit.rank for hit in hits if hit.row == targets[texts.index(text)])
        assert abs(at - rank) <= max(2, 0.02 * rank), (text, at, rank)
    names = [without_ending(Path(path).name) for path in full.column("path")][:: len(full) // 200]
    firsts = [search(bare, encoder, SearchRequest([Term(text=name)], threshold="off", count=1)).hits for name in names]
    right = [without_ending(Path(hits[0].path).name) == name for hits, name in zip(firsts, names, strict=True)]
    return {
        "every image has a caption": recalls(every),
        "half have a caption: target with one": recalls({rule: of[captioned] for rule, of in by_half.items()}),
        "half have a caption: target without": recalls({rule: of[~captioned] for rule, of in by_half.items()}),
        "every image except the target has a caption": recalls(ranks(full, texts, vectors, targets, hide=True)),
        "no image has a caption": recalls(ranks(bare, texts, vectors, targets)),
        "file names": figure_of(np.array(right, float)),
    }


def photos(folder: Path, work: Path, encoder: Encoder) -> dict[str, Any]:
    """Class names as queries among photographs without captions, whose names say nothing."""
    labels = pd.read_csv(next(folder.rglob("labels.csv")))
    build_collection([folder], work / "photos.gelato", encoder)
    collection = Collection.open(work / "photos.gelato")
    row_of = {Path(path).name: row for row, path in enumerate(collection.column("path"))}
    path, label = labels.columns[0], labels.columns[1]
    rows = [(row_of[Path(p).name], str(name)) for p, name in zip(labels[path], labels[label], strict=True)]
    texts = [name for _, name in rows]
    return recalls(ranks(collection, texts, encoder.embed_texts(texts), np.array([row for row, _ in rows])))


def latency(folder: Path, encoder: Encoder, texts: list[str]) -> dict[str, Any]:
    """Milliseconds of CPU time of a search of 100,000 images with and without text ranking, and the index's cost."""
    collection = Collection.open(generated(folder, 100_000))
    started = time.thread_time()
    (collection.path / TEXT_INDEX).unlink(missing_ok=True)
    save_text_index(collection)
    made = time.thread_time() - started
    collection = Collection.open(collection.path)
    times: dict[bool, list[float]] = {True: [], False: []}
    for text in [texts[0], *texts]:  # the first opens what the others use
        for on in (True, False):
            request = SearchRequest([Term(text=text)], threshold="off", text_ranking=on)
            started = time.thread_time()  # of this thread alone: other processes do not count
            search(collection, encoder, request)
            times[on].append(1000 * (time.thread_time() - started))
    size = (collection.path / TEXT_INDEX).stat().st_size
    return {
        "images": len(collection),
        "with": float(np.median(times[True][1:])),
        "without": float(np.median(times[False][1:])),
        "extra": float(np.median(np.array(times[True][1:]) - np.array(times[False][1:]))),
        "made_in": made,
        "bytes": size,
    }


def table(result: dict[str, Any]) -> str:
    """The stored figures as docs/search.md shows them."""
    lines = ["| queries | rule | recall at 1 | at 5 | at 10 |", "|---|---|---|---|---|"]
    for case, by_rule in result["cases"].items():
        for rule, name in RULES.items():
            cells = [f"{f['value']:.1%} ({f['low']:.1%} – {f['high']:.1%})" for f in by_rule[rule].values()]
            queries = f"{case}, {by_rule[rule]['recall_at_1']['n']}" if rule == "embedding" else ""
            lines.append(f"| {queries} | {name} | {' | '.join(cells)} |")
    speed, names = result["latency"], result["names"]
    return "\n".join(
        [
            *lines,
            "",
            f"If the query is the name of a file, that file comes first for {names['value']:.0%} of {names['n']} "
            f"names. In {speed['images']:,} images, text ranking adds {speed['extra']:.1f} ms to a search of "
            f"{speed['without']:.1f} ms (CPU time of its thread). Its index takes {speed['made_in']:.0f} s and "
            f"{speed['bytes'] / 1e6:.0f} MB. Intervals are 95 %, over queries.",
        ]
    )


@click.command()
@click.option("--coco", "captioned", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--photos", "classes", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--folder", required=True, type=click.Path(path_type=Path), help="Where 100,000 images are made up.")
def main(captioned: Path, classes: Path, folder: Path) -> None:
    """Measure the search of names and captions with starter."""
    encoder = load_encoder("starter")
    with tempfile.TemporaryDirectory() as work:
        cases = coco(captioned, Path(work), encoder)
        names = cases.pop("file names")
        cases["class names as queries, file names without meaning"] = photos(classes, Path(work), encoder)
    captions = pd.read_csv(captioned / "captions.csv")["caption"].tolist()[::31]
    result = {"encoder": "starter", "cases": cases, "names": names, "latency": latency(folder, encoder, captions)}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table(result)}\n{END}{rest.partition(END)[2]}")
    click.echo(table(result))


if __name__ == "__main__":
    main()
