"""How often is the relevance line right? Precision, recall and false alarms on labelled collections.

    python benchmarks/relevance.py --photos FOLDER --cifar10 FILE.parquet --coco FILE.csv

Sources as benchmarks/starter.py explains them. A query is the bare name of a class, and for COCO (split val) an
everyday word that captions say; captions do not say all that a photograph shows, so precision there is a lower
bound. Precision and recall count images above the line. A query for an absent thing is the name of a class whose
images were all taken out of the ranking; any image above the line is then a false alarm, even one of a near
relative (with the kuvasz gone, the Great Pyrenees). The line's height was chosen on COCO and on its photographs of the
split train; the figures of classes are of every second class. They are kept beside this script as relevance.json
and shown in docs/search.md.
"""

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.everyday import LEAST_IMAGES, shown
from index.build import build_collection
from index.collection import Collection
from index.labels.ground_truth import read_labels
from index.retrieval.relevance import ABOVE_COLLECTION, ABOVE_IMAGE, TRUSTED, null_distribution
from training.models.encoder import Encoder
from training.models.encoders import load_encoder
from training.models.zero_shot import everyday_words

RESULT = Path(__file__).parent / "results/relevance.json"
PAGE = Path(__file__).parent.parent / "docs" / "search.md"
BEGIN, END = "<!-- figures: made by benchmarks/relevance.py -->", "<!-- end of figures -->"
PRECISION_GOAL = 0.85  # at which half of the images of an everyday word were to be likely
WELL_DESCRIBED = 5  # captions of an image that say most of what it shows
MOST_ALARMS = 0.1  # and PRECISION_GOAL are what an encoder must reach for the line to be shown unasked

# Everyday words that an image of one of CIFAR-10's classes may well answer.
RELATED = (
    "dog cat horse cow sheep goat deer bird chicken duck owl eagle parrot penguin flamingo peacock frog car taxi bus "
    "truck fire engine ambulance police tractor airplane helicopter rocket boat sailing ship canoe submarine tree "
    "forest grass garden mountain desert beach sea wave lake river snow cloud sunset road street wood water sand "
    "person man woman child face hand wheel door window fence wall lizard turtle snake rabbit mouse squirrel fox "
    "wolf bear lion tiger airport harbour train tram motorcycle bulldozer fabric texture pattern metal stone"
)


def measure(collection: Collection, encoder: Encoder, labels: NDArray, names: list[str]) -> dict[str, Any]:
    """Figures over the given classes of a collection whose true labels are labels [N]."""
    rows = np.asarray(collection.vectors, np.float32)
    noise = null_distribution(collection, encoder)
    strengths = np.stack([noise.normalised_scores(query, rows) for query in encoder.embed_texts(names)], axis=1)
    truth = labels[:, None] == np.array(names)[None]
    likely = strengths > 1
    return {
        "lines": [round(noise.image_threshold, 2), round(noise.collection_threshold, 2)],
        "likely": int(likely.sum()),
        "images": len(rows),
        "precision": ratio((likely & truth).sum(axis=0), likely.sum(axis=0)),
        "recall": ratio((likely & truth).sum(axis=0), truth.sum(axis=0)),
        "false_alarms": ratio((likely & ~truth).any(axis=0).astype(float), np.ones(len(names))),
        "queries_with_likely": ratio(likely.any(axis=0).astype(float), np.ones(len(names))),
    }


def absent_words(collection: Collection, encoder: Encoder) -> dict[str, Any]:
    """False alarms of CIFAR-10 for everyday words that none of its classes answers."""
    related = set(RELATED.split())
    words = [word for word in everyday_words() if not set(word.split()) & related]
    rows, noise = np.asarray(collection.vectors, np.float32), null_distribution(collection, encoder)
    alarms = [float((noise.normalised_scores(query, rows) > 1).any()) for query in encoder.embed_texts(words)]
    return ratio(np.array(alarms), np.ones(len(words)))


