"""The command compare: encoders on the same labelled images."""

from dataclasses import asdict
from pathlib import Path

import click

from index.cli.options import as_json_option
from training.models.console import answer
from training.models.intervals import Figure


@click.command()
@click.argument("collections", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR DIR ...")
@click.option("--label", required=True, metavar="COLUMN|FILE|corrections", help="Where the true labels are.")
@as_json_option
def compare(collections: tuple[Path, ...], label: str, as_json: bool) -> None:
    """Compare the encoders of collections of the same images by their labels.

    Each image searches among the others; those with its label are right. Differences are from the first collection,
    with paired 95 % intervals.
    """
    from index.collection import Collection
    from index.retrieval.labelled_comparison import METRICS, compare_by_labels

    opened = [Collection.open(path) for path in collections]
    result = compare_by_labels(opened, label)
    encoders = [one.manifest.encoder for one in opened]
    lines = [f"{result.images:,} images with a label by {label}"]
    lines += ["| encoder | " + " | ".join(METRICS) + " |", "|---|" + "---|" * len(METRICS)]
    for encoder, figures in zip(encoders, result.figures, strict=True):
        lines.append(f"| {encoder} | " + " | ".join(_text(figures[name]) for name in METRICS) + " |")
    for encoder, figures in list(zip(encoders, result.differences, strict=True))[1:]:
        lines.append(f"| {encoder} − {encoders[0]} | " + " | ".join(_text(figures[name]) for name in METRICS) + " |")
    answer(as_json, {"encoders": encoders, **asdict(result)}, "\n".join(lines))


def _text(figure: Figure) -> str:
    return f"{100 * figure['value']:.1f} ({100 * figure['low']:.1f} – {100 * figure['high']:.1f})"
