"""What a person asks of Classify, read and checked, and what was made of it lately."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from app.state.library import Library
from app.state.open_collection import OpenCollection
from index.labels.classifier import SURENESS, Asked, Classifier, calibrated, make_classifier
from index.labels.ground_truth import known_labels
from index.retrieval.relevance import NullDistribution, cached_null_distribution
from index.storage.corrections import read_corrections
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.prompts import TEMPLATE_SETS, parse_templates, template_set
from training.models.zero_shot import ClassVectors, parse_classes

FIELDS = ("classes", "templates", "own", "mode", "none", "level", "sureness")  # in the order of the page
OWN = "own"  # the phrasing that a person wrote
MOST_PHRASES = 20_000  # classes' words times templates, half a minute of a small encoder's time
MOST_TEMPLATES = 200
LEVELS = 20.0  # logits that "none of these" may be put ahead or behind
NOISE_PATIENCE = 120.0  # seconds: any of these cannot answer without it

Form = Mapping[str, Any]


def read_form(form: Form) -> Asked:
    """The form as the page sends it; UserError if it makes no sense or is too much."""
    classes = parse_classes(str(form.get("classes") or "")[:500_000])
    templates = str(form.get("templates") or "photo")
    if templates == OWN:
        phrases = parse_templates(str(form.get("own") or "")[:100_000])
        if len(phrases) > MOST_TEMPLATES:
            raise UserError(f"That is {len(phrases)} phrasings; the page takes {MOST_TEMPLATES}.")
    elif templates in TEMPLATE_SETS:  # never a file: the name comes from a browser
        phrases = template_set(templates)
    else:
        raise UserError("There is no such phrasing; choose one of the list.")
    prompts = sum(len(c.words) for c in classes) * len(phrases)
    if prompts > MOST_PHRASES:
        raise UserError(
            f"That makes {prompts:,} phrases and the page takes {MOST_PHRASES:,}; "
            f"choose a shorter phrasing or fewer classes, or use the command line: python -m index label."
        )
    sureness = str(form.get("sureness") or "calibrated")
    if sureness not in SURENESS:
        raise UserError("There is no such kind of probability; choose one of the list.")
    try:
        level = min(max(float(form.get("level") or 0.0), -LEVELS), LEVELS)
    except (TypeError, ValueError) as error:
        raise UserError("How readily none of these is answered is a number.") from error
    return Asked(
        tuple(classes),
        tuple(phrases),
        independent=form.get("mode") == "any",
        none=bool(form.get("none")),
        level=level if level == level else 0.0,
        sureness=sureness,
    )


def understood(form: Form, asked: Asked) -> str:
    """What was made of classes that could be read in two ways, or ""."""
    text = str(form.get("classes") or "").strip()
    if "\n" in text or len(asked.classes) < 2:
        return ""
    names = ", ".join(c.name for c in asked.classes[:8]) + (", …" if len(asked.classes) > 8 else "")
    return f"Understood as {len(asked.classes)} classes: {names}."


def noise_for(opened: OpenCollection, encoder: Encoder, asked: Asked) -> NullDistribution | None:
    """What any-of-these needs, else None. UserError where it cannot be measured."""
    if not asked.independent or encoder.logit_bias is not None:
        return None
    noise = cached_null_distribution(opened.published(), encoder, NOISE_PATIENCE)
    if noise is None:
        raise UserError("The collection's noise is still being measured; try again in a moment.")
    return noise


class Kept:
    """Class names as encoders read them, and classifiers made lately, so that another image costs nothing."""

    def __init__(self, keep: int = 16):
        self.keep = keep
        self._vectors: OrderedDict[str, ClassVectors] = OrderedDict()
        self._made: OrderedDict[tuple[Any, ...], Classifier] = OrderedDict()
        self._lock = threading.Lock()

    def vectors(self, encoder: Encoder) -> ClassVectors:
        """What this encoder made of class names so far."""
        with self._lock:
            if encoder.fingerprint not in self._vectors or self._vectors[encoder.fingerprint].encoder is not encoder:
                self._vectors[encoder.fingerprint] = ClassVectors(encoder)
                while len(self._vectors) > 4:
                    self._vectors.popitem(last=False)
            self._vectors.move_to_end(encoder.fingerprint)
            return self._vectors[encoder.fingerprint]

    def classifier(self, library: Library, opened: OpenCollection, asked: Asked) -> Classifier:
        """For images beside a collection, with what its labels say about probabilities."""
        encoder = library.encoder(opened)
        collection = opened.collection
        corrections = read_corrections(collection.path) if collection is not None else {}
        mark = hash(tuple(corrections.items()))
        revision = collection.revision if collection is not None else 0
        key = (encoder.fingerprint, opened.key, str(opened.path), revision, mark, asked)
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        made = make_classifier(asked, self.vectors(encoder), noise_for(opened, encoder, asked))
        if asked.sureness == "calibrated" and collection is not None and len(collection):
            known = known_labels(collection, asked.classes, corrections, asked.none or asked.independent)
            made = calibrated(made, collection, known)
        with self._lock:
            self._made[key] = made
            while len(self._made) > self.keep:
                self._made.popitem(last=False)
        return made


def sureness_of(classifier: Classifier) -> dict[str, Any]:
    """What the badge says of probabilities."""
    c = classifier.calibration
    return {
        "labels": c.labels,
        "known": c.known,
        "temperature": round(c.temperature, 4),
        "wanted": classifier.asked.sureness,
        "before": None if c.before is None else round(c.before.error, 4),
        "after": None if c.after is None else round(c.after.error, 4),
    }
