"""A list of labelled images, of which some are chosen by their places in it or by their ids."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from index.labels.result import LabelResult
from index.retrieval.choosing import Choice


@dataclass(frozen=True)
class Listing:
    """rows: of the collection of a labelling, in the order in which they are listed."""

    result: LabelResult
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def version(self) -> str:
        """Another one whenever a place of the list may hold another image."""
        return f"{len(self.rows)}-{crc32(self.rows.tobytes()):08x}"

    def chosen(self, choice: Choice) -> list[str]:
        """The ids of the chosen images. UserError if the list has changed since they were chosen."""
        ids = self.result.collection.column("id").iloc[self.rows[: choice.end]].tolist()
        return choice.of(ids, self.version)


def labelled_as(result: LabelResult, answer: int, order: str) -> Listing:
    """Images that got an answer, those of the highest probability first, or by order "margin" of the smallest."""
    return Listing(result, result.rows(answer, order))


def mistaken(result: LabelResult, truth: int, given: int) -> Listing:
    """Images of one cell of the confusion matrix."""
    return Listing(result, result.cell(truth, given))
