"""Reviewing labels: the closest calls, corrections and what is learned from them, and how good the labels are."""

from dataclasses import asdict
from typing import Any

from app.state.labellings import finished
from app.state.library import Library
from app.tabs.classify.collection import answer_number, image_rows, summary
from index.labels.calibration import LEAST_LABELS
from index.labels.tip_adapter import enough
from training.models.intervals import wilson_figure

QUEUE = 24  # images that are sent to be reviewed at a time
MOST_CLASSES = 60  # of a matrix that a person can still read
MOST_EFFECTS = 100  # templates that are compared


def to_review(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """The next images to review, by request["order"]: "close" or "any"."""
    job, labelling = finished(library, request.get("job"))
    result = labelling.result
    rows = result.unreviewed("any" if request.get("order") == "any" else "close", QUEUE)
    return {
        "queue": image_rows(result, rows),
        "left": len(result.labels) - len(result.corrected),
        "collection": job.about,
        **counts(library, job.id),
    }


def correct(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """Store request["answer"] for the image request["id"], or with request["undo"] take the last one back."""
    job, labelling = finished(library, request.get("job"))
    undone = ""
    if request.get("undo"):
        undone = labelling.undo()
    else:
        labelling.correct(str(request.get("id")), answer_number(labelling.result, request.get("answer")))
    return {"undone": undone, **counts(library, job.id)}


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
        if effect["known"]:
            effect["alone"] = wilson_figure(effect["right"], effect["known"])
    return {"templates": effects, "together": labelling.accuracy_of_sample()}
