"""Follow the lecture: a strip of nine steps, each of which sets the page to one idea; two of them are drawn in it."""

from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from app.state.library import Library
from app.tabs.probe.tab import image_of, likeliest, reader, shown
from app.tabs.search.tab import answered
from app.ui.assets import load_module
from app.ui.inspector.inspector import file_name
from index.collection import Collection
from training.data.scenes import scene
from training.evaluation.contrast import contrast
from training.models.encoder import Encoder
from training.models.errors import UserError

PAIRS = 8  # of the loss that is laid open
LABELS = 4  # of the recipe
FIRST = 5  # numbers of a vector that are shown
SIDE = 160  # pixels of generated scenes


def lecture_strip(library: Library) -> None:
    """Lay out the strip; it is not there until it is asked for."""

    def recipe(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(zero_shot_recipe, library, ask)

    def loss(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(loss_of_eight, library, ask)

    gr.HTML(
        html_template="<div class='g-lecture'></div>",
        js_on_load=load_module("tabs/lecture/lecture.js", "lecture(element, server)"),
        apply_default_css=False,
        server_functions=[recipe, loss],
        elem_id="lecture",
    )


def zero_shot_recipe(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Prompts, vectors and cosines of one image and a few labels: all that a zero-shot answer is made of."""
    opened, encoder = reader(library, ask)
    collection = opened.published()
    row = int(np.random.default_rng(int(ask.get("turn") or 0)).integers(len(collection)))
    id = str(collection.items["id"].iat[row])
    image = image_of(library, opened, {"id": id})
    labels = likeliest(encoder, image, LABELS)
    prompts = [f"a photo of a {label}." for label in labels]
    image, texts = encoder.embed_images([image])[0], encoder.embed_texts(prompts)
    return {
        "collection": opened.key,
        "id": id,
        "labels": labels,
        "prompts": prompts,
        "image": [round(float(x), 3) for x in image[:FIRST]],
        "texts": [[round(float(x), 3) for x in text[:FIRST]] for text in texts],
        "dim": encoder.dim,
        "cosines": [float(x) for x in texts.astype(np.float64) @ image],
        "scale": encoder.logit_scale,
    }


def loss_of_eight(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Eight images by their eight captions: logits, softmax both ways, and the value of CLIP's loss.

    The captions are the collection's own where it has eight different ones, else scenes are generated.
    """
    opened, encoder = reader(library, ask)
    turn = int(ask.get("turn") or 0)
    found = _captioned(opened.published(), turn)
    if found:
        images = [image_of(library, opened, {"id": id}) for id, _ in found]
        captions = [caption for _, caption in found]
    else:
        made = _scenes(turn)
        images, captions = [Image.fromarray(one.image) for one in made], [one.caption for one in made]
    return _laid_open(encoder, images, captions) | {"own": bool(found)}


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
    chosen = np.random.default_rng(turn).choice(len(captions), PAIRS, replace=False)
    found = [(named[captions[i]], captions[i]) for i in chosen]
    return found if all(collection.thumbnail(id) is not None for id, _ in found) else []


def _scenes(turn: int) -> list[Any]:
    """Eight generated scenes with eight different captions."""
    made: dict[str, Any] = {}
    i = 100 * turn
    while len(made) < PAIRS:
        one = scene(0, i, pixels=SIDE)
        made.setdefault(one.caption, one)
        i += 1
    return list(made.values())


def _laid_open(encoder: Encoder, images: list[Image.Image], captions: list[str]) -> dict[str, Any]:
    if len(captions) != PAIRS:
        raise UserError(f"Eight pairs are laid open; there are {len(captions)} here.")
    found = contrast(encoder.embed_images(images), encoder.embed_texts(captions), encoder.logit_scale)
    return {
        "images": [shown(image) for image in images],
        "captions": captions,
        "cosines": (found.logits / encoder.logit_scale).tolist(),
        "toText": found.to_text.tolist(),
        "toImage": found.to_image.tolist(),
        "value": found.value,
        "chance": found.chance,
        "scale": encoder.logit_scale,
    }
