"""The generated world: what a scene can hold, and the knobs that say how often.

A scene is a handful of things on a plain ground. A thing has a shape, a colour, a size, a texture and a
place; some shapes are natural and have a colour they usually are (a lemon is yellow). Everything about
scene i is drawn from numbers keyed by (seed, i), so it can be made alone, in any order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from random import Random
from typing import Any, TypeVar

from training.models.errors import UserError
from training.models.knobs import knob

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "red": (214, 48, 49),
    "orange": (240, 140, 30),
    "yellow": (250, 212, 50),
    "green": (56, 160, 72),
    "blue": (48, 98, 206),
    "purple": (134, 62, 168),
    "pink": (240, 130, 180),
    "brown": (130, 86, 52),
}
GREY = (132, 132, 132)  # of probes that take an object's colour away
NATURAL: Mapping[str, str] = {
    "lemon": "yellow",
    "tomato": "red",
    "eggplant": "purple",
    "leaf": "green",
    "carrot": "orange",
    "blueberry": "blue",
    "pig": "pink",
    "log": "brown",
}
ABSTRACT = ("circle", "square", "triangle", "star", "cross", "ring", "diamond", "heart")
SHAPES = (*ABSTRACT, *NATURAL)
SIZES: Mapping[str, float] = {"small": 0.2, "large": 0.36}  # widths, of the image's
SPREAD = {1: ((0.0, 0.0),), 2: ((-0.11, 0.0), (0.11, 0.0)), 3: ((-0.11, 0.08), (0.11, 0.08), (0.0, -0.11))}  # of copies
TEXTURES = ("plain", "striped", "dotted")
GROUNDS: Mapping[str, tuple[int, int, int]] = {"white": (244, 243, 240), "grey": (196, 198, 202), "black": (34, 36, 40)}
RELATIONS = ("left of", "right of", "above", "below", "covers", "inside")
OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
COLOUR_NAMES, NATURAL_NAMES, GROUND_NAMES, SIZE_NAMES = map(tuple, (COLOURS, NATURAL, GROUNDS, SIZES))
Kind = tuple[str, str]  # shape and colour
T = TypeVar("T")


@dataclass(frozen=True)
class Thing:
    """One kind of thing in a scene. places: the centre of each of its copies, (x, y) in 0..1 from the upper left."""

    shape: str
    colour: str
    size: str
    texture: str
    places: tuple[tuple[float, float], ...]

    @property
    def count(self) -> int:
        return len(self.places)

    @property
    def x(self) -> float:
        return self.places[0][0]

    @property
    def y(self) -> float:
        return self.places[0][1]


@dataclass(frozen=True)
class SceneGraph:
    """All that is true of a scene. relation: between the first two things, the first being its subject."""

    things: tuple[Thing, ...]
    ground: str
    relation: str | None = None


@dataclass(frozen=True, kw_only=True)
class SceneKnobs:
    """How scenes and their captions are drawn; each claim about data is a setting of these."""

    least: int = knob(1, "fewest things of a scene, 1 to 4")
    most: int = knob(3, "most things of a scene, 1 to 4")
    natural: float = knob(0.3, "share of things that are natural objects")
    association: float = knob(0.9, "how often a natural object has its usual colour")
    copies: float = knob(0.15, "share of things that occur two or three times")
    related: float = knob(0.5, "share of scenes with two things or more whose caption says how the first two relate")
    completeness: float = knob(1.0, "share of a scene's things that its caption mentions, one always")
    attributes: float = knob(1.0, "share of mentioned things whose colour the caption names")
    finer: float = knob(0.2, "share of mentioned things whose size or texture the caption names")
    saliency: float = knob(0.0, "how often the biggest thing is mentioned first on purpose")
    synonyms: float = knob(0.3, "share of words replaced by synonyms, and of passive sentences")
    duplicates: float = knob(0.0, "share of scenes that are another scene's, drawn again with the same caption")
    held_out: float = knob(0.0, "share of the pairs of shape and colour that the split `train` never shows")
    nuisance: float = knob(0.5, "strength of noise, light and jitter, 0 to 1")

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most <= 4:
            raise UserError(f"Scenes of {self.least} to {self.most} things cannot be made; they have 1 to 4.")
        for name, value in vars(self).items():
            if name not in ("least", "most") and not 0 <= value <= 1:
                raise UserError(f"The knob {name} of scenes is {value}; it is a share, from 0 to 1.")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "SceneKnobs":
        """SceneKnobs from text, as a source's name gives them. UserError for a name or value that is none."""
        known = {field.name: field for field in fields(cls)}
        values: dict[str, Any] = {}
        for name, text in settings.items():
            if name not in known:
                raise UserError(f"Scenes have no knob called {name!r}; choose from {', '.join(known)}.")
            try:
                values[name] = int(text) if name in ("least", "most") else float(text)
            except ValueError as error:
                raise UserError(f"The knob {name} of scenes is {text!r}; it is a number.") from error
        return replace(cls(), **values)


