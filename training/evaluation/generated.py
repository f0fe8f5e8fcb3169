"""Generated examples as the probes take them; their truth is exact."""

from functools import partial

from PIL import Image

from training.data.contrasts import NEGATIVES, WINOGROUND, Pair, hard_negative, winoground_pair
from training.evaluation.negatives import HardNegative
from training.evaluation.pairs import PairExample
from training.models.encoder import Encoder

LEAST, MOST = 64, 224  # side of generated images in pixels


def side_for(encoder: Encoder) -> int:
    """The side at which images are drawn for an encoder: what it sees, within reason."""
    return min(max(encoder.image_size, LEAST), MOST)


def generated_pairs(each: int, seed: int, pixels: int) -> list[PairExample]:
    """So many pairs of each kind, the kinds one after the other."""
    found = []
    for kind in WINOGROUND:
        for i in range(each):
            pair: Pair = winoground_pair(seed, i, kind, pixels)
            opened = (partial(Image.fromarray, pair.image_0), partial(Image.fromarray, pair.image_1))
            found.append(PairExample(f"{kind} {i}", opened, (pair.caption_0, pair.caption_1), kind))
    return found


def generated_negatives(each: int, seed: int, pixels: int) -> list[HardNegative]:
    """So many of each kind that scenes have."""
    made = [hard_negative(seed, i, kind, pixels) for kind in NEGATIVES for i in range(each)]
    return [HardNegative(partial(Image.fromarray, m.image), m.caption, m.negative, m.kind) for m in made]
