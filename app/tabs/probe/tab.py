"""Probe: what an encoder can and cannot see, asked of one image, or of two and two captions."""

import base64
import io
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.tabs.search.tab import answered
from app.ui.assets import load_module
from app.ui.inspector.inspector import file_name
from training.data.contrasts import PAINTS, WINOGROUND, Pair, coloured_object, winoground_pair
from training.data.world import COLOUR_NAMES, COLOURS, NATURAL, NATURAL_NAMES
from training.evaluation.colours import colour_probabilities, greyed, turned
from training.evaluation.live import cosines, match, order_scores, rank_as_written, typographic
from training.evaluation.winoground import KNOWN, SCORES, pair_matrix, wins_of_matrix
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.intervals import figure_of
from training.models.prompts import template_set
from training.models.zero_shot import ClassName, everyday_words, zero_shot_classifier

SAMPLES = 12  # images of the collection to probe with
SIDE = 224  # pixels of generated images
MEASURED = 24  # bundled pairs of a kind that the bars are measured on
TURNS = (0, 60, 120, 180, 240, 300)  # degrees that hues are turned by
MOST_WORDS, MOST_LABELS, MOST_PHRASED = 60, 24, 6  # of a caption; labels that are asked for, in one phrasing or many
BUNDLED = 10_000  # how many pairs of a kind can be browsed


