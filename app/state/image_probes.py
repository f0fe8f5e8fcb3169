"""The probes of one image: word order, colour, typographic attack and prompt templates."""

from PIL import Image

from app.language.current import _
from app.state.library import Library
from app.state.pairs import generated_pair
from app.state.probe_request import SIDE, Request, Response, chosen_image, chosen_labels, whole_number
from app.state.text_encoder import text_encoder
from training.data.scenes.graph import COLOUR_NAMES, COLOURS
from training.evaluation.colours import hues_of_image, natural_objects, usual_probability
from training.evaluation.likely_words import likely_words
from training.evaluation.prompt_sensitivity import prompt_sensitivity
from training.evaluation.typographic_attack import typographic_attack
from training.evaluation.word_order import order_scores, rank_as_written
from training.models.errors import UserError
from training.models.inline_image import data_url
from training.models.prompts import template_set

MOST_WORDS = 60  # of a caption
MOST_LABELS = 24  # of a typographic attack
MOST_COMPARED = 6  # labels that are compared under many templates
TEMPLATE_STEP = 3  # every third of CLIP's 80 templates is compared


def word_order(library: Library, request: Request) -> Response:
    """A caption among its variants for one image, and the original's rank; without a caption, of a generated scene."""
    opened, encoder = text_encoder(library, request.get("collection"))
    caption = str(request.get("caption") or "").strip()
    response: Response = {}
    if caption:
        image = chosen_image(library, opened, request.get("image"))
    else:
        pair = generated_pair("relation swap", whole_number(request.get("i")))
        image, caption = Image.fromarray(pair.image_0), pair.caption_0
        response = {"image": data_url(image), "caption": caption}
    if len(caption.split()) > MOST_WORDS:
        raise UserError(
            _("That caption has {n} words; {most_words} are the most.", n=len(caption.split()), most_words=MOST_WORDS)
        )
    found = order_scores(encoder, image, caption)
    if len(found) < 2:
        raise UserError(_("This caption has no other order; give it at least two different words."))
    ordered = sorted(found, key=lambda one: -one.score)
    return response | {"variants": [vars(one) for one in ordered], "rank": rank_as_written(found)}


def colour_grid(library: Library, request: Request) -> Response:
    """Objects by colours: by text alone, drawn in request["paint"], or a person's own image in many hues."""
    opened, encoder = text_encoder(library, request.get("collection"))
    swatches = {name: f"rgb({' '.join(map(str, COLOURS[name]))})" for name in COLOUR_NAMES}
    response: Response = {"colours": list(COLOUR_NAMES), "swatches": swatches}
    if request.get("image"):
        name = " ".join(str(request.get("object") or "").split())[:60]
        if not name:
            raise UserError(_("Say what the image shows, in a word or two: lemon."))
        rows = hues_of_image(encoder, chosen_image(library, opened, request["image"]), name)
        response["object"] = name
    else:
        paint = str(request.get("paint") or "")
        rows = natural_objects(encoder, None if paint == "text" else paint, SIDE)
        response |= {"paint": paint, "usual": usual_probability(rows)}
    return response | {
        "rows": [
            {
                "name": row.name,
                "image": "" if row.image is None else data_url(row.image),
                "usual": row.usual,
                "painted": row.painted,
                "probabilities": row.probabilities.tolist(),
            }
            for row in rows
        ]
    }


def typographic(library: Library, request: Request) -> Response:
    """Labels of an image before and after a word is written on it."""
    opened, encoder = text_encoder(library, request.get("collection"))
    image = chosen_image(library, opened, request.get("image"))
    word = " ".join(str(request.get("word") or "").split())[:40]
    if not word:
        raise UserError(_("There is no word to write; type one."))
    labels = chosen_labels(request.get("labels"), MOST_LABELS) or likely_words(encoder, image, 5)
    if word not in labels:
        labels.append(word)
    attack = typographic_attack(encoder, image, labels, word)
    rows = [
        {"label": label, "before": float(before), "after": float(after)}
        for label, before, after in zip(labels, attack.before, attack.after, strict=True)
    ]
    return {"rows": rows, "word": word, "image": data_url(attack.image), "labels": ", ".join(labels)}


def template_scores(library: Library, request: Request) -> Response:
    """How much the template around a label moves its score: the bare name and every third of CLIP's 80 templates."""
    opened, encoder = text_encoder(library, request.get("collection"))
    image = chosen_image(library, opened, request.get("image"))
    labels = chosen_labels(request.get("labels"), MOST_COMPARED) or likely_words(encoder, image, 3)
    found = prompt_sensitivity(encoder, image, labels, ["{}", *template_set("80")[::TEMPLATE_STEP]])
    return {
        "labels": labels,
        "templates": [template.replace("{}", "…") for template in found.templates],
        "scores": found.cosines.T.tolist(),
        "wins": found.wins,
    }