def everyday(collection: Collection, encoder: Encoder) -> dict[str, Any]:
    """Figures over the everyday words that the captions of a collection say, and over those that none says."""
    captions = [tuple(text.split("\n")) for text in collection.items["caption"]]
    truths = {word: of for word, of in shown(captions).items() if of.sum() >= LEAST_IMAGES}
    truth = np.stack(list(truths.values()), axis=1)
    said = " ".join(" ".join(of) for of in captions).lower()
    absent = [word for word in everyday_words() if not re.search(rf"\b{re.escape(word)}(?:s|es)?\b", said)]
    rows, noise = np.asarray(collection.vectors, np.float32), null_distribution(collection, encoder)

    def scores(words: list[str]) -> NDArray[np.float32]:
        return np.stack([noise.normalised_scores(query, rows) for query in encoder.embed_texts(words)], axis=1)

    known = scores(list(truths))
    found, alarms = known > 1, scores(absent) > 1
    described = np.array([len(of) >= WELL_DESCRIBED for of in captions])
    return {
        "lines": [round(noise.image_threshold, 2), round(noise.collection_threshold, 2)],
        "likely": int(found.sum()),
        "images": len(rows),
        "precision": ratio((found & truth).sum(axis=0), found.sum(axis=0)),
        "precision_well_described": ratio((found & truth)[described].sum(axis=0), found[described].sum(axis=0)),
        "recall": ratio((found & truth).sum(axis=0) / truth.sum(axis=0), np.ones(len(truths))),
        "best_recall": ratio(best_recall(known, truth), np.ones(len(truths))),
        "queries_with_likely": ratio(found.any(axis=0).astype(float), np.ones(len(truths))),
        "absent_words": ratio(alarms.any(axis=0).astype(float), np.ones(len(absent))),
    }


