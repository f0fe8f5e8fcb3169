"""The labels that an export takes: of a column, of a CSV file, a person's corrections, or by classes."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from index.collection import Collection
from index.export.report import Report
from index.export.selection import Selection
from index.export.zips import zip_pieces
from index.labels.ground_truth import read_labels
from index.labels.result import LabelResult
from index.storage.corrections import read_corrections
from index.storage.tags import read_tags
from training.models.errors import UserError

CORRECTIONS, TAGS = "corrections", "tags"
Labels = Mapping[int, str]  # by row


def labels_of(collection: Collection, spec: str) -> Labels | None:
    """The label of each row that has one: spec is "corrections", "tags" (the first of each), a column, or a CSV file
    with paths and labels.

    None if spec is none of these, and so may be a list of classes. UserError if no image of the collection has one.
    """
    if spec == CORRECTIONS:
        stored = read_corrections(collection.path)
        ids = collection.column("id")
        found = {row: stored[id] for row, id in enumerate(ids) if stored.get(id)}
    elif spec == TAGS:
        tags = read_tags(collection.path)
        found = {row: tags[id][0] for row, id in enumerate(collection.column("id")) if tags.get(id)}
    elif spec in collection.columns or Path(spec).suffix.lower() == ".csv":
        labels = read_labels(collection, spec)
        found = {row: str(label) for row, label in enumerate(labels) if isinstance(label, str) and label.strip()}
    else:
        return None
    if not found:
        raise UserError(f"{spec} has a label for none of the images of {collection.name}; do the paths agree?")
    return found


def labels_of_result(result: LabelResult) -> Labels:
    """The label of each row that shows one of the classes."""
    classes = len(result.request.classes)  # what comes after them is the answer for none of them
    return {row: result.answers[label] for row, label in enumerate(result.labels.tolist()) if label < classes}


def labelled_originals(result: LabelResult) -> Iterator[bytes]:
    """A zip of the originals in one folder a label, a piece at a time."""
    selection = Selection.of(result.collection, None, labels_of_result(result))
    return zip_pieces(selection, Report("zip", "zip", len(selection)))
