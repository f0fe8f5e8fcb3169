"""Classify: one picture, or the whole collection, by a list of classes that a person writes."""

import threading
from collections import OrderedDict
from typing import Any

import gradio as gr
import numpy as np

from app.asking import PAGE
from app.inspector import file_name
from app.jobs import Job
from app.library import Library
from app.search_tab import answered
from index.label import COLUMNS, NONE, label_collection
from index.tables import csv_text
from training.models.encoder import Encoder, Vectors
from training.models.errors import UserError
from training.models.prompts import TEMPLATE_SETS, template_set
from training.models.zero_shot import ClassName, parse_classes, probabilities, rivals, zero_shot_classifier

FIRST_CLASSES = "cat\ndog\nbird\nflower\nfruit\ncar\nhouse\nface\nclock"
MOST_PHRASES = 20_000  # classes' words times templates, half a minute of a small encoder's time
MOST_JOBS = 2  # collections that are labelled at once
TEMPLATES = [
    ("The bare name", "plain"),
    ("a photo of a …", "photo"),
    ("7 phrasings, averaged", "7"),
    ("80 phrasings, averaged (slow)", "80"),
]
POLL = 0.5  # seconds between looks at a running job

Classifiers = OrderedDict[tuple[Any, ...], tuple[list[str], Vectors, Vectors | None]]
assert {name for _, name in TEMPLATES} == set(TEMPLATE_SETS)


def classify_tab(library: Library, where: gr.HTML, page: gr.Blocks) -> None:
    """Lay out the tab. where is the header, whose value names the collection."""
    classifiers = Kept()

    def classify(where: dict, picture: dict | None, text: str, templates: str, none: bool) -> dict[str, Any]:
        return answered(classify_picture, library, classifiers, where, picture or {}, text, templates, none)

    def start(where: dict, text: str, templates: str, none: bool) -> tuple[dict[str, Any], gr.Timer]:
        answer = answered(start_labelling, library, where, text, templates, none)
        return answer, gr.Timer(POLL, active="error" not in answer)

    def look(labels: dict | None) -> tuple[dict[str, Any], gr.Timer]:
        answer = answered(labelling_state, library, (labels or {}).get("job"))
        return answer, gr.Timer(POLL, active=answer.get("state") == "running")

    def found_again(request: gr.Request) -> tuple[Any, ...]:
        """A reload finds the job that its address names, and what was asked of it."""
        job = library.jobs.get(request.query_params.get("job") or "")
        if job is None or job.kind != "label":
            return gr.skip(), gr.Timer(POLL, active=False), *[gr.skip()] * len(asked)
        return *look({"job": job.id}), *job.asked

    def labelled(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(labelled_pictures, library, ask)

    with gr.Row(elem_classes="g-columns", equal_height=False):
        with gr.Column(scale=4, min_width=260):
            picture = gr.HTML(
                html_template="<div class='g-picture'></div>",
                js_on_load="gelato.picture(element, props, trigger, 'select')",
                apply_default_css=False,
                elem_id="picture",
            )
        with gr.Column(scale=4, min_width=260, elem_classes="g-ask"):
            classes = gr.Textbox(
                FIRST_CLASSES,
                label="Classes",
                info="One per line. Other words for a class may follow it: food: meal, dish, snack",
                lines=8,
                max_lines=16,
                elem_id="classes",
            )
            templates = gr.Dropdown(TEMPLATES, value="photo", label="Phrasing", filterable=False, elem_id="templates")
            none = gr.Checkbox(False, label="Allow “none of these”", elem_id="none")
            with gr.Row(elem_classes="g-buttons"):
                one = gr.Button("Classify the picture", variant="primary", elem_id="classify-one", min_width=140)
                everything = gr.Button("Label the collection", elem_id="classify-all", min_width=140)
        with gr.Column(scale=5, min_width=280):
            bars = gr.HTML(
                html_template="<div class='g-bars' aria-live='polite'></div>",
                js_on_load="gelato.bars(element, props, watch)",
                apply_default_css=False,
                elem_id="bars",
            )
    labels = gr.HTML(
        html_template="<div class='g-labels'></div>",
        js_on_load="gelato.labels(element, props, server, watch)",
        apply_default_css=False,
        server_functions=[labelled],
        elem_id="labels",
    )
    timer = gr.Timer(POLL, active=False)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    asked = [classes, templates, none]
    gr.on(
        [picture.select, one.click, templates.input, none.input],
        classify,
        [where, picture, *asked],
        bars,
        trigger_mode="always_last",
        js="(...values) => gelato.waiting('bars', values)",
        **quiet,
    )
    everything.click(start, [where, *asked], [labels, timer], js="(...v) => gelato.waiting('labels', v)", **quiet)
    timer.tick(look, labels, [labels, timer], **quiet)
    page.load(found_again, None, [labels, timer, *asked], **quiet)


def classify_picture(
    library: Library,
    classifiers: "Kept",
    where: dict[str, Any],
    picture: dict[str, Any],
    text: str,
    templates: str,
    none: bool,
) -> dict[str, Any]:
    """Every class with its probability for one picture, likeliest first; nothing while there is no picture."""
    shelf = library.shelf(where.get("collection"))
    if not (picture.get("picture") or picture.get("id")):
        return {"bars": None}
    encoder = library.encoder(shelf)
    names, classifier, others = classifiers.of(encoder, text, templates, none)
    if picture.get("picture"):
        vector = encoder.embed_images([library.pictures.get(picture["picture"])])[0]
    else:
        collection = library.shelf(picture.get("collection")).opened()
        collection.check_encoder(encoder)
        try:
            vector = collection.vector(picture["id"])
        except KeyError as error:
            raise UserError("That picture is not in the collection any more; choose another.") from error
    odds = probabilities(encoder, vector[None], classifier, others)[0]
    order = np.argsort(-odds, kind="stable")
    bars = [{"name": names[i], "probability": float(odds[i]), "none": names[i] is NONE} for i in order]
    return {"bars": bars, "encoder": encoder.name}


class Kept:
    """Classifiers made lately, so that another picture by the same classes costs nothing."""

    def __init__(self, keep: int = 16):
        self.keep = keep
        self._made: Classifiers = OrderedDict()
        self._lock = threading.Lock()

    def of(self, encoder: Encoder, text: str, templates: str, none: bool):
        """Names, classifier and, if none is allowed, its rivals."""
        key = (encoder.fingerprint, text, templates, none)
        with self._lock:
            if key not in self._made:
                classes, phrases = asked_prompts(text, templates)
                classifier = zero_shot_classifier(encoder, classes, phrases)
                others = rivals(encoder, classifier, phrases) if none else None
                self._made[key] = ([c.name for c in classes] + ([NONE] if none else []), classifier, others)
                while len(self._made) > self.keep:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key]


