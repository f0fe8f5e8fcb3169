"""The command compare: encoders on the same images, by labels or by captions."""

from dataclasses import asdict
from pathlib import Path

import click

from index.cli.options import as_json_option, run_options
from training.models.console import ProgressLine, answer
from training.models.errors import UserError
from training.models.intervals import Figure


@click.command()
@click.argument("collections", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR DIR ...")
@click.option("--label", metavar="COLUMN|FILE|corrections", help="Where the true labels are.")
@click.option("--captions", metavar="COLUMN", help="Measure text-to-image retrieval by the captions in this column.")
@run_options
@as_json_option
def compare(
    collections: tuple[Path, ...],
    label: str | None,
    captions: str | None,
    runtime: str | None,
    precision: str | None,
    as_json: bool,
) -> None:
    """Compare the encoders of collections of the same images by labels or by captions.

    By labels, each image searches among the others; those with its label are right. By captions, each caption searches
    among the images; its own are right. Differences are from the first collection, with paired 95 % intervals.
    """
    from index.collection import Collection
    from index.retrieval import caption_comparison, labelled_comparison
    from index.storage.manifest import precision_of
    from training.models.encoders import load_encoder

    if (label is None) == (captions is None):
        raise UserError("Give either --label or --captions: what the encoders are compared by.")
    opened = [Collection.open(path) for path in collections]
    metrics = caption_comparison.METRICS if captions else labelled_comparison.METRICS
    result: caption_comparison.CaptionComparison | labelled_comparison.LabelledComparison
    if captions is not None:
        encoders = [load_encoder(one.encoder_name, runtime, precision_of(one.manifest, precision)) for one in opened]
        line = ProgressLine("Searching", as_json)
        result = caption_comparison.compare_by_captions(opened, encoders, captions, progress=line.show)
        line.close()
        heading = f"{result.captions:,} captions of {result.images:,} images by {captions}, text to image"
    else:
        result = labelled_comparison.compare_by_labels(opened, str(label))
        heading = f"{result.images:,} images with a label by {label}"
    names = [one.manifest.encoder for one in opened]
    rows = list(zip(names, result.figures, strict=True))
    rows += [(f"{name} − {names[0]}", figures) for name, figures in zip(names[1:], result.differences[1:], strict=True)]
    lines = [heading, "| encoder | " + " | ".join(metrics) + " |", "|---|" + "---|" * len(metrics)]
    for name, figures in rows:
        lines.append(f"| {name} | " + " | ".join(_text(figures[metric]) for metric in metrics) + " |")
    answer(as_json, {"encoders": names, **asdict(result)}, "\n".join(lines))


def _text(figure: Figure) -> str:
    return f"{100 * figure['value']:.1f} ({100 * figure['low']:.1f} – {100 * figure['high']:.1f})"
