"""Zero-shot classification of one image in five steps, every number visible."""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from training.evaluation.likely_words import likely_words
from training.evaluation.zero_shot import zero_shot_steps
from training.lessons.encoders import encoder
from training.lessons.lesson import Part, Settings
from training.lessons.parts import bar, bars, images, sentence, steps
from training.lessons.photos import completed
from training.lessons.said import say
from training.models.softmax import softmax

LABELS, FIRST = 5, 5  # classes, and components of a vector that are shown


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    (photo,), tower = completed(photos, 1), encoder(settings.text("encoder"))
    temperature = settings.number("temperature")
    labels = likely_words(tower, photo, LABELS)
    found = zero_shot_steps(tower, photo, labels, settings.text("template"))
    probabilities = softmax(found.cosines[None] / temperature)[0]
    best = int(probabilities.argmax())
    yield sentence(
        say(
            "“{best}” with {probability:.0%}. No class was trained: only the order of {labels} cosine "
            "similarities decides.",
            best=labels[best],
            probability=float(probabilities[best]),
            labels=LABELS,
        )
    )
    yield images("photo", say("The image"), [(photo, "")])
    yield steps(
        "steps",
        [
            (say("Prompts"), found.prompts),
            (say("Text embeddings"), [*map(vector, found.texts), say("{dim} dimensions each", dim=tower.dim)]),
            (say("Image embedding"), [vector(found.image), say("{dim} dimensions", dim=tower.dim)]),
            (
                say("Cosine similarities"),
                [f"{label} {cosine:.3f}" for label, cosine in zip(labels, found.cosines, strict=True)],
            ),
            (say("Highest similarity"), [say("{best}, at any temperature", best=labels[best])]),
        ],
    )
    rows = [bar(labels[i], probabilities[i], strong=i == best) for i in range(LABELS)]
    own = 1 / tower.logit_scale
    title = say(
        "Softmax at temperature {temperature:.3g}; the encoder's own is {own:.3g}",
        temperature=temperature,
        own=float(own),
    )
    yield bars("softmax", title, rows, percent=True)


def vector(row: "np.ndarray") -> str:
    """The first components of a vector."""
    return f"[{', '.join(f'{value:.2f}' for value in row[:FIRST])}, …]".replace("-", "−")
