"""One image among classes: its probabilities, and what each phrasing does to them."""

from typing import Any

import numpy as np
from PIL import Image

from app.state.library import Library
from app.tabs.classify.form import Form, Kept, read_form, sureness_of, understood
from index.label import NONE
from index.labels.classifier import template_effects
from index.retrieval.explanations import heat_map
from training.models.errors import UserError

MOST_EFFECTS = 100  # phrasings whose effect is told
MOST_MAPS = 24  # classes, as many as have bars


def classify_image(
    library: Library, kept: Kept, where: dict[str, Any], image: dict[str, Any], form: Form
) -> dict[str, Any]:
    """Every class with its probability for one image, likeliest first; nothing while there is no image."""
    opened = library.collection(where.get("collection"))
    if not (image.get("image") or image.get("id")):
        return {"bars": None}
    asked = read_form(form)
    classifier = kept.classifier(library, opened, asked)
    encoder = classifier.encoder
    if image.get("image"):
        vector = encoder.embed_images([library.uploads.get(image["image"])])[0]
    else:
        collection = library.collection(image.get("collection")).published()
        collection.check_encoder(encoder)
        try:
            vector = collection.vector(image["id"])
        except KeyError as error:
            raise UserError("That image is not in the collection any more; choose another.") from error
    probabilities = classifier.probabilities(vector[None])[0]
    cosines = [float(x) for x in classifier.words @ vector]
    if classifier.rivals is not None:
        cosines.append(float((classifier.rivals @ vector).max()))
    names = [*(c.name for c in asked.classes), *([NONE] if classifier.rivals is not None else [])]
    order = np.argsort(-probabilities, kind="stable")
    bars = [
        {
            "name": names[i],
            "probability": float(probabilities[i]),
            "cosine": round(cosines[i], 4),
            "none": names[i] is NONE,
        }
        for i in order
    ]
    answer: dict[str, Any] = {"bars": bars, "encoder": encoder.name, "independent": asked.independent}
    answer["asked"] = {"collection": opened.key, "image": image, "form": dict(form)}
    answer |= {"sureness": sureness_of(classifier), "understood": understood(form, asked), "phrasings": []}
    if 1 < len(asked.templates) <= MOST_EFFECTS:
        effects = template_effects(classifier, kept.vectors(encoder), vector[None])
        answer["phrasings"] = [
            {
                "template": e["template"],
                "first": names[e["first"]],
                "agrees": bool(e["agrees"]),
                "probability": e["probability"],
                "without": e["without"],
            }
            for e in effects
        ]
    return answer


def where_it_matches(library: Library, kept: Kept, ask: dict[str, Any]) -> dict[str, Any]:
    """By name of each class in ask["names"], where the image of an answer's "asked" matches it.

    Maps are [GRID][GRID] in 0..1, of the preview that the page shows; a class that no part matches has none.
    """
    asked, image, names = read_form(ask.get("form") or {}), ask.get("image") or {}, ask.get("names")
    opened = library.collection(ask.get("collection"))
    classifier = kept.classifier(library, opened, asked)
    wanted = set(map(str, names[:MOST_MAPS])) if isinstance(names, list) else set()
    at = [i for i, c in enumerate(asked.classes) if c.name in wanted]
    if not at:
        return {"heat": {}}
    maps = heat_map(_preview(library, image), classifier.words[at], classifier.encoder)
    return {"heat": {asked.classes[i].name: m.round(3).tolist() for i, m in zip(at, maps, strict=True) if m.any()}}


def _preview(library: Library, image: dict[str, Any]) -> Image.Image:
    if image.get("image"):
        return library.uploads.get(image["image"])
    preview = library.collection(image.get("collection")).published().thumbnail(str(image.get("id")))
    if preview is None:
        raise UserError("This image has no preview any more; build the collection again.")
    with Image.open(preview) as opened:
        return opened.convert("RGB")
