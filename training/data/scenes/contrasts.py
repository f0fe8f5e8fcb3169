"""Generated tests of whether an encoder binds attributes to objects.

Winoground pairs: two scenes and two captions of the same words; each caption describes its own scene only. Hard
negatives: a scene with its caption and a false caption of equal length. Natural objects in their usual colour, in grey
or in an unusual colour, alone or beside another. In each test the image decides which caption is correct, and not the
plausibility of the text; `audit` measures this.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from training.data.scenes.captions import Description, Mention, is_true, read, say
from training.data.scenes.drawing import Pixels, draw_scene
from training.data.scenes.graph import (
    ABSTRACT,
    COLOUR_NAMES,
    NATURAL,
    NATURAL_NAMES,
    OPPOSITE,
    SPREAD,
    USUAL,
    Draws,
    Kind,
    SceneGraph,
    Thing,
    lay_out,
)
from training.data.scenes.source import LIGHT, PIXELS, Scene, described
from training.models.errors import UserError

WINOGROUND = ("colour swap", "relation swap", "role swap", "count swap")
NEGATIVES = ("replace colour", "replace shape", "replace relation", "swap colours", "add size", "add texture")
PAINTS = ("natural", "grey", "wrong")
CALM = replace(USUAL, copies=0.0, synonyms=0.0, nuisance=0.3)
PAIRS = 100_000  # first random stream of pairs


@dataclass(frozen=True)
class ContrastPair:
    """Two scenes and two captions of the same words; caption k describes scene k only."""

    kind: str
    image_0: Pixels
    image_1: Pixels
    caption_0: str
    caption_1: str
    graphs: tuple[SceneGraph, SceneGraph]


@dataclass(frozen=True)
class Negative:
    """A scene with its caption and a false caption of the same length."""

    kind: str
    image: Pixels
    caption: str
    negative: str
    graph: SceneGraph


def winoground_pair(seed: int, i: int, kind: str, pixels: int = PIXELS) -> ContrastPair:
    """Pair i of a kind, one of WINOGROUND."""
    if kind not in WINOGROUND:
        raise UserError(f"There is no pair called {kind!r}; choose from {', '.join(WINOGROUND)}.")
    stream = PAIRS + WINOGROUND.index(kind)
    draws = Draws(seed, i, stream)
    (a, b), (ca, cb) = _two(draws, ABSTRACT), _two(draws, COLOUR_NAMES)
    kinds, swapped, relation = [(a, ca), (b, cb)], [(a, cb), (b, ca)], None
    if kind == "relation swap":
        relation = draws.pick(tuple(OPPOSITE))
        swapped = kinds[::-1]
    elif kind == "role swap":
        a, b = ("circle", "square") if "ring" in (a, b) else (a, b)  # a ring cannot hide much
        kinds = [(a, ca), (b, cb)]
        swapped, relation = kinds[::-1], "covers"
    elif kind == "count swap":
        swapped = kinds
    ground = draws.pick(("white", "grey"))
    first = lay_out(Draws(seed, i, stream + 100), kinds, relation, ground, CALM)
    second = lay_out(Draws(seed, i, stream + 100), swapped, relation, ground, CALM)
    if kind == "count swap":
        first, second = _counted(first, (2, 3)), _counted(second, (3, 2))
    captions = [
        say(Description(tuple(_mention_of(thing) for thing in graph.things), graph.relation))
        for graph in (first, second)
    ]
    images = [draw_scene(graph, Draws(seed, i, stream + LIGHT), pixels, CALM.nuisance) for graph in (first, second)]
    return ContrastPair(kind, images[0], images[1], captions[0], captions[1], (first, second))


def hard_negative(seed: int, i: int, kind: str, pixels: int = PIXELS) -> Negative:
    """Scene i of a kind, one of NEGATIVES, with a true and a false caption that differ in that alone."""
    if kind not in NEGATIVES:
        raise UserError(f"There is no hard negative called {kind!r}; choose from {', '.join(NEGATIVES)}.")
    stream = PAIRS + 10 + NEGATIVES.index(kind)
    draws = Draws(seed, i, stream)
    (a, b, c), (ca, cb, cc) = _some(draws, ABSTRACT, 3), _some(draws, COLOUR_NAMES, 3)
    relation = draws.pick(tuple(OPPOSITE)) if kind == "replace relation" else None
    graph = lay_out(Draws(seed, i, stream + 100), [(a, ca), (b, cb)], relation, draws.pick(("white", "grey")), CALM)
    if kind == "add texture":  # one has it, and the other's would be false
        textures = [draws.pick(("striped", "dotted")), "plain"]
        graph = replace(graph, things=tuple(replace(t, texture=x) for t, x in zip(graph.things, textures, strict=True)))
    true = [_mention_of(thing) for thing in graph.things]
    false, wrong = list(true), relation
    at = int(draws.one() * 2)
    if kind == "replace colour":
        false[at] = replace(true[at], colour=cc)
    elif kind == "replace shape":
        false[at] = replace(true[at], shape=c)
    elif kind == "replace relation" and relation:
        wrong = OPPOSITE[relation]
    elif kind == "swap colours":
        false = [replace(true[0], colour=cb), replace(true[1], colour=ca)]
    elif kind == "add size":
        other = {"small": "large", "large": "small"}
        size = graph.things[at].size
        true[at], false[at] = replace(true[at], size=size), replace(true[at], size=other[size])
    else:
        texture = graph.things[0].texture
        true, false = [replace(true[0], texture=texture), true[1]], [true[0], replace(true[1], texture=texture)]
    image = draw_scene(graph, Draws(seed, i, stream + LIGHT), pixels, CALM.nuisance)
    if relation is None and draws.chance(0.5):  # which thing is named first tells nothing
        true, false = true[::-1], false[::-1]
    captions = [say(Description(tuple(mentions), way)) for mentions, way in ((true, relation), (false, wrong))]
    return Negative(kind, image, captions[0], captions[1], graph)


def coloured_object(
    seed: int, i: int, paint: str = "natural", shape: str | None = None, beside: bool = False, pixels: int = PIXELS
) -> Scene:
    """A natural object in its usual, a grey or a wrong colour; beside: with another natural object next to it.

    paint: one of PAINTS. The caption names the first object without its colour.
    """
    if paint not in PAINTS:
        raise UserError(f"An object cannot be painted {paint!r}; choose from {', '.join(PAINTS)}.")
    stream = PAIRS + 50
    draws = Draws(seed, i, stream)
    first = shape or draws.pick(NATURAL_NAMES)
    other = draws.pick([name for name in NATURAL_NAMES if name != first])
    wrong = draws.pick([colour for colour in COLOUR_NAMES if colour != NATURAL[first]])
    colour = {"natural": NATURAL[first], "grey": "grey", "wrong": wrong}[paint]
    kinds: list[Kind] = [(first, colour), *([(other, NATURAL[other])] if beside else [])]
    graph = lay_out(draws, kinds, "left of" if beside else None, "white", CALM)
    things = (replace(graph.things[0], size="large", texture="plain"), *graph.things[1:])
    graph = replace(graph, things=things)
    image = draw_scene(graph, Draws(seed, i, stream + LIGHT), pixels, CALM.nuisance)
    return Scene(image, say(Description((Mention(first),))), graph)


def audit(seed: int, count: int, trained_on: int = 2000) -> dict[str, dict[str, float]]:
    """For each split, how often reading the graph and how often knowing only text finds the true caption.

    oracle must be 1, or the split is broken; blind (word pairs counted in that many training captions) must
    be about a half, or it can be answered without looking.
    """
    likely = _language([described(seed, i)[1] for i in range(trained_on)])
    report: dict[str, dict[str, float]] = {}
    for kind in (*WINOGROUND, *NEGATIVES):
        seen, sounds = [], []
        for i in range(count):
            for graph, true, false in _questions(seed, i, kind):
                seen.append(is_true(read(true), graph) and not is_true(read(false), graph))
                gap = likely(true) - likely(false)
                sounds.append(0.5 if abs(gap) < 1e-9 else float(gap > 0))
        report[kind] = {"oracle": sum(seen) / len(seen), "blind": sum(sounds) / len(sounds), "n": float(len(seen))}
    return report


def _questions(seed: int, i: int, kind: str) -> Iterator[tuple[SceneGraph, str, str]]:
    """Graphs, each with a true and a false caption."""
    if kind in WINOGROUND:
        pair = winoground_pair(seed, i, kind, pixels=16)
        yield pair.graphs[0], pair.caption_0, pair.caption_1
        yield pair.graphs[1], pair.caption_1, pair.caption_0
    else:
        one = hard_negative(seed, i, kind, pixels=16)
        yield one.graph, one.caption, one.negative


def _language(captions: Sequence[str]) -> Callable[[str], float]:
    """How likely a caption sounds: the mean log probability of its words after each other, one added to each count."""
    pairs: Counter[tuple[str, str]] = Counter()
    firsts: Counter[str] = Counter()
    for caption in captions:
        words = ["", *caption.replace(",", "").split(), "."]
        pairs.update(pairwise(words))
        firsts.update(words[:-1])
    size = len(firsts) + 1

    def likely(caption: str) -> float:
        words = ["", *caption.replace(",", "").split(), "."]
        steps = list(pairwise(words))
        return sum(math.log((pairs[step] + 1) / (firsts[step[0]] + size)) for step in steps) / len(steps)

    return likely


def _mention_of(thing: Thing) -> Mention:
    return Mention(thing.shape, thing.count, thing.colour)


def _counted(graph: SceneGraph, counts: tuple[int, int]) -> SceneGraph:
    """The graph with so many copies of its first two things."""
    things = []
    for thing, count in zip(graph.things, counts, strict=True):
        places = tuple((thing.x + dx, thing.y + dy) for dx, dy in SPREAD[count])
        things.append(replace(thing, places=places, size="small"))
    return replace(graph, things=tuple(things))


def _some(draws: Draws, options: Sequence[str], count: int) -> list[str]:
    """count different ones of options."""
    left, found = list(options), []
    for _ in range(count):
        found.append(left.pop(int(draws.one() * len(left))))
    return found


def _two(draws: Draws, options: Sequence[str]) -> tuple[str, str]:
    first, second = _some(draws, options, 2)
    return first, second
