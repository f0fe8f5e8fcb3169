"""When are lemons purple? The colour that an encoder gives an object, from text alone or painted."""

from collections.abc import Iterator, Sequence

from PIL import Image

from training.data.scenes.graph import COLOUR_NAMES
from training.evaluation.colours import natural_objects, usual_probability
from training.lessons.encoders import encoder
from training.lessons.lesson import Part, Settings
from training.lessons.parts import head, matrix, sentence
from training.lessons.said import say

PAINTS = {"text alone": None, "usual colour": "natural", "grey": "grey", "wrong colour": "wrong"}
PIXELS = 224


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    paint = settings.text("painted")
    rows = natural_objects(encoder(settings.text("encoder")), PAINTS[paint], PIXELS)
    chance = 1 / len(COLOUR_NAMES)
    usual = usual_probability(rows)
    yield sentence(
        say(
            "The usual colour gets a probability of {usual:.0%} on average; chance is {chance:.0%}.",
            usual=float(usual),
            chance=chance,
        )
    )
    best = [(i, int(row.probabilities.argmax())) for i, row in enumerate(rows)]
    painted = [row.painted or row.usual for row in rows]
    right = [COLOUR_NAMES[column] == colour for (_, column), colour in zip(best, painted, strict=True)]
    extra = [f"{'✓' if ok else '✗'} {row.painted or row.usual}" for ok, row in zip(right, rows, strict=True)]
    yield matrix(
        "colours",
        say("Probability of each colour, in percent; the answer is outlined"),
        [row.probabilities for row in rows],
        [head(row.name, row.image) for row in rows],
        [head(name) for name in COLOUR_NAMES],
        shown="percent",
        low=0.0,
        high=1.0,
        marks=best,
        extra=extra if paint != "grey" else (),
        extra_title=say("what it is") if paint != "text alone" else say("the usual one"),
    )
