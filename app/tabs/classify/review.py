"""Reviewing labels: the closest calls, corrections and what is learned from them, and how good the labels are."""

from dataclasses import asdict
from typing import Any

from app.language.current import _
from app.state.chosen import ChosenOfList
from app.state.labellings import finished, second_member
from app.state.library import Library
from app.state.same_images import encoder_label, same_images
from app.state.validation import validated
from app.tabs.classify.collection import answer_number, image_rows, listing, summary
from app.tabs.classify.form import class_lines
from index.labels.calibration import LEAST_LABELS
from index.labels.queue import ORDERS
from index.labels.result import LabelResult
from index.labels.tip_adapter import enough
from index.retrieval.choosing import Choice
from training.models.errors import UserError
from training.models.intervals import wilson_figure

QUEUE = 24  # images that are sent to be reviewed at a time
LONGEST_NAME = 200  # characters of a new class
MOST_CLASSES = 60  # of a matrix that a person can still read
MOST_EFFECTS = 100  # templates that are compared


def to_review(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """The next images to review, by request["order"]; for "disagreement", of the encoder of the collection
    request["second"]."""
    job, labelling = finished(library, request.get("job"))
    order = next((one for one in ORDERS if one == request.get("order")), ORDERS[0])
    member = second_member(library, request.get("second"), labelling) if order == "disagreement" else None
    result = labelling.result
    return {
        "queue": image_rows(result, labelling.to_review(order, QUEUE, member)),
        "left": len(result.labels) - len(result.corrected),
        "collection": job.about,
        **counts(library, job.id),
    }


def committee(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """The other encoders that have the images of a labelling and read text, by the keys of their collections."""
    job = finished(library, request.get("job"))[0]
    others = same_images(library, library.collection(job.about))[1:]
    reading = [one for one in others if library.encoder_state(one)["readsText"] is not False]
    return {"encoders": [{"key": one.key, "name": encoder_label(one)} for one in reading]}


def correct(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """Store request["answer"] for some images, or the new class request["name"]; with request["undo"] take the last
    answer back. Images are request["id"], or those chosen of a list: see `chosen_of`."""
    job, labelling = finished(library, request.get("job"))
    before, undone = labelling.request, ""
    if request.get("undo"):
        undone = labelling.undo()[0]
    else:
        ids = [str(request["id"])] if request.get("id") else chosen_of(labelling.result, request)
        if request.get("name"):
            labelling.add_class(str(request["name"])[:LONGEST_NAME], ids)
        else:
            labelling.correct(ids, answer_number(labelling.result, request.get("answer")))
    if labelling.request is before:
        return {"undone": undone, **counts(library, job.id)}
    job.fields = (class_lines(labelling.request), *job.fields[1:])  # a reload finds the class in the form
    return {"undone": undone, "classText": job.fields[0], **summary(library, job.id), **counts(library, job.id)}


def chosen_of(result: LabelResult, request: dict[str, Any]) -> list[str]:
    """The ids of request["chosen"], of the list request["of"]; UserError if nothing is chosen."""
    fields = validated(ChosenOfList, request.get("chosen") or {})
    choice = Choice(fields.spans, fields.ids, fields.left_out, fields.version)
    ids = listing(result, request.get("of") or {}).chosen(choice)
    if not ids:
        raise UserError(_("No image is chosen."))
    return ids


def learn(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """Learn from the corrections, or with request["on"] false forget; probabilities are calibrated anew either way."""
    job, labelling = finished(library, request.get("job"))
    labelling.learn(bool(request.get("on")))
    return summary(library, job.id)


def recalibrate(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """Fit probabilities to the labels that are known by now."""
    job, labelling = finished(library, request.get("job"))
    labelling.recalibrate()
    return summary(library, job.id)


def counts(library: Library, id: str) -> dict[str, Any]:
    """What a correction changes."""
    now = summary(library, id)
    request = finished(library, id)[1].request
    changed = ("classes", "corrections", "canUndo", "known")
    return {name: now[name] for name in changed} | {"needed": enough(len(request.classes))}


def measured(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """How good the labels are, where some are known: accuracy, the matrix, each class, and reliability."""
    result = finished(library, request.get("job"))[1].result
    known, matrix = result.ground_truth, result.matrix
    response: dict[str, Any] = {"names": result.answers, "known": len(known.rows)}
    response |= {"column": known.column, "others": known.others}
    response |= {"corrections": len(known.corrected), "least": LEAST_LABELS}
    response["byClass"] = result.by_class() if response["known"] else []
    if matrix is not None:
        response["accuracy"] = result.accuracy()
        response["matrix"] = matrix.tolist() if len(matrix) <= MOST_CLASSES else None
    calibration = result.classifier.calibration
    response["calibrated"] = [asdict(one) for one in calibration.by_class]
    for name in ("before", "after"):
        found = getattr(calibration, name)
        response[name] = None if found is None else asdict(found)
    return response


def compared_templates(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """What each template does to the labels: alone, and to the others when it is left out."""
    _, labelling = finished(library, request.get("job"))
    if labelling.request.mode == "any" or not 1 < len(labelling.request.templates) <= MOST_EFFECTS:
        return {"templates": []}
    effects = [asdict(effect) for effect in labelling.template_effects()]
    for effect in effects:
        effect["by_class"] = effect["by_class"][:MOST_CLASSES]
        if effect["known"]:
            effect["alone"] = wilson_figure(effect["right"], effect["known"])
    together = labelling.accuracy_of_sample()
    return {"templates": effects, "together": together, "names": labelling.result.answers}
