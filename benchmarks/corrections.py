"""Does learning from corrections help? A person's review acted out on labelled images, judged on others.

    python benchmarks/corrections.py --photos FOLDER --cifar10 FILE.parquet

Sources as benchmarks/starter.py explains them. Half of the images (of the few photographs, three quarters) are
those a person reviews, the rest are only judged. Labels are given by words alone; then the person gives the true
class of 20, 30 and 100 images, the closest calls first as the review lane shows them, or drawn by chance; then
`learn` is asked, and what it learned is used if it says that it helps, as the page does. Every row is a mean over
seeds that part the images anew, with the least and the most of them.

CIFAR-10 has ten classes; its images are 32 pixels wide. The photographs are one an ImageNet class, so that
nothing could be learned of those; they are put into the seven kinds below, by words that name the kind.

How learning works was chosen on images of CIFAR-10's training part; these are of its validation part. The
result is kept beside this script as corrections.json and shown in docs/labelling.md.
"""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))


from index.build import build_collection
from index.collection import Collection
from index.labels.classifier import make_classifier
from index.labels.fitting import learned_from
from index.labels.ground_truth import UNKNOWN, GroundTruth, read_labels
from index.labels.predictions import predict
from index.labels.request import LabelRequest
from training.models.encoder import Encoder
from training.models.encoders import load_encoder
from training.models.prompts import template_set
from training.models.zero_shot import ClassEmbeddings, ClassName

RESULT = Path(__file__).parent / "results/corrections.json"
PAGE = Path(__file__).parent.parent / "docs" / "labelling.md"
BEGIN, END = "<!-- figures: made by benchmarks/corrections.py -->", "<!-- end of figures -->"
COUNTS = (20, 30, 100)
ORDERS = {"close": "uncertain first", "any": "random"}

# Kinds of ImageNet's classes by the first letters of their WordNet numbers, which are the names of the files.
KINDS = {
    "dog": "n0208 n0209 n0210 n02111 n02112 n02113",
    "other animal with fur": "n02114 n02119 n0212 n0213 n02328 n0236 n0239 n024",
    "bird": "n0151 n0153 n0158 n0161 n0179 n0181 n0182 n0184 n0200 n0201 n0203",
    "reptile or amphibian": "n0163 n0164 n0166 n0168 n0169 n0172 n0173 n0174 n0175",
    "vehicle": "n02701 n02951 n03272 n03670 n03773 n03930 n04065 n04252 n04266 n04285 n04389 n04467",
    "clothing": "n02869 n02883 n03047 n03325 n03630 n03763 n03787 n03877 n04371 n04532 n04356",
    "food or mushroom": "n076 n077 n078 n079 n1214 n1299 n1305",
}


def kinds(photos: Path, into: Path) -> dict[str, str]:
    """Link the photographs that are of one of KINDS into a folder, and tell the kind of each file there."""
    into.mkdir()
    of = {
        file.name: kind
        for file in sorted(photos.iterdir())
        for kind, numbers in KINDS.items()
        if file.name.startswith(tuple(numbers.split()))
    }
    for name in of:
        (into / name).symlink_to((photos / name).resolve())
    return of


def measure(
    collection: Collection, encoder: Encoder, truth: NDArray[np.int64], names: list[str], reviewed: float, seeds: int
) -> list[dict[str, Any]]:
    """One row for each order and number of corrections. truth: [N], numbers of names. reviewed: the share that
    a person may correct."""
    request = LabelRequest(tuple(map(ClassName, names)), tuple(template_set("photo")))
    plain = make_classifier(request, ClassEmbeddings(encoder))
    guess = predict(plain, collection)
    rows = []
    for order, count in ((order, count) for order in ORDERS for count in COUNTS):
        runs = []
        for seed in range(seeds):
            drawn = np.random.default_rng(seed).permutation(len(truth))
            own, rest = np.split(drawn, [int(reviewed * len(truth))])
            if count > len(own):
                continue
            queue = own[np.argsort(guess.margin[own], kind="stable")] if order == "close" else own
            told = np.full(len(truth), UNKNOWN)
            told[queue[:count]] = truth[queue[:count]]
            learned = learned_from(plain, collection, GroundTruth(told, corrected=queue[:count]))
            labels = predict(replace(plain, adapter=learned.adapter), collection).label
            before, always = (float((given[rest] == truth[rest]).mean()) for given in (guess.label, labels))
            runs.append((learned.helps, before, always if learned.helps else before, always))
        if runs:
            used, before, after, always = np.array(runs, float).T
            row: dict[str, Any] = {"order": order, "corrections": count, "judged": len(rest), "seeds": len(runs)}
            row |= {"used": float(used.mean()), "before": _spread(before), "after": _spread(after)}
            rows.append(row | {"gain": _spread(after - before), "gain_if_always_used": _spread(always - before)})
    return rows


def _spread(figures: NDArray) -> dict[str, float]:
    return {"mean": float(figures.mean()), "least": float(figures.min()), "most": float(figures.max())}


def table(result: dict[str, Any]) -> str:
    """The stored figures as docs/labelling.md shows them."""
    head = ["images", "reviewed", "test images", "runs", "before", "after", "gain", "used"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for name, key in (("CIFAR-10, ten classes", "cifar10"), ("photographs, seven classes", "photos")):
        for row in result[key]:
            gain = row["gain"]
            cells = [
                name,
                f"{row['corrections']}, {ORDERS[row['order']]}",
                f"{row['judged']:,}",
                str(row["seeds"]),
                f"{row['before']['mean']:.1%}",
                f"{row['after']['mean']:.1%}",
                f"{100 * gain['mean']:+.1f} ({100 * gain['least']:+.1f} – {100 * gain['most']:+.1f})",
                f"{row['used']:.0%}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def with_table(text: str, result: dict[str, Any]) -> str:
    """The page's text with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(result)}\n{END}{after}"


@click.command()
@click.option("--photos", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--cifar10", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--encoder", "name", default="starter", show_default=True)
@click.option("--seeds", default=20, show_default=True, type=click.IntRange(3))
def main(photos: Path, cifar10: Path, name: str, seeds: int) -> None:
    """Measure what learning from corrections is worth to ENCODER."""
    encoder = load_encoder(name)
    result: dict[str, Any] = {"encoder": encoder.name, "fingerprint": encoder.fingerprint}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        of = kinds(photos, folder / "kinds")
        for key, source, reviewed in (("cifar10", cifar10, 0.5), ("photos", folder / "kinds", 0.75)):
            build_collection([source], folder / key, encoder)
            collection = Collection.open(folder / key)
            words = read_labels(collection, "label_name") if key == "cifar10" else collection.items["path"].map(of)
            names = sorted(words.unique())
            truth = words.map({word: at for at, word in enumerate(names)}).to_numpy(np.int64)
            result[key] = measure(collection, encoder, truth, names, reviewed, seeds)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    PAGE.write_text(with_table(PAGE.read_text(), result))
    click.echo(table(result))


if __name__ == "__main__":
    main()
