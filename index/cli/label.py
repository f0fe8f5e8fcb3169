"""python -m index label: the class whose text embeddings lie nearest to each image."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from index.cli.options import as_json_option, collection_argument, run_options
from training.models.console import ProgressLine, answer, written_to
from training.models.errors import UserError

if TYPE_CHECKING:
    from index.collection import Collection
    from index.labels.queue import Member, Order
    from index.labels.request import LabelRequest


LONGEST_PATH = 4096  # bytes: a longer list of classes is no file


@click.command()
@collection_argument
@click.option("--classes", required=True, help='A file with one class per line, such lines, or "cat,dog,horse".')
@click.option(
    "--templates",
    default="photo",
    show_default=True,
    help="Prompt templates: plain, photo, 7, 80, or a file with one template with {} per line, or such lines.",
)
@click.option("--any", "any_of", is_flag=True, help="Decide for each class separately whether an image shows it.")
@click.option("--none", is_flag=True, help='Add the class "none", for images of none of the classes.')
@click.option("--none-level", default=0.0, help='Logits that are added to those of "none".')
@click.option(
    "--calibrate/--no-calibrate",
    default=True,
    show_default=True,
    help="Calibrate probabilities on the labels in the collection, if there are 20 or more.",
)
@click.option("--unscaled", is_flag=True, help="Probabilities of temperature 1: the softmax of the plain cosines.")
@click.option(
    "--corrections/--no-corrections",
    default=True,
    show_default=True,
    help="Use stored corrections: as labels of their images, and as ground truth.",
)
@click.option(
    "--learn", is_flag=True, help="Also adapt the labels of other images to the corrections, if that raises accuracy."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the labels to this CSV file, or to JSON if it ends in .json.",
)
@click.option("--truth", help="Ground truth to measure accuracy: a column, or a CSV file with paths and labels.")
@click.option(
    "--class-depth",
    type=click.IntRange(0),
    help="Folders, from the top, that make the class for --truth folder; 0 for all. [default: what names the most]",
)
@click.option(
    "--queue",
    type=click.Choice(["margin", "entropy", "disagreement", "random"]),
    help="Also list the images to label by hand next: by the smallest margin of probabilities, by their entropy, or "
    "by the disagreement with --second.",
)
@click.option(
    "--second", metavar="NAME|DIR", help="Another encoder of DIR, or a collection of the same images by another one."
)
@click.option("-k", "count", type=click.IntRange(1), default=24, show_default=True, help="Images in the queue.")
@as_json_option
@run_options
def label(
    collection: Path,
    classes: str,
    templates: str,
    any_of: bool,
    none: bool,
    none_level: float,
    calibrate: bool,
    unscaled: bool,
    corrections: bool,
    learn: bool,
    out: Path | None,
    truth: str | None,
    class_depth: int | None,
    queue: "Order | None",
    second: str | None,
    count: int,
    as_json: bool,
    runtime: str | None,
    precision: str | None,
) -> None:
    """Label every image in DIR with one of your classes (zero-shot).

    In a file, a line `name: synonym, synonym` gives a class synonyms.
    """
    from index.collection import Collection
    from index.label import Labelling, LabelRequest, labels_csv
    from index.labels.export import labels_json
    from index.labels.ground_truth import named_truth
    from index.storage.manifest import precision_of
    from training.models.atomic import write_file
    from training.models.encoders import load_encoder
    from training.models.prompts import template_set
    from training.models.zero_shot import ClassEmbeddings, parse_classes

    request = LabelRequest(
        tuple(parse_classes(class_text(classes))),
        tuple(template_set(templates)),
        mode="any" if any_of else "one",
        none=none,
        none_level=none_level,
        calibration="unscaled" if unscaled else "calibrated" if calibrate else "uncalibrated",
        corrections=corrections,
        learn=learn,
    )
    if any_of and truth:
        raise UserError("--truth gives one label an image, which does not measure --any; leave one of them out.")
    if class_depth is not None and truth != "folder":
        raise UserError("--class-depth says which folders make the class, so it goes with --truth folder.")
    opened = Collection.open(collection)
    true_labels = named_truth(opened, request, truth, class_depth) if truth else None
    encoder = load_encoder(opened.encoder_name, runtime, precision_of(opened.manifest, precision))
    if (queue == "disagreement") != (second is not None):
        raise UserError("--queue disagreement and --second go together: the encoder that it is compared with.")
    member = second_member(opened, request, second, runtime, precision) if second else None
    line = ProgressLine("Labelling", as_json)
    labelling = Labelling(opened, ClassEmbeddings(encoder), request, line.show)
    line.close()
    result = labelling.result
    document = result.summary()
    if queue is not None:
        document["queue"] = result.records(labelling.to_review(queue, count, member))
    if true_labels is not None:
        document["top1"] = result.accuracy(true_labels)
        document["not_offered"] = true_labels.others
    if out is not None:
        content = labels_json(result) if out.suffix.lower() == ".json" else labels_csv(result)
        with written_to(out):
            write_file(out, content.encode())
        document["out"] = str(out)
    answer(as_json, document, _text(document))


def _text(document: dict[str, Any]) -> str:
    """The summary as lines for a person."""
    counts = document["classes"]
    if not document["images"]:
        return "There are no images to label."
    lines = [f"{count:8,}  {name}" for name, count in counts.items() if count]
    calibration, truth = document["calibration"], document["ground_truth"]
    lines.append(
        f"Probabilities are calibrated on {calibration['labels']:,} labels."
        if document["calibrated"]
        else "Probabilities are not calibrated."
    )
    if truth["corrections"]:
        used = ", and other labels are adapted to them" if document["learned"] else ""
        lines.append(f"Corrections used: {truth['corrections']:,}{used}.")
    if "top1" in document:
        lines.append(
            "Accuracy: {value:.1%} (95 % interval {low:.1%} to {high:.1%}, {n:,} images)".format(**document["top1"])
        )
        if document["not_offered"]:
            lines.append(f"Of these, {document['not_offered']:,} have a true label that is not among the classes.")
    if "queue" in document:
        lines += ["To label next:"] if document["queue"] else ["Every image has a label by hand."]
        lines += [
            "{path}  {label}, {probability:.1%}, {margin:.1%} ahead of {runner_up}".format(**row)
            if row["runner_up"]
            else "{path}  {label}, {probability:.1%}".format(**row)
            for row in document["queue"]
        ]
    if "out" in document:
        lines.append(f"Written to {document['out']}")
    return "\n".join(lines)


def second_member(
    opened: "Collection", request: "LabelRequest", name: str, runtime: str | None, precision: str | None
) -> "Member":
    """The same images by another encoder: of a collection in the folder called name, or a generation of opened."""
    from index.collection import Collection
    from index.labels.labelling import collection_classifier
    from index.maintenance.generations import find_generation
    from index.storage.corrections import read_corrections
    from index.storage.layout import MANIFEST
    from index.storage.manifest import precision_of
    from training.models.encoders import load_encoder
    from training.models.zero_shot import ClassEmbeddings

    if (Path(name) / MANIFEST).is_file():
        other = Collection.open(name)
    else:
        other = Collection.open(opened.path, find_generation(opened.path, name).fingerprint)
    encoder = load_encoder(other.encoder_name, runtime, precision_of(other.manifest, precision))
    corrections = read_corrections(opened.path)
    return other, collection_classifier(request, ClassEmbeddings(encoder), other, corrections)


def class_text(classes: str) -> str:
    """A file's text, lines as they are, or "a,b,c" with a line each."""
    if "\n" in classes:
        return classes
    path = Path(classes)
    try:
        if len(os.fsencode(classes)) < LONGEST_PATH and path.is_file():
            return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{classes} cannot be read as text: {error}.") from error
    if path.suffix in (".txt", ".csv") and "," not in classes:
        raise UserError(f"There is no file {classes}; give a file with a class a line, or the classes with commas.")
    return classes.replace(",", "\n")
