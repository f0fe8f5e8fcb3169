"""The momentum of BYOL, DINO and MoCo v3, which rises over a run."""

import math


def cosine(start: float, end: float, progress: float) -> float:
    """Half a cosine from start to end as progress goes from 0 to 1, and end from there on."""
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, max(0.0, progress)))) / 2
