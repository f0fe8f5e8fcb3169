"""What is said of a scene: captions from its graph, and whether a caption is true of a graph.

    a large red circle left of two striped lemons, and a leaf

Phrases are said in other words now and then (synonyms, passive, the relation from its other end), so that
a caption has no fixed form; reading one back knows all of them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from training.data.scenes.graph import COLOURS, OPPOSITE, SHAPES, SIZES, TEXTURES, Draws, SceneGraph, SceneKnobs, Thing

SHAPE_WORDS: Mapping[str, tuple[str, ...]] = {
    "circle": ("circle", "disc"),
    "square": ("square", "box"),
    "ring": ("ring", "hoop"),
    "diamond": ("diamond", "rhombus"),
    "cross": ("cross", "plus"),
    "eggplant": ("eggplant", "aubergine"),
    "pig": ("pig", "piglet"),
}
COLOUR_WORDS: Mapping[str, tuple[str, ...]] = {
    "red": ("red", "crimson"),
    "purple": ("purple", "violet"),
    "yellow": ("yellow", "golden"),
}
SIZE_WORDS: Mapping[str, tuple[str, ...]] = {"small": ("small", "little", "tiny"), "large": ("large", "big", "huge")}
TEXTURE_WORDS: Mapping[str, tuple[str, ...]] = {"striped": ("striped",), "dotted": ("dotted", "spotted")}
RELATION_WORDS: Mapping[str, tuple[str, ...]] = {
    "left of": ("left of", "to the left of"),
    "right of": ("right of", "to the right of"),
    "above": ("above", "over"),
    "below": ("below", "under"),
    "covers": ("covering", "in front of"),
    "inside": ("inside", "within"),
}
FROM_THE_OTHER_END: Mapping[str, tuple[str, ...]] = {"covers": ("covered by", "behind"), "inside": ("around",)}
COUNTS = {1: "a", 2: "two", 3: "three"}
PLURALS = {"leaf": "leaves", "box": "boxes", "cross": "crosses", "tomato": "tomatoes", "blueberry": "blueberries"}


@dataclass(frozen=True)
class Mention:
    """A thing as a caption describes it; an attribute that is None is not mentioned."""

    shape: str
    count: int = 1
    colour: str | None = None
    size: str | None = None
    texture: str | None = None

    def fits(self, thing: Thing) -> bool:
        """Whether all that is mentioned is true of thing."""
        basic = (self.shape == thing.shape, self.count == thing.count)
        more = ((self.colour, thing.colour), (self.size, thing.size), (self.texture, thing.texture))
        return all(basic) and all(said is None or said == is_ for said, is_ in more)


@dataclass(frozen=True)
class Description:
    """What a caption says: mentions in their order, and how the first relates to the second, if it says so."""

    mentions: tuple[Mention, ...]
    relation: str | None = None


def describe(graph: SceneGraph, draws: Draws, knobs: SceneKnobs) -> Description:
    """What a caption of a graph mentions, in which order."""
    things = list(graph.things)
    chosen = [thing for thing in things if draws.chance(knobs.completeness)] or [draws.pick(things)]
    relation = graph.relation if things[:2] == chosen[:2] else None
    if relation is None:  # with a relation the order is its subject first
        for at in range(len(chosen) - 1, 0, -1):
            other = int(draws.one() * (at + 1))
            chosen[at], chosen[other] = chosen[other], chosen[at]
        if draws.chance(knobs.saliency):
            chosen.sort(key=lambda thing: -SIZES[thing.size] * thing.count)
    elif relation in OPPOSITE and draws.chance(0.5):  # "a left of b" is as true as "b right of a"
        chosen[0], chosen[1] = chosen[1], chosen[0]
        relation = OPPOSITE[relation]
    return Description(tuple(mention(thing, draws, knobs) for thing in chosen), relation)


def mention(thing: Thing, draws: Draws, knobs: SceneKnobs) -> Mention:
    """A mention of a thing: its colour, size and texture as often as the knobs say."""
    colour = thing.colour if draws.chance(knobs.attributes) else None
    size = thing.size if draws.chance(knobs.finer) else None
    texture = thing.texture if thing.texture != "plain" and draws.chance(knobs.finer) else None
    return Mention(thing.shape, thing.count, colour, size, texture)


def say(description: Description, draws: Draws | None = None, synonyms: float = 0.0) -> str:
    """A description as a sentence; with draws, with synonyms at that rate."""

    def word(options: Sequence[str]) -> str:
        if draws is None or len(options) == 1 or not draws.chance(synonyms):
            return options[0]
        return draws.pick(options[1:])

    phrases = [_phrase(one, word) for one in description.mentions]
    if description.relation is None:
        return _joined(phrases)
    first, second, *others = phrases
    ends = FROM_THE_OTHER_END.get(description.relation)
    if ends and draws is not None and draws.chance(synonyms):
        related = f"{second} {draws.pick(ends)} {first}"
    else:
        related = f"{first} {word(RELATION_WORDS[description.relation])} {second}"
    return related + (f", and {_joined(others)}" if others else "")


def read(caption: str) -> Description:
    """The description of a caption that `say` made; ValueError for any other text."""
    pattern = "|".join(re.escape(words) for words in sorted(_RELATIONS, key=len, reverse=True))
    related = re.split(rf" ({pattern}) ", caption, maxsplit=1)
    if len(related) == 1:
        return Description(tuple(_mention(part) for part in _parts(caption)))
    first, words, rest = related
    second, _, others = rest.partition(", and ")
    relation, turned = _RELATIONS[words]
    pair = (_mention(second), _mention(first)) if turned else (_mention(first), _mention(second))
    return Description((*pair, *(_mention(part) for part in _parts(others))), relation)


def is_true(description: Description, graph: SceneGraph) -> bool:
    """Whether everything that is said holds in the graph: an oracle that looks at no pixel."""
    for subject in graph.things:
        if not description.mentions[0].fits(subject):
            continue
        if description.relation is None:
            return all(any(one.fits(thing) for thing in graph.things) for one in description.mentions)
        for other in graph.things:
            if (
                other is not subject
                and description.mentions[1].fits(other)
                and holds(description.relation, subject, other, graph)
            ):
                return all(any(one.fits(thing) for thing in graph.things) for one in description.mentions[2:])
    return False


def holds(relation: str, first: Thing, second: Thing, graph: SceneGraph) -> bool:
    """Whether first stands in relation to second, by their places."""
    if relation in ("covers", "inside"):
        pair = graph.things[:2]
        return graph.relation == relation and first is pair[0] and second is pair[1]
    apart = {"left of": second.x - first.x, "right of": first.x - second.x}
    apart |= {"above": second.y - first.y, "below": first.y - second.y}
    return apart[relation] > 0.2


def _phrase(one: Mention, word: Callable[[Sequence[str]], str]) -> str:
    adjectives = [
        word(options[value]) if value in options else value
        for value, options in ((one.size, SIZE_WORDS), (one.texture, TEXTURE_WORDS), (one.colour, COLOUR_WORDS))
        if value is not None
    ]
    noun = word(SHAPE_WORDS.get(one.shape, (one.shape,)))
    if one.count > 1:
        noun = _plural(noun)
    words = [*adjectives, noun]
    article = COUNTS[one.count]
    if article == "a" and words[0][0] in "aeiou":
        article = "an"
    return " ".join([article, *words])


def _plural(noun: str) -> str:
    return PLURALS.get(noun, noun + ("es" if noun.endswith("s") else "s"))


def _joined(phrases: Sequence[str]) -> str:
    if len(phrases) < 3:
        return " and ".join(phrases)
    return ", ".join(phrases[:-1]) + " and " + phrases[-1]


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r", | and ", text) if part]


def _mention(phrase: str) -> Mention:
    article, *adjectives, noun = phrase.split()
    count = {"an": 1, **{word: n for n, word in COUNTS.items()}}.get(article)
    if count is None or noun not in _NOUNS:
        raise ValueError(f"{phrase!r} is no phrase of this grammar")
    attributes: dict[str, str] = {}
    for adjective in adjectives:
        if adjective not in _ADJECTIVES:
            raise ValueError(f"{adjective!r} is no adjective of this grammar")
        kind, value = _ADJECTIVES[adjective]
        attributes[kind] = value
    return Mention(_NOUNS[noun], count, attributes.get("colour"), attributes.get("size"), attributes.get("texture"))


def _nouns() -> dict[str, str]:
    """Every word for a shape, singular and plural."""
    nouns: dict[str, str] = {}
    for shape in SHAPES:
        for word in SHAPE_WORDS.get(shape, (shape,)):
            nouns[word] = nouns[_plural(word)] = shape
    return nouns


_NOUNS = _nouns()
_ADJECTIVES = {
    **{word: ("colour", colour) for colour in (*COLOURS, "grey") for word in COLOUR_WORDS.get(colour, (colour,))},
    **{word: ("size", size) for size in SIZES for word in SIZE_WORDS[size]},
    **{word: ("texture", texture) for texture in TEXTURES[1:] for word in TEXTURE_WORDS[texture]},
}
_RELATIONS = {
    **{words: (relation, False) for relation, options in RELATION_WORDS.items() for words in options},
    **{words: (relation, True) for relation, options in FROM_THE_OTHER_END.items() for words in options},
}
