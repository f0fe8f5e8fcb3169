"""The momentum schedule of BYOL, DINO and MoCo v3."""

import math


def cosine(start: float, end: float, progress: float) -> float:
    """A cosine schedule from start (progress 0) to end (progress 1 and above)."""
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, max(0.0, progress)))) / 2