def asked_prompts(text: str, templates: str) -> tuple[list[ClassName], list[str]]:
    """The classes that a person wrote and the chosen templates; UserError if they make no sense or are too many."""
    if templates not in TEMPLATE_SETS:  # never a file: the name comes from a browser
        raise UserError("There is no such phrasing; choose one of the list.")
    classes, phrases = parse_classes(text[:500_000]), template_set(templates)
    prompts = sum(len(c.words) for c in classes) * len(phrases)
    if prompts > MOST_PHRASES:
        raise UserError(
            f"That makes {prompts:,} phrases and the page takes {MOST_PHRASES:,}; "
            f"choose a shorter phrasing or fewer classes, or use the command line: python -m index label."
        )
    return classes, phrases


def start_labelling(library: Library, where: dict[str, Any], text: str, templates: str, none: bool) -> dict[str, Any]:
    """Label every picture of the collection in the background; the answer names the job."""
    shelf = library.shelf(where.get("collection"))
    classes, phrases = asked_prompts(text, templates)
    collection = shelf.opened()
    if library.jobs.running("label") >= MOST_JOBS:
        raise UserError("Other collections are being labelled; try again when they are done.")

    def work(job: Job) -> dict[str, Any]:
        def tell(done: int, total: int) -> None:
            job.done, job.total = done, total

        tell(0, len(collection))
        labels = label_collection(collection, library.encoder(shelf), classes, phrases, none=none, progress=tell)
        labels["caption"] = collection.items["caption"]
        names = [c.name for c in classes] + ([NONE] if none else [])
        counts = labels["label"].value_counts()
        return {"key": shelf.key, "labels": labels, "counts": [(name, int(counts.get(name, 0))) for name in names]}

    return labelling_state(library, library.jobs.start("label", work, asked=(text, templates, none)).id)


def _job(library: Library, id: str | None) -> Job:
    job = library.jobs.get(id or "")
    if job is None or job.kind != "label":
        raise UserError("Those labels are not kept any more; label the collection again.")
    return job


def labelling_state(library: Library, id: str | None) -> dict[str, Any]:
    """How far a labelling job is and, once it is done, how many pictures each class got, most first."""
    job = _job(library, id)
    if job.state == "failed":
        raise UserError(job.error)
    answer: dict[str, Any] = {"job": job.id, "state": job.state, "done": job.done, "total": job.total}
    if job.state == "done":
        counts = sorted(job.result["counts"], key=lambda pair: -pair[1])
        answer |= {"collection": job.result["key"], "seconds": job.seconds}
        answer["classes"] = [{"name": name, "pictures": count, "none": name is NONE} for name, count in counts]
    return answer


def labelled_pictures(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Pictures that got ask["label"]: the surest first, or the closest calls if ask["order"] is "close"."""
    job = _job(library, ask.get("job"))
    if job.state != "done":
        raise UserError("The labels are not ready yet.")
    labels = job.result["labels"]
    offset, count = max(0, int(ask.get("offset") or 0)), PAGE
    chosen = labels[labels["label"] == ask.get("label")]
    close = ask.get("order") == "close"
    chosen = chosen.sort_values("margin" if close else "probability", ascending=close, kind="stable")
    part = chosen.iloc[offset : offset + count]
    hits = [
        {
            "id": row.id,
            "name": row.caption or file_name(row.path),
            "score": round(float(row.probability), 4),
            "runnerUp": row.runner_up,
            "margin": round(float(row.margin), 4),
        }
        for row in part.itertuples()
    ]
    return {"hits": hits, "total": len(chosen), "collection": job.result["key"]}


def labels_table(library: Library, id: str) -> str:
    """labels.csv of a finished job."""
    job = _job(library, id)
    if job.state != "done":
        raise UserError("The labels are not ready yet.")
    labels = job.result["labels"]
    rows = (
        (r.path, r.label, f"{r.probability:.4f}", r.runner_up, f"{r.margin:.4f}")
        for r in labels[list(COLUMNS)].itertuples(index=False)
    )
    return csv_text(COLUMNS, rows)
