"""Puzzles made from one photo by the methods' own augment: what the network gets, and what it has to answer."""

import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from training.data.views import View
from training.lessons.lesson import Part, Settings
from training.lessons.parts import images, sentence
from training.lessons.photos import batch_of, completed, shown
from training.lessons.said import say
from training.methods.colorisation import MAP_SIDE, GreyAndColour, colour_bins
from training.methods.jigsaw import Jigsaw, Tiles, distant_permutations
from training.methods.relative_position import DIRECTIONS, RelativePosition, TwoPatches

CANVAS, SIDE = 288, 96  # pixels of the photo, and of what the network gets
PLACES = {  # down and right, as DIRECTIONS
    (-1, -1): say("above left"),
    (-1, 0): say("above"),
    (-1, 1): say("above right"),
    (0, -1): say("left"),
    (0, 1): say("right"),
    (1, -1): say("below left"),
    (1, 0): say("below"),
    (1, 1): say("below right"),
}
PLAIN = (0.0,) * 3, (1.0,) * 3  # mean and std of pixels that are not normalised


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    (photo,), draw = completed(photos, 1, CANVAS), settings.whole("draw")
    puzzle = {"colours": colours, "jigsaw": jigsaw, "position": position}[settings.text("puzzle")]
    yield from puzzle(photo, draw)


def colours(photo: Image.Image, draw: int) -> Iterator[Part]:
    """The grey view, and the small map of colours that is to be predicted."""
    view = View(CANVAS, crop=(0.5, 1.0), jitter=0.0, grey=0.0)
    grey, target = GreyAndColour(view, *PLAIN)(batch_of([photo], CANVAS, draw))
    coloured = view(batch_of([photo], CANVAS, draw).images.float() / 255, batch_of([photo], 1, draw).random, ONE)
    small = F.interpolate(F.adaptive_avg_pool2d(coloured, MAP_SIDE), CANVAS)
    bins = colour_bins()
    used = len(torch.cdist(target[0].flatten(1).T, bins).argmin(dim=1).unique())
    yield sentence(
        say(
            "Input: the grey image. Target: the colour of each of {places} places, one of {bins} bins; this "
            "image uses {used}. "
            "A guess has the loss ln {bins} = {chance:.2f}.",
            places=MAP_SIDE * MAP_SIDE,
            bins=len(bins),
            used=used,
            chance=math.log(len(bins)),
        )
    )
    yield images("puzzle", say("What the network gets"), [(shown(grey[0]), say("grey"))], side=200)
    yield images("answer", say("What it has to predict"), [(shown(small[0]), say("colours"))], side=200)


def jigsaw(photo: Image.Image, draw: int) -> Iterator[Part]:
    """Nine shuffled tiles, each standardised by itself, and their order."""
    orders = distant_permutations(Jigsaw.Config().permutations)
    tiles, which = Tiles(SIDE, Jigsaw.Config(grey=0.0), orders)(batch_of([photo], CANVAS, draw))
    number = int(which[0])
    order = orders[number].tolist()
    yield sentence(
        say(
            "Permutation {number} of {orders}: the tiles lie in the order {order}. The loss of a guess is ln "
            "{orders} = "
            "{chance:.2f}.",
            number=number,
            orders=len(orders),
            order=", ".join(str(i + 1) for i in order),
            chance=math.log(len(orders)),
        )
    )
    solved = torch.empty_like(tiles[0])
    solved[orders[number]] = tiles[0]
    for part, title, nine in (
        ("puzzle", say("What the network gets"), tiles[0]),
        ("answer", say("The tiles in place"), solved),
    ):
        yield images(part, title, [(in_one(nine), "")], side=300)


def position(photo: Image.Image, draw: int) -> Iterator[Part]:
    """Two patches without most of their colour, and where the second one lies."""
    first, second, direction = TwoPatches(SIDE, RelativePosition.Config())(batch_of([photo], CANVAS, draw))
    place = PLACES[DIRECTIONS[int(direction[0])]]
    yield sentence(
        say(
            "The second patch lies {place} of the first: one of {answers} answers, and the loss of a guess is ln "
            "{answers} = "
            "{chance:.2f}.",
            place=place,
            answers=len(DIRECTIONS),
            chance=math.log(len(DIRECTIONS)),
        )
    )
    two = [(contrasted(first[0]), say("first")), (contrasted(second[0]), say("second"))]
    yield images("puzzle", say("What the network gets: one colour channel, the others are noise"), two, side=180)
    yield images("answer", say("The photo"), [(photo, "")], side=300)


ONE = torch.ones(1)  # the aspect of a square


def contrasted(tile: Tensor) -> Image.Image:
    """A standardised tile [3, S, S] as an image: two deviations on both sides of the mean are seen."""
    return shown(tile / 4 + 0.5)


def in_one(tiles: Tensor) -> Image.Image:
    """Nine tiles [9, 3, S, S] as one image with gaps."""
    gap, side = 6, tiles.shape[-1]
    whole = Image.new("RGB", (3 * side + 2 * gap,) * 2, "white")
    for i, tile in enumerate(tiles):
        whole.paste(contrasted(tile), ((i % 3) * (side + gap), (i // 3) * (side + gap)))
    return whole
