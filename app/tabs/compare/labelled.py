"""Every open encoder of the same images by their labels."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from app.language.current import _
from app.state.evaluations import compared_in, last_evaluation, start_evaluation
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.same_images import encoder_label
from app.ui.command.command import index_command, places
from index.retrieval.labelled_comparison import METRICS, label_sources
from training.models.errors import UserError


def sources(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What can be the ground truth of the collection fields["a"]: names of columns, or "corrections"."""
    return {"sources": label_sources(library.collection(fields.get("a")).published())}


def by_labels(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Start to measure the encoders of the images of the collection fields["a"] by fields["source"]."""
    first, source = library.collection(fields.get("a")), str(fields.get("source") or "")
    if source not in label_sources(first.published()):
        raise UserError(_("Choose what the labels are; the column that was chosen is not there any more."))
    start_evaluation(library, first, source)
    return evaluated(library, fields)


def evaluated(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """How far the newest evaluation that began with the collection fields["a"] is and, once it is done, its figures."""
    job = last_evaluation(library, library.collection(fields.get("a")))
    if job is None:
        return {"state": ""}
    if job.state == "failed":
        raise UserError(job.error)
    source = str(job.fields[0])
    response: dict[str, Any] = {"state": job.state, "source": source, "seconds": job.seconds}
    if job.state == "running":
        return response
    opened = compared_in(library, job)
    response |= {"encoders": [encoder_label(one) for one in opened], "metrics": METRICS}
    return response | {"command": command(library, opened, source), **asdict(job.result)}


def command(library: Library, opened: Sequence[OpenCollection], source: str) -> str:
    """The command line that gives the same figures; "" where generations of a collection are compared."""
    folders = places(library, opened)
    return index_command("compare", *folders, "--label", source) if folders else ""