def best_recall(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """[K]: the recall of each query of scores [N, K] if its own threshold were chosen with the truth [N, K] in view.

    The thresholds have the highest mean recall of those whose precision over all queries is PRECISION_GOAL: for a
    price of a false image, each query takes the most images that are worth it (a Lagrange multiplier).
    """
    ranked = np.take_along_axis(truth, np.argsort(-scores, axis=0, kind="stable"), axis=0)
    right = np.pad(ranked.cumsum(axis=0), ((1, 0), (0, 0)))  # [N + 1, K] of the first images
    taken = np.arange(len(right))[:, None]
    best = np.zeros(truth.shape[1])
    for price in np.geomspace(1e-4, 1, 60):
        cuts = (right / truth.sum(axis=0) + price * (right - PRECISION_GOAL * taken)).argmax(axis=0)
        hits = right[cuts, np.arange(len(cuts))]
        recall = hits / truth.sum(axis=0)
        if hits.sum() >= PRECISION_GOAL * cuts.sum() and recall.mean() > best.mean():
            best = recall
    return best


def ratio(hits: NDArray, of: NDArray) -> dict[str, Any]:
    """sum(hits) / sum(of) over queries, with a 95 % interval from drawing the queries again."""
    random = np.random.default_rng(0)
    draws = random.integers(0, len(of), (2000, len(of)))
    sums = of[draws].sum(axis=1)
    drawn = hits[draws].sum(axis=1)[sums > 0] / sums[sums > 0]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (0.0, 1.0)
    value = float(hits.sum() / of.sum()) if of.sum() else float("nan")
    return {"value": value, "low": float(low), "high": float(high), "n": len(of)}


def table(result: dict[str, Any]) -> str:
    """The stored figures as docs/search.md shows them."""

    def cell(figure: dict[str, Any]) -> str:
        return f"{figure['value']:.0%} ({figure['low']:.0%} – {figure['high']:.0%})"

    head = [
        "collection",
        "queries",
        "likely images",
        "precision",
        "recall",
        "queries with a likely match",
        "false alarms",
    ]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for name, key in (("photographs of 200 ImageNet classes", "photos"), ("CIFAR-10, 5,000 images", "cifar10")):
        one = result[key]
        cells = [cell(one[k]) for k in ("precision", "recall", "queries_with_likely", "false_alarms")]
        lines.append(f"| {name} | {one['precision']['n']} names | {one['likely']} | {' | '.join(cells)} |")
    one = result["coco"]
    cells = [cell(one[k]) for k in ("precision", "recall", "queries_with_likely")]
    words = f"{one['precision']['n']} everyday words"
    lines.append(
        f"| photographs of COCO, {one['images']} images | {words} | {one['likely']} | {' | '.join(cells)} | – |"
    )
    for name, key in (("CIFAR-10", "cifar10"), ("photographs of COCO", "coco")):
        absent = result[key]["absent_words"]
        lines.append(f"| {name}, words that no image shows | {absent['n']} words | – | – | – | – | {cell(absent)} |")
    described, best = cell(one["precision_well_described"]), cell(one["best_recall"])
    limits = (
        f"Of the likely images of COCO with {WELL_DESCRIBED} captions each, {described} are right; one caption leaves "
        f"out much of what an image shows. If the threshold of each word were chosen with the captions in view, a "
        f"precision of {PRECISION_GOAL:.0%} would allow a recall of {best}: no threshold on these scores reaches more."
    )
    verdict = "shown by default" if result["trusted"] else "off by default, and the page says so"
    told = (
        f"With `{result['encoder']}` the threshold is **{verdict}** "
        f"(this requires a precision of at least {PRECISION_GOAL:.0%} on each collection, on COCO with "
        f"{WELL_DESCRIBED} captions an image, and at most {MOST_ALARMS:.0%} false alarms for the photographs of "
        "ImageNet and for words that no image shows)"
    )
    return "\n".join([*lines, "", limits, "", f"{told}. Intervals are 95 %, over queries."])


def with_table(text: str, result: dict[str, Any]) -> str:
    """The page's text with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(result)}\n{END}{after}"


def built(coco: Path, folder: Path, encoder: Encoder) -> Collection:
    """A collection of the split val of COCO's captions; an image with several has them on lines."""
    rows = pd.read_csv(coco).query("split == 'val'")
    rows = rows.groupby("path", sort=False)["caption"].agg("\n".join).reset_index()
    rows["path"] = [str((coco.parent / path).resolve()) for path in rows["path"]]  # the images stay where they are
    rows.to_csv(folder / "val.csv", index=False)
    build_collection([folder / "val.csv"], folder / "coco", encoder)
    return Collection.open(folder / "coco")


@click.command()
@click.option("--photos", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--cifar10", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--coco", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--encoder", default="starter", show_default=True)
def main(photos: Path, cifar10: Path, coco: Path, encoder: str) -> None:
    """Measure the relevance line of ENCODER."""
    loaded = load_encoder(encoder)
    result: dict[str, Any] = {
        "encoder": encoder,
        "fingerprint": loaded.fingerprint,
        "lines": [ABOVE_IMAGE, ABOVE_COLLECTION],
    }
    with tempfile.TemporaryDirectory() as folder:
        for key, source in {"photos": photos, "cifar10": cifar10}.items():
            build_collection([source], Path(folder, key), loaded)
            collection = Collection.open(Path(folder, key))
            truth = read_labels(collection, str(photos / "labels.csv") if key == "photos" else "label_name")
            labels = truth.fillna("").astype(str).to_numpy()
            names = sorted(set(labels) - {""})
            result[key] = measure(collection, loaded, labels, names[1::2])
            result[key]["chosen_on"] = measure(collection, loaded, labels, names[::2])
            if key == "cifar10":
                result[key]["absent_words"] = absent_words(collection, loaded)
        result["coco"] = everyday(built(coco, Path(folder), loaded), loaded)
    # Not the false alarms of CIFAR-10's classes: of 4,500 images of other classes one decides.
    precisions = [
        result["photos"]["precision"],
        result["cifar10"]["precision"],
        result["coco"]["precision_well_described"],
    ]
    alarms = [result["photos"]["false_alarms"], *(result[key]["absent_words"] for key in ("cifar10", "coco"))]
    precise = all(one["value"] >= PRECISION_GOAL for one in precisions)
    result["trusted"] = precise and all(one["value"] <= MOST_ALARMS for one in alarms)
    if result["trusted"] != (encoder in TRUSTED):
        click.echo(f"index/retrieval/relevance.py says otherwise of {encoder}: TRUSTED = {TRUSTED}", err=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    PAGE.write_text(with_table(PAGE.read_text(), result))
    click.echo(table(result))


if __name__ == "__main__":
    main()
