"""Generated examples for probes, with known contents."""

from functools import partial

from PIL import Image

from training.data.scenes.contrasts import NEGATIVES, WINOGROUND, ContrastPair, hard_negative, winoground_pair
from training.evaluation.negatives import HardNegative
from training.evaluation.pairs import PairExample
from training.models.encoder import Encoder

MIN_SIDE, MAX_SIDE = 64, 224  # of generated images, in pixels


def side_for(encoder: Encoder) -> int:
    """The side in pixels of images generated for an encoder: its input size, limited to MIN_SIDE..MAX_SIDE."""
    return min(max(encoder.image_size, MIN_SIDE), MAX_SIDE)


def generated_pairs(each: int, seed: int, pixels: int) -> list[PairExample]:
    """`each` pairs of each kind, ordered by kind."""
    found = []
    for kind in WINOGROUND:
        for i in range(each):
            pair: ContrastPair = winoground_pair(seed, i, kind, pixels)
            opened = (partial(Image.fromarray, pair.image_0), partial(Image.fromarray, pair.image_1))
            found.append(PairExample(f"{kind} {i}", opened, (pair.caption_0, pair.caption_1), kind))
    return found


def generated_negatives(each: int, seed: int, pixels: int) -> list[HardNegative]:
    """`each` hard negatives of each kind."""
    made = [hard_negative(seed, i, kind, pixels) for kind in NEGATIVES for i in range(each)]
    return [HardNegative(partial(Image.fromarray, m.image), m.caption, m.negative, m.kind) for m in made]
