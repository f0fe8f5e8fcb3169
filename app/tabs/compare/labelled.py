"""Every open encoder of the same images by their labels or captions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from app.language.current import _
from app.state.evaluations import CAPTIONS, LABELS, compared_in, last_evaluation, start_evaluation
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.same_images import encoder_label, same_images
from app.ui.command.command import index_command, places
from index.collection import Collection
from index.retrieval import caption_comparison, labelled_comparison
from training.models.errors import UserError

METRICS = {LABELS: labelled_comparison.METRICS, CAPTIONS: caption_comparison.METRICS}
OPTIONS = {LABELS: "--label", CAPTIONS: "--captions"}  # of the command


def sources(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the encoders of the images of the collection fields["a"] can be compared by: names of columns, or
    "corrections", of LABELS and of CAPTIONS."""
    return _sources(library.collection(fields.get("a")).published())


def _sources(collection: Collection) -> dict[str, list[str]]:
    return {
        LABELS: labelled_comparison.label_sources(collection),
        CAPTIONS: caption_comparison.caption_sources(collection),
    }


def evaluate(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Start to measure the encoders of the images of the collection fields["a"] by fields["source"], a column of
    fields["by"]."""
    first, by, source = library.collection(fields.get("a")), str(fields.get("by")), str(fields.get("source") or "")
    if source not in _sources(first.published()).get(by, []):
        raise UserError(_("Choose what to compare by; the column that was chosen is not there any more."))
    start_evaluation(library, first, by, source)
    return evaluated(library, fields)


def evaluated(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """How far the newest evaluation that began with the collection fields["a"] is and, once it is done, its figures."""
    job = last_evaluation(library, library.collection(fields.get("a")))
    if job is None:
        return {"state": ""}
    if job.state == "failed":
        raise UserError(job.error)
    by, source = map(str, job.fields[:2])
    response: dict[str, Any] = {"state": job.state, "by": by, "source": source, "seconds": job.seconds}
    if job.state == "running":
        return response
    opened = compared_in(library, job)
    keys = {one.key for one in opened}
    without = [one for one in same_images(library, opened[0]) if by == CAPTIONS and one.key not in keys]
    response |= {"encoders": [encoder_label(one) for one in opened], "metrics": METRICS[by]}
    response["without"] = [encoder_label(one) for one in without]
    return response | {"command": command(library, opened, by, source), **asdict(job.result)}


def command(library: Library, opened: Sequence[OpenCollection], by: str, source: str) -> str:
    """The command line that gives the same figures; "" where generations of a collection are compared."""
    folders = places(library, opened)
    return index_command("compare", *folders, OPTIONS[by], source) if folders else ""
