"""The encoders of lessons, each loaded once: moving a slider shall not load them again."""

from functools import cache

from training.models.encoder import Encoder
from training.models.encoders import load_encoder


@cache
def encoder(name: str) -> Encoder:
    """The encoder called name."""
    return load_encoder(name)