def probe_tab(library: Library) -> None:
    """Lay out the tab: one component, whose functions answer the questions its script asks."""
    measured = Measured()

    def start(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(begin, library, ask)

    def bundled(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(bundled_pair, library, ask)

    def pair(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(own_pair, library, ask)

    def bars(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(measured.of, library, ask)

    def order(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(word_order, library, ask)

    def colours(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(colour_grid, library, ask)

    def written(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(written_on, library, ask)

    def phrased(ask: dict[str, Any]) -> dict[str, Any]:
        return answered(phrasings, library, ask)

    gr.HTML(
        html_template="<div class='g-probe'></div>",
        js_on_load=load_module("tabs/probe/probe.js", "probe(element, server)"),
        apply_default_css=False,
        server_functions=[start, bundled, pair, bars, order, colours, written, phrased],
        elem_id="probe",
    )


def reader(library: Library, ask: dict[str, Any]) -> tuple[OpenCollection, Encoder]:
    """The chosen collection's encoder; UserError if it reads no words, since every probe here asks with words."""
    opened = library.collection(ask.get("collection"))
    encoder = library.encoder(opened)
    if not encoder.reads_text:
        raise UserError(
            f"{encoder.name} sees images only, and these probes ask with words; choose a collection of another "
            f"encoder at the top, or look at its neighbours under Compare."
        )
    return opened, encoder


def image_of(library: Library, opened: OpenCollection, given: Any) -> Image.Image:
    """An uploaded image by its token, or one of the collection by its id, as its preview."""
    given = given if isinstance(given, dict) else {}
    if given.get("token"):
        return library.uploads.get(str(given["token"])).convert("RGB")
    path = opened.published().thumbnail(str(given.get("id") or ""))
    if path is None:
        raise UserError("Choose an image to ask about: one of the collection, or your own.")
    with Image.open(path) as preview:
        return preview.convert("RGB")


def shown(image: Image.Image) -> str:
    """A small image inside the answer itself: it was made for this page and belongs to nobody's collection."""
    small = image.copy()
    small.thumbnail((320, 320))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=85)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"


def _labels(text: Any, most: int) -> list[str]:
    """Labels parted by commas, each once; UserError for too many."""
    labels = list(dict.fromkeys(part.strip() for part in str(text or "")[:2000].split(",") if part.strip()))
    if len(labels) > most:
        raise UserError(f"Those are {len(labels)} labels; give {most} at most, with commas between them.")
    return labels


def begin(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """What there is to probe with: images of the collection, kinds of bundled pairs, names of colours."""
    opened = library.collection(ask.get("collection"))
    collection = opened.published()
    rows = np.unique(np.linspace(0, len(collection) - 1, min(SAMPLES, len(collection))).astype(int))
    items = collection.items
    hits = [
        {"id": items["id"].iat[i], "name": items["caption"].iat[i] or file_name(items["path"].iat[i])} for i in rows
    ]
    return {
        "collection": opened.key,
        "encoder": opened.encoder_name,
        "readsText": library.encoder_state(opened)["readsText"],
        "samples": hits,
        "kinds": list(WINOGROUND),
        "paints": list(PAINTS),
    }


@lru_cache(maxsize=128)
def _pair(kind: str, i: int) -> Pair:
    return winoground_pair(0, i % BUNDLED, kind, SIDE)


def bundled_pair(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Pair ask["i"] of a kind with its scores; caption k is true of image k alone."""
    _, encoder = reader(library, ask)
    made = _pair(str(ask.get("kind")), _whole(ask.get("i")))
    images = [Image.fromarray(pixels) for pixels in (made.image_0, made.image_1)]
    captions = [made.caption_0, made.caption_1]
    previews = [shown(image) for image in images]
    return _judged(encoder, images, captions) | {"captions": captions, "images": previews, "kind": made.kind}


def _whole(value: Any) -> int:
    try:
        return abs(int(value))
    except (TypeError, ValueError):
        return 0


def own_pair(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Two images and two captions of a person's own, with their scores."""
    opened, encoder = reader(library, ask)
    given, captions = list(ask.get("images") or []), [str(text).strip()[:500] for text in ask.get("captions") or []]
    if len(given) != 2 or not all(given):
        raise UserError("Choose two images; the first belongs to the first caption.")
    if len(captions) != 2 or not all(captions):
        raise UserError("Write two captions, the first for the first image.")
    return _judged(encoder, [image_of(library, opened, one) for one in given], captions) | {"captions": captions}


def _judged(encoder: Encoder, images: Sequence[Image.Image], captions: Sequence[str]) -> dict[str, Any]:
    """scores [2][2], images by captions, and which of text, image and group are won."""
    found = match(encoder, images, captions)
    wins = {name: getattr(found, name) for name in SCORES}
    return {"scores": found.scores.tolist(), "wins": wins, "says": found.says}


class Measured:
    """Bars of the bundled pairs, by kind: measured once for each encoder."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()  # one at a time

    def of(self, library: Library, ask: dict[str, Any]) -> dict[str, Any]:
        """text, image and group of every kind with intervals, beside chance, people and CLIP on Winoground itself."""
        _, encoder = reader(library, ask)
        with self._lock:
            if encoder.fingerprint not in self._known:
                self._known[encoder.fingerprint] = _measure(encoder)
                while len(self._known) > 8:
                    self._known.popitem(last=False)
            return self._known[encoder.fingerprint]


def _measure(encoder: Encoder) -> dict[str, Any]:
    kinds = {}
    for kind in WINOGROUND:
        pairs = [winoground_pair(1, i, kind, min(SIDE, encoder.image_size)) for i in range(MEASURED)]
        images = [encoder.embed_images([Image.fromarray(getattr(p, f"image_{k}")) for p in pairs]) for k in (0, 1)]
        captions = [encoder.embed_texts([getattr(p, f"caption_{k}") for p in pairs]) for k in (0, 1)]
        wins = wins_of_matrix(pair_matrix(*images, *captions))
        kinds[kind] = {score: dict(figure_of(wins[score])) for score in SCORES}
    chance = dict(zip(SCORES, KNOWN["chance"], strict=True))
    return {"kinds": kinds, "chance": chance, "pairs": MEASURED}


def word_order(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """A caption among its variants for one image, and the original's rank; without a caption, of a bundled scene."""
    opened, encoder = reader(library, ask)
    caption = str(ask.get("caption") or "").strip()
    answer: dict[str, Any] = {}
    if caption:
        image = image_of(library, opened, ask.get("image"))
    else:
        made = _pair("relation swap", _whole(ask.get("i")))
        image, caption = Image.fromarray(made.image_0), made.caption_0
        answer = {"image": shown(image), "caption": caption}
    if len(caption.split()) > MOST_WORDS:
        raise UserError(f"That caption has {len(caption.split())} words; {MOST_WORDS} are the most.")
    found = order_scores(encoder, image, caption)
    if len(found) < 2:
        raise UserError("This caption has no other order; give it at least two different words.")
    ordered = sorted(found, key=lambda one: -one.score)
    return answer | {"variants": [vars(one) for one in ordered], "rank": rank_as_written(found)}


def colour_grid(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Objects by colours: by words alone, drawn in ask["paint"], or a person's own image in many hues."""
    opened, encoder = reader(library, ask)
    swatches = {name: f"rgb({' '.join(map(str, COLOURS[name]))})" for name in COLOUR_NAMES}
    answer: dict[str, Any] = {"colours": list(COLOUR_NAMES), "swatches": swatches}
    if ask.get("image"):
        thing = " ".join(str(ask.get("object") or "").split())[:60]
        if not thing:
            raise UserError("Say what the image shows, in a word or two: lemon.")
        image = image_of(library, opened, ask["image"])
        looks = [("as it is", image), ("grey", greyed(image))]
        looks += [(f"hues turned by {turn}°", turned(image, turn)) for turn in TURNS[1:]]
        probabilities = colour_probabilities(
            encoder, [thing] * len(looks), COLOUR_NAMES, encoder.embed_images([p for _, p in looks])
        )
        rows = [
            {"name": name, "image": shown(look), "probabilities": row.tolist()}
            for (name, look), row in zip(looks, probabilities, strict=True)
        ]
        words = {
            "name": "the words alone",
            "image": "",
            "probabilities": colour_probabilities(encoder, [thing], COLOUR_NAMES)[0].tolist(),
        }
        return answer | {"rows": [words, *rows], "object": thing}
    paint = str(ask.get("paint") or "")
    if paint == "words":
        probabilities = colour_probabilities(encoder, NATURAL_NAMES, COLOUR_NAMES)
        images, painted = [""] * len(NATURAL_NAMES), [""] * len(NATURAL_NAMES)
    else:
        scenes = [coloured_object(0, i, paint, shape, pixels=SIDE) for i, shape in enumerate(NATURAL_NAMES)]
        drawn = [Image.fromarray(scene.image) for scene in scenes]
        probabilities = colour_probabilities(encoder, NATURAL_NAMES, COLOUR_NAMES, encoder.embed_images(drawn))
        images, painted = [shown(one) for one in drawn], [scene.graph.things[0].colour for scene in scenes]
    answer["rows"] = [
        {"name": name, "image": image, "usual": NATURAL[name], "painted": colour, "probabilities": row.tolist()}
        for name, image, colour, row in zip(NATURAL_NAMES, images, painted, probabilities, strict=True)
    ]
    usual = float(np.mean([row["probabilities"][COLOUR_NAMES.index(row["usual"])] for row in answer["rows"]]))
    return answer | {"paint": paint, "usual": usual}


def written_on(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """Labels of an image before and after a word is written on it."""
    opened, encoder = reader(library, ask)
    image = image_of(library, opened, ask.get("image"))
    word = " ".join(str(ask.get("word") or "").split())[:40]
    if not word:
        raise UserError("There is no word to write; type one.")
    labels = _labels(ask.get("labels"), MOST_LABELS) or likeliest(encoder, image, 5)
    if word not in labels:
        labels.append(word)
    found = typographic(encoder, image, labels, word)
    before, after = found.before, found.after
    rows = [
        {"label": label, "before": float(b), "after": float(a)}
        for label, b, a in zip(labels, before, after, strict=True)
    ]
    return {"rows": rows, "word": word, "image": shown(found.image), "labels": ", ".join(labels)}


def likeliest(encoder: Encoder, image: Image.Image, count: int) -> list[str]:
    """The everyday words that an image answers best."""
    words = everyday_words()
    scores = encoder.embed_images([image]) @ _everyday(encoder).T
    return [words[i] for i in np.argsort(-scores[0], kind="stable")[:count]]


@lru_cache(maxsize=4)
def _everyday(encoder: Encoder) -> Any:
    return zero_shot_classifier(encoder, [ClassName(word) for word in everyday_words()], ["a photo of a {}."])


def phrasings(library: Library, ask: dict[str, Any]) -> dict[str, Any]:
    """How much the wording around a label moves its score: every third of CLIP's 80 templates."""
    opened, encoder = reader(library, ask)
    image = image_of(library, opened, ask.get("image"))
    labels = _labels(ask.get("labels"), MOST_PHRASED) or likeliest(encoder, image, 3)
    templates = ["{}", *template_set("80")[::3]]
    phrases = [template.replace("{}", label) for template in templates for label in labels]
    scores = cosines(encoder, [image], phrases).reshape(len(templates), len(labels))
    wins = np.bincount(scores.argmax(axis=1), minlength=len(labels))
    return {
        "labels": labels,
        "templates": [template.replace("{}", "…") for template in templates],
        "scores": scores.T.tolist(),
        "wins": wins.tolist(),
    }
