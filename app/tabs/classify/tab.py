"""Classify: one image, or the whole collection, by a list of classes that a person writes."""

import json
from typing import Any

import gradio as gr

from app.state.library import Library
from app.tabs.classify.collection import labelled_images
from app.tabs.classify.form import CUSTOM, FIRST_CLASSES, FormWidgets, form_widgets
from app.tabs.classify.handlers import POLL, Handlers, edit_templates
from app.tabs.classify.image import class_heat_maps
from app.tabs.classify.review import committee, compared_templates, correct, learn, measured, recalibrate, to_review
from app.ui.assets import event_module
from app.ui.component import component
from app.ui.language.widgets import widget_text

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def classify_tab(library: Library, where: gr.HTML, page: gr.Blocks) -> None:
    """Lay out the tab. where is the header, whose value names the collection."""
    with gr.Row(elem_classes="g-columns", equal_height=False):
        with gr.Column(scale=4, min_width=260):
            image = component(
                library,
                "image",
                "<div class='g-classify-image'></div>",
                "tabs/classify/image.js",
                f"image(element, props, trigger, 'select', {json.dumps(FIRST_CLASSES)})",
            )
        with gr.Column(scale=4, min_width=260, elem_classes="g-ask"):
            form, edit = form_widgets()
            with gr.Row(elem_classes="g-buttons"):
                one = gr.Button(
                    widget_text("Classify the image"), variant="primary", elem_id="classify-one", min_width=140
                )
                everything = gr.Button(widget_text("Label the collection"), elem_id="classify-all", min_width=140)
        with gr.Column(scale=5, min_width=280):
            bars = _bars(library)
    labels = _labels(library)
    timer = gr.Timer(POLL, active=False)

    handlers, values, changes = Handlers(library), form.all, _changes(form)
    form.templates.change(lambda name: gr.Textbox(visible=name == CUSTOM), form.templates, form.custom, **QUIET)
    edit.click(edit_templates, [form.templates, form.custom], [form.templates, form.custom], **QUIET)
    gr.on(
        [image.select, one.click, *changes],
        handlers.classify,
        [where, image, *values],
        bars,
        trigger_mode="always_last",
        js=event_module("tabs/classify/busy.js", "busy('bars', values)"),
        **QUIET,
    )
    everything.click(
        handlers.start,
        [where, labels, *values],
        [labels, timer],
        js=event_module("tabs/classify/busy.js", "awaitLabels(values)"),
        **QUIET,
    )
    gr.on(changes, handlers.follow, [where, labels, *values], [labels, timer], trigger_mode="always_last", **QUIET)
    timer.tick(handlers.look, [where, labels], [labels, timer], **QUIET)
    page.load(handlers.restore, None, [labels, timer, *values], **QUIET)


def _bars(library: Library) -> gr.HTML:
    """The probabilities of one image."""
    return component(
        library,
        "bars",
        "<div class='g-classify-bars' aria-live='polite'></div>",
        "tabs/classify/bars.js",
        "bars(element, props, server, watch)",
        {"heat_maps": class_heat_maps},
    )


def _labels(library: Library) -> gr.HTML:
    """The labels of the collection, their review and their accuracy."""
    return component(
        library,
        "labels",
        "<div class='g-classify-labels'></div>",
        "tabs/classify/labels.js",
        "labels(element, props, server, watch)",
        {
            "images": labelled_images,
            "review": to_review,
            "committee": committee,
            "correct": correct,
            "learn": learn,
            "calibrate": recalibrate,
            "measure": measured,
            "templates": compared_templates,
        },
    )


def _changes(form: FormWidgets) -> list[Any]:
    """Events after which what is shown follows the form."""
    chosen = [form.templates.input, form.mode.input, form.none.input, form.calibration.input]
    return [*chosen, form.none_level.release, form.custom.blur, form.classes.blur]
