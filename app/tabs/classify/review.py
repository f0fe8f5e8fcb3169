"""Reviewing labels: the closest calls, corrections and what is learned from them, and how good the labels are."""

from dataclasses import asdict
from typing import Any

from app.state.library import Library
from app.tabs.classify.collection import answer_number, finished, image_rows, summary
from index.labels.calibration import LEAST_LABELS, share
from index.labels.tip_adapter import enough

QUEUE = 24  # images that are sent to be reviewed at a time
MOST_CLASSES = 60  # of a matrix that a person can still read
MOST_EFFECTS = 100  # phrasings that are compared


def to_review(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """The next images to review, by ask["order"]: "close" or "any"."""
    job, labelling = finished(library, ask.get("job"))
    rows = labelling.unreviewed("any" if ask.get("order") == "any" else "close", QUEUE)
    return {
        "queue": image_rows(labelling, rows),
        "left": len(labelling.collection) - len(labelling.known.corrected),
        "collection": job.result[0],
        **counts(library, job.id),
    }


def judge(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Keep ask["answer"] for the image ask["id"], or with ask["undo"] take the last one back."""
    job, labelling = finished(library, ask.get("job"))
    undone = ""
    if ask.get("undo"):
        undone = labelling.undo()
    else:
        labelling.correct(str(ask.get("id")), answer_number(labelling, ask.get("answer")))
    return {"undone": undone, **counts(library, job.id)}


def learn(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Learn from the corrections, or with ask["on"] false forget; probabilities are calibrated anew either way."""
    job, labelling = finished(library, ask.get("job"))
    labelling.learn(bool(ask.get("on")))
    return summary(library, job.id)


def recalibrate(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Fit probabilities to the labels that are known by now."""
    job, labelling = finished(library, ask.get("job"))
    labelling.recalibrate()
    return summary(library, job.id)


def counts(library: Library, id: str) -> dict[str, Any]:
    """What a correction changes."""
    now = summary(library, id)
    kept = ("classes", "corrections", "canUndo", "known")
    asked = finished(library, id)[1].classifier.asked
    return {name: now[name] for name in kept} | {"needed": enough(len(asked.classes))}


def measured(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """How good the labels are, where some are known: accuracy, the matrix, each class, and reliability."""
    _, labelling = finished(library, ask.get("job"))
    matrix = labelling.matrix()
    answer: dict[str, Any] = {"names": labelling.names, "known": len(labelling.known.rows)}
    answer |= {"column": labelling.known.column, "others": labelling.known.others}
    answer |= {"corrections": len(labelling.known.corrected), "least": LEAST_LABELS}
    answer["byClass"] = labelling.by_class() if answer["known"] else []
    if matrix is not None:
        answer["accuracy"] = share(int(matrix.trace()), int(matrix.sum()))
        answer["matrix"] = matrix.tolist() if len(matrix) <= MOST_CLASSES else None
    calibration = labelling.classifier.calibration
    for name in ("before", "after"):
        found = getattr(calibration, name)
        answer[name] = None if found is None else asdict(found)
    return answer


def phrasings(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """What each phrasing does to the labels: alone, and to the others when it is left out."""
    _, labelling = finished(library, ask.get("job"))
    if labelling.asked.independent or not 1 < len(labelling.asked.templates) <= MOST_EFFECTS:
        return {"phrasings": []}
    effects = labelling.template_effects()
    for effect in effects:
        if effect["known"]:
            effect["alone"] = share(effect["right"], effect["known"])
    return {"phrasings": effects, "together": labelling.accuracy_of_sample()}
