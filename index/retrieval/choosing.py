"""Images that a person chose of a list: by places in it, so that ten thousand need not be named, and by their ids."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.models.errors import UserError

MOST_SPANS = 2000


@dataclass(frozen=True)
class Choice:
    """What is chosen. spans: places of the list, each from one and up to but without another. ids: what is chosen
    besides, of the list or not. without: ids that are not chosen though a span holds them.

    version: of the list that spans are places of, as it was when they were chosen.
    """

    spans: Sequence[tuple[int, int]] = ()
    ids: Sequence[str] = ()
    without: Sequence[str] = ()
    version: str = ""

    @property
    def end(self) -> int:
        """The place up to which the list is looked at; 0 without spans."""
        return max((end for _, end in self.spans), default=0)

    def of(self, listed: Sequence[str], version: str) -> list[str]:
        """The ids of what is chosen, each once, in the order of the list. listed: its ids, [end] at least.

        UserError for spans of another version of the list, which may hold other images by now.
        """
        found: list[str] = []
        if self.spans:
            if len(self.spans) > MOST_SPANS:
                raise UserError(f"These are {len(self.spans):,} ranges; the most is {MOST_SPANS:,}. Choose all.")
            if version != self.version or self.end > len(listed):
                raise UserError("The list of images has changed since these were chosen; choose them again.")
            inside = np.zeros(len(listed), bool)
            for start, end in self.spans:
                inside[max(0, start) : end] = True
            left_out = set(self.without)
            found = [id for id in (listed[at] for at in np.flatnonzero(inside).tolist()) if id not in left_out]
        return list(dict.fromkeys([*found, *self.ids]))