class Draws:
    """The numbers of one scene, in the order they are asked for; streams of one scene are independent.

    Python's own generator: its sequence for a seed is promised to stay, and it starts quickly.
    """

    def __init__(self, seed: int, i: int, stream: int = 0):
        self.one = Random(_key(_key(_key(seed) ^ stream) ^ i)).random  # uniform in [0, 1)

    def chance(self, probability: float) -> bool:
        return self.one() < probability

    def pick(self, options: Sequence[T]) -> T:
        """One of a sequence."""
        return options[int(self.one() * len(options))]


def _key(value: int) -> int:
    """splitmix64's finaliser, as in keyed.py, of one integer."""
    value = (value + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return value ^ value >> 31


@lru_cache(maxsize=64)
def held_out(share: float) -> frozenset[Kind]:
    """The pairs of abstract shape and colour that training never shows: the same for every seed.

    Spread so that every shape and every colour is seen in other pairs.
    """
    pairs = [(shape, colour) for shape in ABSTRACT for colour in COLOURS]
    # Along the diagonals of the table shapes x colours, one diagonal after the other.
    order = sorted(range(len(pairs)), key=lambda at: ((at // 8 + at % 8) % 8, at // 8))
    return frozenset(pairs[at] for at in order[: round(share * len(pairs))])


def draw_graph(draws: Draws, knobs: SceneKnobs, unseen: bool = False) -> SceneGraph:
    """A scene's graph. unseen: its first thing is one of the pairs that `train` holds out; the rest avoid them."""
    held = held_out(knobs.held_out)
    count = knobs.least + int(draws.one() * (knobs.most - knobs.least + 1))
    kinds = [draws.pick(sorted(held))] if unseen and held else []
    while len(kinds) < count:
        shape, colour = draw_kind(draws, knobs)
        for _ in range(8):  # no two things of one kind, and none that is held out
            if (shape, colour) not in held and (shape, colour) not in kinds:
                break
            colour = draws.pick(COLOUR_NAMES)
        kinds.append((shape, colour))
    relation = draws.pick(RELATIONS) if count > 1 and draws.chance(knobs.related) else None
    return lay_out(draws, kinds, relation, draws.pick(GROUND_NAMES), knobs)


def lay_out(draws: Draws, kinds: Sequence[Kind], relation: str | None, ground: str, knobs: SceneKnobs) -> SceneGraph:
    """The graph of things of the given kinds, the first two of which stand in relation; the others keep apart."""
    things = []
    for at, ((shape, colour), quarter) in enumerate(zip(kinds, _quarters(draws, len(kinds), relation), strict=True)):
        together = relation in ("covers", "inside") and at < 2
        size = ("small", "large")[at] if together else draws.pick(SIZE_NAMES)
        texture = draws.pick(TEXTURES[1:]) if draws.chance(0.25) and not together else "plain"
        copies = 1
        if draws.chance(knobs.copies) and not (relation and at < 2):
            copies, size = 2 + int(draws.one() * 2), "small"
        jitter = 0.05 * (0.3 + 0.7 * knobs.nuisance)
        x = 0.25 + 0.5 * (quarter % 2) + jitter * (2 * draws.one() - 1)
        y = 0.25 + 0.5 * (quarter // 2) + jitter * (2 * draws.one() - 1)
        things.append(Thing(shape, colour, size, texture, tuple((x + dx, y + dy) for dx, dy in SPREAD[copies])))
    if relation in ("covers", "inside"):
        # What covers hides a corner of the other; what is inside lies in its middle, with its rim all round.
        shift = 0.12 if relation == "covers" else 0.0
        middle = things[1]
        things[0] = replace(things[0], places=((middle.x + shift, middle.y + shift),))
    return SceneGraph(tuple(things), ground, relation)


def _quarters(draws: Draws, count: int, relation: str | None) -> list[int]:
    """A quarter of the image for each thing: upper left 0, upper right 1, lower left 2, lower right 3."""
    free = [0, 1, 2, 3]
    for at in range(3, 0, -1):  # Fisher and Yates
        other = int(draws.one() * (at + 1))
        free[at], free[other] = free[other], free[at]
    line = int(draws.one() * 2)
    first = {
        "left of": [2 * line, 2 * line + 1],
        "right of": [2 * line + 1, 2 * line],
        "above": [line, line + 2],
        "below": [line + 2, line],
        "covers": [free[0], free[0]],
        "inside": [free[0], free[0]],
    }.get(relation or "", [])
    return [*first, *(quarter for quarter in free if quarter not in first)][:count]


def draw_kind(draws: Draws, knobs: SceneKnobs) -> Kind:
    """A shape and a colour; a natural shape has its usual colour as often as knobs.association says."""
    if draws.chance(knobs.natural):
        shape = draws.pick(NATURAL_NAMES)
        if draws.chance(knobs.association):
            return shape, NATURAL[shape]
        return shape, draws.pick([colour for colour in COLOURS if colour != NATURAL[shape]])
    return draws.pick(ABSTRACT), draws.pick(COLOUR_NAMES)


USUAL = SceneKnobs()
