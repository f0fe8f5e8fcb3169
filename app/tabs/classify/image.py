"""One image among classes: its probabilities, and what each template does to them."""

from typing import Any

from app.state.images import ImageReference, embedding_of, image_of
from app.state.library import Library
from app.tabs.classify.form import CUSTOM, Form, read_form, understood
from index.labels.request import NONE, LabelRequest
from index.labels.template_effects import template_effects
from index.retrieval.explanations import heat_map

MOST_EFFECTS = 100  # templates whose effects are compared
MOST_MAPS = 24  # classes, as many as have bars


def classify_image(library: Library, where: dict[str, Any], image: dict[str, Any], form: Form) -> dict[str, Any]:
    """Every class with its probability for one image, likeliest first; nothing while there is no image."""
    opened, reference = library.collection(where.get("collection")), ImageReference.read(image)
    if reference is None:
        return {"bars": None}
    request, encoder = read_form(form), library.encoder(opened)
    classifier = library.classifiers.classifier(opened, encoder, request)
    vector = embedding_of(library, reference, opened, encoder)
    bars = [
        {"name": c.name, "probability": c.probability, "cosine": round(c.cosine, 4), "none": c.name is NONE}
        for c in classifier.classify(vector)
    ]
    effects: list[dict[str, Any]] = []
    if 1 < len(request.templates) <= MOST_EFFECTS:
        embeddings = library.classifiers.embeddings(encoder)
        effects = [
            {
                "template": effect.template,
                "first": request.answers[effect.first],
                "agrees": bool(effect.agrees),
                "probability": effect.probability,
                "without": effect.without,
            }
            for effect in template_effects(classifier, embeddings, vector[None])
        ]
    return {
        "bars": bars,
        "encoder": encoder.name,
        "independent": request.mode == "any",
        "request": {"collection": opened.key, "image": image, "form": dict(form)},
        "calibration": classifier.calibration.as_dict(),
        "understood": understood(form, request),
        "templates": effects,
        "call": _api_call(opened.key, reference, request, form),
    }


def _api_call(key: str, reference: ImageReference, request: LabelRequest, form: Form) -> dict[str, Any] | None:
    """The body of /api/v1/classify with the same answer; None for an image of another collection."""
    if reference.id and reference.collection != key:
        return None
    image = {"image": reference.token} if reference.token else {"id": reference.id}
    settings = {name: getattr(request, name) for name in ("mode", "none", "none_level", "calibration")}
    classes = [{"name": one.name, "texts": one.texts} for one in request.classes]
    own = form.get("templates") == CUSTOM
    templates = {"own_templates": request.templates} if own else {"templates": form.get("templates") or "photo"}
    return {"collection": key, **image, "classes": classes, **templates, **settings}


def class_heat_maps(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """By name of each class in request["names"], the occlusion heat map of the image of a response's "request".

    Maps are [GRID][GRID] in 0..1, of the thumbnail that the page shows; a class that no part matches has none.
    """
    label_request, names = read_form(request.get("form") or {}), request.get("names")
    opened, reference = library.collection(request.get("collection")), ImageReference.read(request.get("image"))
    classifier = library.classifiers.classifier(opened, library.encoder(opened), label_request)
    wanted = set(map(str, names[:MOST_MAPS])) if isinstance(names, list) else set()
    at = [i for i, c in enumerate(label_request.classes) if c.name in wanted]
    if not at or reference is None:
        return {"heat": {}}
    maps = heat_map(image_of(library, reference), classifier.embeddings[at], classifier.encoder)
    found = zip(at, maps, strict=True)
    return {"heat": {label_request.classes[i].name: m.round(3).tolist() for i, m in found if m.any()}}
