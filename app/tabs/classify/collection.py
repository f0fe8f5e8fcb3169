"""Labels of a whole collection as the page shows them: counts, and the images of each class."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from app.language.current import _
from app.state.labellings import finished, labelling_job
from app.state.labellings import start_labelling as start_job
from app.state.library import Library
from app.state.search_requests import PAGE
from app.tabs.classify.form import CUSTOM, FIELDS, Form, read_form, understood
from app.ui.command.command import label_command
from index.labels.listing import Listing, labelled_as, mistaken
from index.labels.request import NONE
from index.labels.result import LabelResult
from training.models.errors import UserError
from training.models.file_names import file_name


def start_labelling(library: Library, where: dict[str, Any], form: Form, learn: bool = False) -> dict[str, Any]:
    """Label every image of the collection in the background; the response names the job. learn: from corrections."""
    opened = library.collection(where.get("collection"))
    request = replace(read_form(form), learn=learn)
    job = start_job(library, opened, request, tuple(form.get(name) for name in FIELDS))
    return labelling_state(library, job.id)


def labelling_state(library: Library, id: str | None) -> dict[str, Any]:
    """How far a labelling job is and, once it is done, what came out."""
    job = labelling_job(library, id)
    if job.state == "failed":
        raise UserError(job.error)
    response: dict[str, Any] = {"job": job.id, "state": job.state, "done": job.done, "total": job.total}
    if job.state == "done":
        form = dict(zip(FIELDS, job.fields, strict=True))
        response |= {"seconds": job.seconds, "understood": understood(form, job.result.request)}
        response |= summary(library, job.id)
        templates = "" if form["templates"] == CUSTOM else str(form["templates"])
        response["command"] = label_command(library, library.collection(job.about), job.result.request, templates)
    return response


def summary(library: Library, id: str | None) -> dict[str, Any]:
    """What a finished labelling says of itself, as it is now: counts, corrections, calibration, learning."""
    job, labelling = finished(library, id)
    result = labelling.result
    known, learned = result.ground_truth, result.learned
    classes = [
        {"name": name, "answer": k, "images": count, "none": name is NONE}
        for k, (name, count) in enumerate(zip(result.answers, result.counts, strict=True))
    ]
    return {
        "job": job.id,
        "collection": job.about,
        "images": len(result.labels),
        "classes": sorted(classes, key=lambda c: -c["images"]),
        "independent": result.request.mode == "any",
        "encoder": result.classifier.encoder.name,
        "corrections": len(known.corrected),
        "canUndo": labelling.can_undo,
        "column": known.column,
        "known": len(known.rows),
        "others": known.others,
        "calibration": result.classifier.calibration.as_dict(),
        "learned": None
        if learned is None
        else {
            "helps": learned.helps,
            "before": learned.before,
            "after": learned.after,
            "gained": learned.gained,
            "lost": learned.lost,
            "elsewhere": labelling.held_out_accuracy() if learned.helps else None,
        },
    }


def labelled_images(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """A page of the images of `listed_rows`, and the version of their list."""
    job, labelling = finished(library, request.get("job"))
    result = labelling.result
    listed = listing(result, request)
    try:
        offset = max(0, int(request.get("offset") or 0))
    except (TypeError, ValueError):
        offset = 0
    return {
        "hits": image_rows(result, listed.rows[offset : offset + PAGE]),
        "total": len(listed),
        "version": listed.version,
        "collection": job.about,
    }


def listing(result: LabelResult, request: dict[str, Any]) -> Listing:
    """Images that got request["answer"], by request["order"]; or those of one cell of the matrix, request["truth"]
    and request["given"]."""
    if request.get("truth") is not None:
        return mistaken(result, answer_number(result, request["truth"]), answer_number(result, request.get("given")))
    return labelled_as(result, answer_number(result, request.get("answer")), str(request.get("order")))


def image_rows(result: LabelResult, rows: Iterable[int]) -> list[dict[str, Any]]:
    """Images as the page shows them: id, name, label, probability, runner-up, margin, and a person's answer."""
    items, predictions, names = result.collection.items, result.predictions, result.answers
    shown = []
    for row in map(int, rows):
        second = int(predictions.runner_up[row])
        shown.append(
            {
                "id": items["id"].iat[row],
                "name": items["caption"].iat[row] or file_name(items["path"].iat[row]),
                "answer": int(predictions.label[row]),
                "label": names[predictions.label[row]],
                "probability": round(float(predictions.probability[row]), 4),
                "second": second,
                "runnerUp": names[second] if second >= 0 else "",
                "margin": round(float(predictions.margin[row]), 4),
                "corrected": names[result.labels[row]] if row in result.corrected else "",
            }
        )
    return shown


def answer_number(result: LabelResult, value: object) -> int:
    """value as one of the classes, or the number after them for none of them; UserError if it is neither."""
    try:
        number = int(str(value))
    except ValueError as error:
        raise UserError(_("There is no such class; label the collection again.")) from error
    if not 0 <= number <= len(result.request.classes):
        raise UserError(_("There is no such class; label the collection again."))
    return number
