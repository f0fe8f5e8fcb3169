"""Follow the lecture: a strip of nine steps, each of which sets the page to one idea; two of them are drawn in it."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
from PIL import Image

from app.state.images import thumbnail_of
from app.state.library import Library
from app.state.text_encoder import text_encoder
from app.ui.assets import load_module
from app.ui.inline_image import data_url
from app.ui.server_functions import server_functions
from index.collection import Collection
from training.data.scenes.source import Scene, scene
from training.evaluation.contrast import contrast
from training.evaluation.example_rows import random_row, random_rows
from training.evaluation.likely_words import likely_words
from training.evaluation.zero_shot import zero_shot_steps
from training.models.file_names import file_name

PAIRS = 8  # of the contrastive loss that is shown
LABELS = 4  # of the zero-shot example
FIRST = 5  # components of a vector that are shown
SIDE = 160  # pixels of generated scenes


def lecture_strip(library: Library) -> None:
    """Lay out the strip; it is not there until it is asked for."""
    gr.HTML(
        html_template="<div class='g-lecture'></div>",
        js_on_load=load_module("tabs/lecture/lecture.js", "lecture(element, server)"),
        apply_default_css=False,
        server_functions=server_functions(library, recipe=zero_shot_example, loss=contrastive_loss_example),
        elem_id="lecture",
    )


def zero_shot_example(library: Library, request: Mapping[str, Any]) -> dict[str, Any]:
    """Prompts, vectors and cosines of one image and a few labels: all that zero-shot classification needs."""
    opened, encoder = text_encoder(library, request.get("collection"))
    collection = opened.published()
    row = random_row(len(collection), int(request.get("turn") or 0))
    id = str(collection.items["id"].iat[row])
    image = thumbnail_of(opened, id)
    labels = likely_words(encoder, image, LABELS)
    steps = zero_shot_steps(encoder, image, labels)
    return {
        "collection": opened.key,
        "id": id,
        "labels": labels,
        "prompts": steps.prompts,
        "image": [round(float(x), 3) for x in steps.image[:FIRST]],
        "texts": [[round(float(x), 3) for x in text[:FIRST]] for text in steps.texts],
        "dim": encoder.dim,
        "cosines": steps.cosines.tolist(),
        "scale": encoder.logit_scale,
    }


def contrastive_loss_example(library: Library, request: Mapping[str, Any]) -> dict[str, Any]:
    """Eight images by their eight captions: logits, softmax both ways, and the value of CLIP's loss.

    The captions are the collection's own where it has eight different ones, else scenes are generated.
    """
    opened, encoder = text_encoder(library, request.get("collection"))
    turn = int(request.get("turn") or 0)
    found = _captioned(opened.published(), turn)
    if found:
        images, captions = [thumbnail_of(opened, id) for id, _ in found], [caption for _, caption in found]
    else:
        scenes = _scenes(turn)
        images, captions = [Image.fromarray(one.image) for one in scenes], [one.caption for one in scenes]
    loss = contrast(encoder.embed_images(images), encoder.embed_texts(captions), encoder.logit_scale)
    return {
        "own": bool(found),
        "images": [data_url(image) for image in images],
        "captions": captions,
        "cosines": (loss.logits / encoder.logit_scale).tolist(),
        "toText": loss.to_text.tolist(),
        "toImage": loss.to_image.tolist(),
        "value": loss.value,
        "chance": loss.chance,
        "scale": encoder.logit_scale,
    }


def _captioned(collection: Collection, turn: int) -> list[tuple[str, str]]:
    """Eight images with captions of their own that are not their files' names, or none."""
    items = collection.items
    named = {
        caption: str(id)
        for id, caption, path in zip(items["id"], items["caption"], items["path"], strict=True)
        if caption and caption != file_name(path) and caption != file_name(path).rpartition(".")[0]
    }
    if len(named) < PAIRS:
        return []
    captions = sorted(named)
    found = [(named[captions[row]], captions[row]) for row in random_rows(len(captions), PAIRS, turn)]
    return found if all(collection.thumbnail(id) is not None for id, _ in found) else []


def _scenes(turn: int) -> list[Scene]:
    """Eight generated scenes with eight different captions."""
    by_caption: dict[str, Scene] = {}
    i = 100 * turn
    while len(by_caption) < PAIRS:
        one = scene(0, i, pixels=SIDE)
        by_caption.setdefault(one.caption, one)
        i += 1
    return list(by_caption.values())
