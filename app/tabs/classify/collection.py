"""A whole collection among classes, as a job that outlives the page: counts, and the images of each class."""

import time
from collections.abc import Iterable
from typing import Any

from app.state.jobs import Job
from app.state.library import Library
from app.state.questions import PAGE
from app.tabs.classify.form import FIELDS, Form, Kept, noise_for, read_form, sureness_of, understood
from app.ui.inspector.inspector import file_name
from index.label import NONE
from index.labels.labelling import Labelling
from training.models.errors import UserError

MOST_JOBS = 2  # collections that are labelled at once
SOON = 1.2  # seconds that the first answer waits for the labels: most are there by then


def start_labelling(
    library: Library, kept: Kept, where: dict[str, Any], form: Form, learn: bool = False
) -> dict[str, Any]:
    """Label every image of the collection in the background; the answer names the job. learn: from corrections."""
    opened = library.collection(where.get("collection"))
    asked = read_form(form)
    collection = opened.published()
    if library.jobs.running("label") >= MOST_JOBS:
        raise UserError("Other collections are being labelled; try again when they are done.")

    def work(job: Job) -> tuple[str, Labelling]:
        def tell(done: int, total: int) -> None:
            if job.stopping.is_set():
                raise UserError("Labelling was stopped; nothing of it is kept.")
            job.done, job.total = done, total

        tell(0, len(collection))
        encoder = library.encoder(opened)
        noise = noise_for(opened, encoder, asked)
        return opened.key, Labelling(collection, kept.vectors(encoder), asked, noise, learn=learn, progress=tell)

    fields = tuple(form.get(name) for name in FIELDS)
    job = library.jobs.start("label", work, asked=fields, about=opened.key)
    until = time.monotonic() + SOON
    while job.state == "running" and time.monotonic() < until:
        time.sleep(0.01)
    return labelling_state(library, job.id)


def labelling_state(library: Library, id: str | None) -> dict[str, Any]:
    """How far a labelling job is and, once it is done, what came out."""
    job = _job(library, id)
    if job.state == "failed":
        raise UserError(job.error)
    answer: dict[str, Any] = {"job": job.id, "state": job.state, "done": job.done, "total": job.total}
    if job.state == "done":
        form = dict(zip(FIELDS, job.asked, strict=True))
        answer |= {"seconds": job.seconds, "understood": understood(form, job.result[1].asked)}
        answer |= summary(library, job.id)
    return answer


def summary(library: Library, id: str | None) -> dict[str, Any]:
    """What a finished labelling says of itself, as it is now: counts, corrections, calibration, learning."""
    job, labelling = finished(library, id)
    known, learned = labelling.known, labelling.learned
    counts = labelling.counts()
    classes = [
        {"name": name, "answer": k, "images": count, "none": name is NONE}
        for k, (name, count) in enumerate(zip(labelling.names, counts, strict=True))
    ]
    return {
        "job": job.id,
        "collection": job.result[0],
        "images": len(labelling.collection),
        "classes": sorted(classes, key=lambda c: -c["images"]),
        "independent": labelling.asked.independent,
        "encoder": labelling.classifier.encoder.name,
        "corrections": len(known.corrected),
        "canUndo": labelling.can_undo,
        "column": known.column,
        "known": len(known.rows),
        "others": known.others,
        "sureness": sureness_of(labelling.classifier),
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


def labelled_images(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Images that got ask["answer"], the surest first or, by ask["order"], the closest calls; or those of one
    cell of the matrix, ask["truth"] and ask["given"]."""
    job, labelling = finished(library, ask.get("job"))
    if ask.get("truth") is not None:
        rows = labelling.cell(answer_number(labelling, ask["truth"]), answer_number(labelling, ask.get("given")))
    else:
        rows = labelling.rows(answer_number(labelling, ask.get("answer")), str(ask.get("order")))
    try:
        offset = max(0, int(ask.get("offset") or 0))
    except (TypeError, ValueError):
        offset = 0
    return {
        "hits": image_rows(labelling, rows[offset : offset + PAGE]),
        "total": len(rows),
        "collection": job.result[0],
    }


def image_rows(labelling: Labelling, rows: Iterable[int]) -> list[dict[str, Any]]:
    """Images as the page shows them: id, name, label, probability, runner-up, margin, and a person's answer."""
    items, guess, names = labelling.collection.items, labelling.predictions, labelling.names
    known, corrected = labelling.known, set(labelling.known.corrected.tolist())
    shown = []
    for row in map(int, rows):
        second = int(guess.runner_up[row])
        shown.append(
            {
                "id": items["id"].iat[row],
                "name": items["caption"].iat[row] or file_name(items["path"].iat[row]),
                "answer": int(guess.label[row]),
                "label": names[guess.label[row]],
                "probability": round(float(guess.probability[row]), 4),
                "second": second,
                "runnerUp": names[second] if second >= 0 else "",
                "margin": round(float(guess.margin[row]), 4),
                "corrected": names[known.truth[row]] if row in corrected else "",
            }
        )
    return shown


def answer_number(labelling: Labelling, value: Any) -> int:
    """value as one of the answers; UserError if it is none."""
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise UserError("There is no such class; label the collection again.") from error
    if not 0 <= number < len(labelling.names):
        raise UserError("There is no such class; label the collection again.")
    return number


def finished(library: Library, id: str | None) -> tuple[Job, Labelling]:
    """A job that is done, and its labels."""
    job = _job(library, id)
    if job.state == "failed":
        raise UserError(job.error)
    if job.state != "done":
        raise UserError("The labels are not ready yet.")
    return job, job.result[1]


def _job(library: Library, id: str | None) -> Job:
    job = library.jobs.get(id or "")
    if job is None or job.kind != "label":
        raise UserError("Those labels are not kept any more; label the collection again.")
    return job
