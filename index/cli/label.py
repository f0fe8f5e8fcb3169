"""python -m index label: every image by the class whose words lie nearest."""

from pathlib import Path

import click

from index.cli.options import as_json_option, collection_argument, run_options
from training.models.console import ProgressLine, answer
from training.models.errors import UserError


@click.command()
@collection_argument
@click.option("--classes", required=True, help='A file with a class a line, or "cat,dog,horse".')
@click.option("--templates", default="photo", show_default=True, help="plain, photo, 7, 80, or a file with {} a line.")
@click.option("--none", is_flag=True, help='Allow the answer "none" for images of something else.')
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where labels.csv goes.")
@click.option("--truth", help="The true labels, to count what is right: a column, or a CSV with a path and a label.")
@as_json_option
@run_options
def label(
    collection: Path,
    classes: str,
    templates: str,
    none: bool,
    out: Path | None,
    truth: str | None,
    as_json: bool,
    runtime: str | None,
    precision: str | None,
) -> None:
    """Label every image in DIR by the class whose words lie nearest.

    In a file, `name: synonym, synonym` gives a class further words.
    """
    from index.collection import Collection, precision_of
    from index.label import label_collection, labels_csv, summary
    from index.labels.true_labels import accuracy, not_offered, true_labels
    from training.models.atomic import write_file
    from training.models.encoders import load_encoder
    from training.models.prompts import template_set
    from training.models.zero_shot import parse_classes

    wanted = parse_classes(_class_text(classes))
    phrases = template_set(templates)
    opened = Collection.open(collection)
    right = true_labels(opened, truth) if truth else None
    encoder = load_encoder(opened.encoder_name, runtime, precision_of(opened.manifest, precision))
    line = ProgressLine("Labelling", as_json)
    labels = label_collection(opened, encoder, wanted, phrases, none=none, progress=line.show)
    line.close()
    document = summary(labels, wanted, encoder)
    text = "\n".join(f"{count:8,}  {name}" for name, count in document["classes"].items() if count)
    if right is not None:
        document["top1"] = accuracy(labels["label"], right)
        document["not_offered"] = not_offered(right, [c.name for c in wanted])
        text += "\nRight: {value:.1%} (95 % interval {low:.1%} to {high:.1%}, {n:,} images)".format(**document["top1"])
        if document["not_offered"]:
            text += f"\nOf these, {document['not_offered']:,} have a true label that is not among the classes."
    if out is not None:
        try:
            write_file(out, labels_csv(labels).encode())
        except OSError as error:
            raise UserError(f"{out} cannot be written: {error.strerror}.") from error
        document["out"] = str(out)
        text += f"\nWritten to {out}"
    answer(as_json, document, text or "There are no images to label.")


def _class_text(classes: str) -> str:
    """A file's text, or "a,b,c" with a line each."""
    path = Path(classes)
    try:
        if path.is_file():
            return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{classes} cannot be read as text: {error}.") from error
    if path.suffix in (".txt", ".csv") and "," not in classes:
        raise UserError(f"There is no file {classes}; give a file with a class a line, or the classes with commas.")
    return classes.replace(",", "\n")
