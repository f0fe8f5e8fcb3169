"""Classify: one image, or the whole collection, by a list of classes that a person writes."""

from itertools import count
from typing import Any

import gradio as gr

from app.state.label_requests import LEVELS
from app.state.library import Library
from app.tabs.classify.collection import labelled_images, labelling_state, start_labelling
from app.tabs.classify.form import FIELDS, OWN
from app.tabs.classify.image import class_heat_maps, classify_image
from app.tabs.classify.review import compared_templates, correct, learn, measured, recalibrate, to_review
from app.tabs.search.tab import answered
from app.ui.assets import event_module, load_module
from training.models.errors import UserError
from training.models.prompts import TEMPLATE_SETS, template_set

FIRST_CLASSES = "cat\ndog\nbird\nflower\nfruit\ncar\nhouse\nface\nclock"
FIRST_OWN = "a photo of a {}.\na drawing of a {}.\n{}"
TEMPLATES = [
    ("The bare name", "plain"),
    ("a photo of a …", "photo"),
    ("7 phrasings, averaged", "7"),
    ("80 phrasings, averaged (slow)", "80"),
    ("My own phrasings", OWN),
]
MODES = [("One of these", "one"), ("Any of these", "any")]
SURENESS = [
    ("Calibrated where labels allow", "calibrated"),
    ("As the encoder has it", "uncalibrated"),
    ("Temperature 1, the plain cosines", "unscaled"),
]
POLL = 0.5  # seconds between looks at a running job

assert {name for _, name in TEMPLATES} == {*TEMPLATE_SETS, OWN}


