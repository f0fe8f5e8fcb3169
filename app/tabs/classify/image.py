"""One image among classes: its probabilities, and what each template does to them."""

from typing import Any

import numpy as np
from PIL import Image

from app.state.library import Library
from app.tabs.classify.form import Form, calibration_of, read_form, understood
from index.labels.request import NONE
from index.labels.template_effects import template_effects
from index.retrieval.explanations import heat_map
from training.models.errors import UserError

MOST_EFFECTS = 100  # templates whose effect is told
MOST_MAPS = 24  # classes, as many as have bars


def classify_image(library: Library, where: dict[str, Any], image: dict[str, Any], form: Form) -> dict[str, Any]:
    """Every class with its probability for one image, likeliest first; nothing while there is no image."""
    opened = library.collection(where.get("collection"))
    if not (image.get("image") or image.get("id")):
        return {"bars": None}
    request, encoder = read_form(form), library.encoder(opened)
    classifier = library.classifiers.classifier(opened, encoder, request)
    if image.get("image"):
        vector = encoder.embed_images([library.uploads.get(image["image"])])[0]
    else:
        collection = library.collection(image.get("collection")).published()
        collection.check_encoder(encoder)
        try:
            vector = np.asarray(collection.vector(image["id"]))
        except KeyError as error:
            raise UserError("That image is not in the collection any more; choose another.") from error
    bars = [
        {"name": c.name, "probability": c.probability, "cosine": round(c.cosine, 4), "none": c.name is NONE}
        for c in classifier.classify(vector)
    ]
    response: dict[str, Any] = {"bars": bars, "encoder": encoder.name, "independent": request.mode == "any"}
    response["asked"] = {"collection": opened.key, "image": image, "form": dict(form)}
    response |= {"sureness": calibration_of(classifier), "understood": understood(form, request), "phrasings": []}
    if 1 < len(request.templates) <= MOST_EFFECTS:
        embeddings = library.classifiers.embeddings(encoder)
        response["phrasings"] = [
            {
                "template": effect.template,
                "first": request.answers[effect.first],
                "agrees": bool(effect.agrees),
                "probability": effect.probability,
                "without": effect.without,
            }
            for effect in template_effects(classifier, embeddings, vector[None])
        ]
    return response


def class_heat_maps(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """By name of each class in request["names"], the occlusion heat map of the image of a response's "asked".

    Maps are [GRID][GRID] in 0..1, of the preview that the page shows; a class that no part matches has none.
    """
    label_request, image, names = read_form(request.get("form") or {}), request.get("image") or {}, request.get("names")
    opened = library.collection(request.get("collection"))
    classifier = library.classifiers.classifier(opened, library.encoder(opened), label_request)
    wanted = set(map(str, names[:MOST_MAPS])) if isinstance(names, list) else set()
    at = [i for i, c in enumerate(label_request.classes) if c.name in wanted]
    if not at:
        return {"heat": {}}
    maps = heat_map(_preview(library, image), classifier.embeddings[at], classifier.encoder)
    found = zip(at, maps, strict=True)
    return {"heat": {label_request.classes[i].name: m.round(3).tolist() for i, m in found if m.any()}}


def _preview(library: Library, image: dict[str, Any]) -> Image.Image:
    if image.get("image"):
        return library.uploads.get(image["image"])
    preview = library.collection(image.get("collection")).published().thumbnail(str(image.get("id")))
    if preview is None:
        raise UserError("This image has no preview any more; build the collection again.")
    with Image.open(preview) as opened:
        return opened.convert("RGB")
