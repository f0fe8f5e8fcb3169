"""Every open encoder of the same images by their labels."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.language.current import _
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.same_images import encoder_label, same_images
from index.retrieval.labelled_comparison import METRICS, compare_by_labels, label_sources
from training.models.commands import as_started
from training.models.errors import UserError


def sources(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What can be the ground truth of the collection fields["a"]: names of columns, or "corrections"."""
    return {"sources": label_sources(library.collection(fields.get("a")).published())}


def by_labels(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of the collection fields["a"] and of the others that have its images, by fields["source"]."""
    opened = same_images(library, library.collection(fields.get("a")))
    source = str(fields.get("source") or "")
    if source not in label_sources(opened[0].published()):
        raise UserError(_("Choose what the labels are; the column that was chosen is not there any more."))
    result = compare_by_labels([one.published() for one in opened], source)
    return {
        "encoders": [encoder_label(one) for one in opened],
        "metrics": METRICS,
        "command": command(library, opened, source),
        **asdict(result),
    }


def command(library: Library, opened: list[OpenCollection], source: str) -> str:
    """The command line that gives the same figures; paths are for this computer only."""
    paths = [str(one.path) if library.local else f"{one.name}.gelato" for one in opened]
    if len(set(paths)) < len(paths):
        return ""  # generations of one collection, of which a command sees the one that serves
    return as_started(f"python -m index compare {shlex.join(paths)} --label {shlex.quote(source)}")