def classify_tab(library: Library, where: gr.HTML, page: gr.Blocks) -> None:
    """Lay out the tab. where is the header, whose value names the collection."""
    turns = count()  # an answer that equals the last one is no change to Gradio, and the page would wait for it

    def form_of(fields: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(FIELDS, fields, strict=True))

    def classify(where: dict, image: dict | None, *fields: Any) -> dict[str, Any]:
        answer = answered(classify_image, library, where, image or {}, form_of(fields))
        return answer | {"turn": next(turns)}

    def start(where: dict, labels: dict | None, *fields: Any) -> tuple[dict[str, Any], gr.Timer]:
        learnt = (labels or {}).get("learned") is not None
        answer = answered(start_labelling, library, where, form_of(fields), learnt) | {"turn": next(turns)}
        return answer, gr.Timer(POLL, active=answer.get("state") == "running")

    def again(where: dict, labels: dict | None, *fields: Any) -> tuple[Any, Any]:
        """Labels that are shown follow what is asked of them."""
        job = library.jobs.get((labels or {}).get("job") or "")
        if job is None or job.about != library.collection(where.get("collection")).key or job.asked == fields:
            return gr.skip(), gr.skip()
        return start(where, labels, *fields)

    def look(labels: dict | None) -> tuple[dict[str, Any], gr.Timer]:
        answer = answered(labelling_state, library, (labels or {}).get("job"))
        return answer, gr.Timer(POLL, active=answer.get("state") == "running")

    def found_again(request: gr.Request) -> tuple[Any, ...]:
        """A reload finds the job that its address names, and what was asked of it."""
        job = library.jobs.get(request.query_params.get("job") or "")
        if job is None or job.kind != "label":
            return gr.skip(), gr.Timer(POLL, active=False), *[gr.skip()] * len(asked)
        return *look({"job": job.id}), *job.asked

    def edit(name: str, own: str) -> tuple[str, Any]:
        """The chosen phrasings as text to be changed."""
        try:
            return OWN, own if name == OWN else "\n".join(template_set(name))
        except UserError:  # no such set, or open_clip is not there
            return OWN, own

    def labelled(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(labelled_images, library, ask)

    def review(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(to_review, library, ask)

    def judged(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(correct, library, ask)

    def learning(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(learn, library, ask)

    def calibrate(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(recalibrate, library, ask)

    def measure(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(measured, library, ask)

    def where_(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(class_heat_maps, library, ask)

    def phrase(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(compared_templates, library, ask)

    with gr.Row(elem_classes="g-columns", equal_height=False):
        with gr.Column(scale=4, min_width=260):
            image = gr.HTML(
                html_template="<div class='g-image'></div>",
                js_on_load=load_module("tabs/classify/classify.js", "image(element, props, trigger, 'select')"),
                apply_default_css=False,
                elem_id="image",
            )
        with gr.Column(scale=4, min_width=260, elem_classes="g-ask"):
            classes = gr.Textbox(
                FIRST_CLASSES,
                label="Classes",
                info="One per line, or all on one line with commas. Other words for a class may follow it: "
                "food: meal, dish, snack",
                lines=8,
                max_lines=16,
                elem_id="classes",
            )
            mode = gr.Radio(MODES, value="one", label="An image shows", elem_id="mode")
            none = gr.Checkbox(False, label="Allow “none of these”", elem_id="none")
            templates = gr.Dropdown(TEMPLATES, value="photo", label="Phrasing", filterable=False, elem_id="templates")
            own = gr.Textbox(
                FIRST_OWN,
                label="My own phrasings",
                info="One per line, with {} where the class goes.",
                lines=3,
                max_lines=12,
                visible=False,
                elem_id="own",
            )
            with gr.Accordion("Phrasings and probabilities", open=False, elem_id="finer"):
                change = gr.Button("Edit these phrasings", size="sm", elem_id="edit-phrasings")
                sureness = gr.Dropdown(
                    SURENESS, value="calibrated", label="Probabilities", filterable=False, elem_id="sureness"
                )
                level = gr.Slider(
                    -LEVELS,
                    LEVELS,
                    value=0,
                    step=0.5,
                    label="How readily “none of these” is answered",
                    info="Logits ahead of the nearest everyday thing; 0 is where it stands by itself.",
                    elem_id="level",
                )
            with gr.Row(elem_classes="g-buttons"):
                one = gr.Button("Classify the image", variant="primary", elem_id="classify-one", min_width=140)
                everything = gr.Button("Label the collection", elem_id="classify-all", min_width=140)
        with gr.Column(scale=5, min_width=280):
            bars = gr.HTML(
                html_template="<div class='g-bars' aria-live='polite'></div>",
                js_on_load=load_module("tabs/classify/classify.js", "bars(element, props, server, watch)"),
                apply_default_css=False,
                server_functions=[where_],
                elem_id="bars",
            )
    labels = gr.HTML(
        html_template="<div class='g-labels'></div>",
        js_on_load=load_module("tabs/classify/labels.js", "labels(element, props, server, watch)"),
        apply_default_css=False,
        server_functions=[labelled, review, judged, learning, calibrate, measure, phrase],
        elem_id="labels",
    )
    timer = gr.Timer(POLL, active=False)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    asked = [classes, templates, own, mode, none, level, sureness]
    templates.change(lambda name: gr.Textbox(visible=name == OWN), templates, own, **quiet)
    changes: list[Any] = [
        templates.input,
        mode.input,
        none.input,
        sureness.input,
        level.release,
        own.blur,
        classes.blur,
    ]
    change.click(edit, [templates, own], [templates, own], **quiet)
    gr.on(
        [image.select, one.click, *changes],
        classify,
        [where, image, *asked],
        bars,
        trigger_mode="always_last",
        js=event_module("tabs/classify/classify.js", "waiting('bars', values)"),
        **quiet,
    )
    everything.click(
        start,
        [where, labels, *asked],
        [labels, timer],
        js=event_module("tabs/classify/classify.js", "waiting('labels', values)"),
        **quiet,
    )
    gr.on(changes, again, [where, labels, *asked], [labels, timer], trigger_mode="always_last", **quiet)
    timer.tick(look, labels, [labels, timer], **quiet)
    page.load(found_again, None, [labels, timer, *asked], **quiet)
