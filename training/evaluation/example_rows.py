"""Which images of a collection stand as examples: random ones, the same again for the same turn."""

import numpy as np


def random_row(rows: int, turn: int) -> int:
    """One of so many rows."""
    return int(np.random.default_rng(turn).integers(rows))


def random_rows(rows: int, count: int, turn: int) -> list[int]:
    """count different ones of so many rows. ValueError if there are fewer."""
    return [int(row) for row in np.random.default_rng(turn).choice(rows, count, replace=False)]
