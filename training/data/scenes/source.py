"""Generated images with captions and complete ground truth, drawn on demand.

Scene i is a function of the seed and i. `SceneKnobs` control properties on which the learning of a contrastive encoder
depends: whether captions are complete, whether natural objects have their usual colour, and which pairs of shape and
colour occur.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import parse_qsl

from PIL import Image

from training.data.scenes.captions import describe, say
from training.data.scenes.drawing import Pixels, draw_scene
from training.data.scenes.graph import USUAL, Draws, SceneGraph, SceneKnobs, draw_graph
from training.data.source import Item, Source
from training.models.errors import UserError

SPLITS = ("train", "iid", "unseen")  # further splits are pairs, in contrasts.py
PIXELS = 64
EDITION = 1  # raised when scenes of a seed change
MOST = 100_000_000
WORDS, LIGHT = 1000, 2000  # random streams of captions and of rendering, beside that of the graph


@dataclass(frozen=True)
class Scene:
    """image: uint8 [S, S, 3]. caption: of the image. graph: the complete description."""

    image: Pixels
    caption: str
    graph: SceneGraph


def scene(seed: int, i: int, knobs: SceneKnobs | None = None, *, split: str = "train", pixels: int = PIXELS) -> Scene:
    """Scene i of a split; deterministic.

    split: `train` and `iid` have the same distribution and no common scene; `unseen` has the pairs of shape and colour
    that knobs.held_out excludes from the other two. pixels: side of the image.
    """
    graph, caption = described(seed, i, knobs, split=split)
    nuisance = (knobs or USUAL).nuisance
    return Scene(draw_scene(graph, Draws(seed, i, _stream(split) + LIGHT), pixels, nuisance), caption, graph)


def described(seed: int, i: int, knobs: SceneKnobs | None = None, *, split: str = "train") -> tuple[SceneGraph, str]:
    """SceneGraph and caption of a scene, without its image."""
    knobs, stream = knobs or USUAL, _stream(split)
    if knobs.duplicates and i and Draws(seed, i, stream + WORDS + 1).chance(knobs.duplicates):
        i = int(Draws(seed, i, stream + WORDS + 2).one() * i)
        return described(seed, i, replace(knobs, duplicates=0.0), split=split)
    graph = draw_graph(Draws(seed, i, stream), knobs, unseen=split == "unseen")
    draws = Draws(seed, i, stream + WORDS)
    return graph, say(describe(graph, draws, knobs), draws, knobs.synonyms)


def _stream(split: str) -> int:
    if split not in SPLITS:
        raise UserError(f"Scenes have no split called {split!r}; choose from {', '.join(SPLITS)}.")
    return SPLITS.index(split) * 10_000


class SceneSource(Source):
    """The first count scenes, as images to train on or to index.

    Columns: caption; shape, colour, size and texture of the first object; things, the number of objects.
    """

    def __init__(
        self, count: int, seed: int = 0, knobs: SceneKnobs | None = None, split: str = "train", pixels: int = PIXELS
    ):
        if not 1 <= count <= MOST:
            raise UserError(f"scenes:{count} is not a valid number of scenes; give 1 to {MOST:,}.")
        if not 16 <= pixels <= 1024:
            raise UserError(f"Scenes of {pixels} pixels cannot be made; give 16 to 1024.")
        _stream(split)
        self.count, self.seed, self.knobs, self.split, self.pixels = count, seed, knobs or USUAL, split, pixels
        settings = [f"{name}={value:g}" for name, value in vars(self.knobs).items() if value != getattr(USUAL, name)]
        plain = {"seed": (seed, 0), "split": (split, "train"), "pixels": (pixels, PIXELS)}
        settings += [f"{name}={value}" for name, (value, usual) in plain.items() if value != usual]
        self.settings = "&".join(settings)
        self.name = f"scenes:{count}" + (f"?{self.settings}" if settings else "")

    @classmethod
    def of(cls, spec: str) -> "SceneSource":
        """The source of `scenes:N` or `scenes:N?seed=1&split=iid&pixels=32&association=1`."""
        count, _, settings = spec.removeprefix("scenes:").partition("?")
        given = dict(parse_qsl(settings, keep_blank_values=True))
        try:
            number, seed, pixels = int(count), int(given.pop("seed", "0")), int(given.pop("pixels", str(PIXELS)))
        except ValueError as error:
            raise UserError(f"{spec} is not a source; write scenes:N or scenes:N?seed=1&pixels=64.") from error
        return cls(number, seed, split=given.pop("split", "train"), pixels=pixels, knobs=SceneKnobs.of(given))

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Item]:
        return (self.item(i) for i in range(self.count))

    def item(self, i: int) -> Item:
        """Scene i, described; its image is drawn when it is read."""
        graph, caption = described(self.seed, i, self.knobs, split=self.split)
        first = graph.things[0]
        facts = {"label": first.shape, "shape": first.shape, "colour": first.colour, "size": first.size}
        facts |= {"texture": first.texture, "relation": graph.relation or "", "ground": graph.ground}
        return Item(
            path=f"{i:08d}.png",
            stamp=f"{EDITION}:{self.settings}",
            modified=0.0,
            read=partial(self.read, i),
            captions=(caption,) if caption else (),
            metadata={**facts, "things": len(graph.things)},
        )

    def read(self, i: int) -> bytes:
        """Scene i as a PNG."""
        made = scene(self.seed, i, self.knobs, split=self.split, pixels=self.pixels)
        out = io.BytesIO()
        Image.fromarray(made.image).save(out, "PNG", compress_level=1)
        return out.getvalue()
