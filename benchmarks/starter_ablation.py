"""Which part of `starter` does what, and what was tried for a better one: an ablation with paired intervals.

    python benchmarks/starter_ablation.py --photos FOLDER --cifar10 FILE.parquet --coco FILE.csv --other FILE.csv

Sources as benchmarks/starter.py explains them. Every variant is fitted on the split train of COCO and on four fifths
of OpenMoji's families of drawings, and measured on what benchmarks/starter.py measures and on the other drawings. Its
differences to version 2, fitted alike, are in pairs. Settings are compared by cross-validation on the split train
alone: everyday words, and photographs by their captions, on the fifth that was left out. The result is kept beside
this script as starter_ablation.json, and its tables are written into training/models/starter.md. Some ten minutes on
two idle cores.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.starter import Measured, read
from benchmarks.starter_variants import DRAWINGS, ON_FOLDS, Ablation, Remembered, Sources
from index.ingest.throughput import machine
from training.data.sources import open_source
from training.models.intervals import figure_of
from training.models.sentence_encoder import SentenceEncoder
from training.starter.drawings import read_openmoji
from training.starter.photographs import read_photographs

RESULT = Path(__file__).parent / "results/starter_ablation.json"
CARD = Path(__file__).parent.parent / "training/models/starter.md"
BEGIN, END = "<!-- figures: made by benchmarks/starter_ablation.py -->", "<!-- end of these figures -->"
COLUMNS = {  # of the table: figures of benchmarks/starter.py
    "COCO": "COCO: photograph by its caption, recall@10",
    "another source": "another source: photograph by its caption, recall@10",
    "words": "COCO: everyday words, mean average precision",
    "general": "general words, mean average precision",
    "names": "photographs by all 1,000 names",
    "CIFAR-10": "CIFAR-10, ten classes",
    "drawings": DRAWINGS,
}
SEEN_TWICE = ("COCO", "another source", "words", "general", "names")  # columns of images with a second view


def compared(new: Measured, old: Measured) -> dict[str, Any]:
    """Each figure, and its difference in pairs."""
    return {name: {"value": figure_of(new[name]), "difference": figure_of(new[name] - old[name])} for name in new}


def table(stored: dict[str, dict[str, Any]], first: str, columns: dict[str, str]) -> str:
    """One row a variant: each figure in percent, with the interval of its difference to the first row's."""
    lines = [f"| {first} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for number, (name, figures) in enumerate(stored.items()):
        cells = [cell(figures[key], number > 0) if key in figures else "" for key in columns.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(figure: dict[str, Any], beside: bool) -> str:
    """A figure in percent; beside: with the interval of its difference, unless no item differs."""
    beside = beside and any(figure["difference"][end] for end in ("value", "low"))
    low, high = (f"{100 * figure['difference'][end]:+.1f}" for end in ("low", "high"))
    return f"{100 * figure['value']['value']:.1f}" + (f" ({low} – {high})" if beside else "")


def with_tables(card: str, result: dict[str, Any]) -> str:
    """The model card with the tables as they should be."""
    before, _, rest = card.partition(BEGIN)
    tables = [
        table(result["variants"], "bridge", COLUMNS),
        table(result["views"], "features, without drawings", {k: v for k, v in COLUMNS.items() if k in SEEN_TWICE}),
        table(result["curve"], "fitted on", COLUMNS),
        table(result["folds"], "setting, on folds of the training photographs", {name: name for name in ON_FOLDS}),
    ]
    return f"{before}{BEGIN}\n" + "\n\n".join(tables) + f"\n{END}{rest.partition(END)[2]}"


@click.command()
@click.option("--photos", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--cifar10", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--coco", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--other", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(photos: Path, cifar10: Path, coco: Path, other: Path) -> None:
    """Fit every variant, measure it, and keep the tables."""
    texts = Remembered(SentenceEncoder("openvino", "f32"))
    items = {split: [i for i in open_source(str(coco)) if i.metadata["split"] == split] for split in ("train", "val")}
    train = read_photographs(items["train"], texts)
    ablation = Ablation(read(photos, cifar10, coco, other, texts), train, read_openmoji(texts), texts)
    labels = pd.read_csv(photos / "labels.csv", dtype=str)
    sources: Sources = {
        "train": [item.read() for item in items["train"]],
        "COCO": [item.read() for item in items["val"]],
        "another source": [item.read() for item in open_source(str(other))],
        "photos": [(photos / file).read_bytes() for file in labels["file"]],
    }
    run(ablation, sources)


def run(ablation: Ablation, sources: Sources) -> None:
    """Measure and store, section by section."""
    result: dict[str, Any] = {"machine": machine()}

    def keep(section: str, measured: Iterable[tuple[str, Measured]]) -> None:
        base: Measured = {}
        result[section] = {}
        for name, one in measured:
            base = base or one
            result[section][name] = compared(one, base)
            click.echo(f"{section}: {name}", err=True)
        RESULT.write_text(json.dumps(result, indent=1) + "\n")

    keep("variants", ((name, ablation.measured(make())) for name, make in ablation.variants().items()))
    keep("folds", ((called(settings), one) for settings, one in ablation.cross_validated()))
    keep("curve", ablation.curve())
    keep("views", ablation.views(sources))
    CARD.write_text(with_tables(CARD.read_text(), result))


def called(settings: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in settings.items()) or "as shipped"


if __name__ == "__main__":
    main()
