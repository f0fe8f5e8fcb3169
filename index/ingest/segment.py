"""Rows that gather until a segment is full, then appear to every reader in one step."""

import time
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.storage.layout import Place
from index.storage.writer import Writer

SEGMENT_SIZE = 1000  # images
SEGMENT_SECONDS = 30.0  # a segment closes after this long even if it is not full
FIRST_SEGMENT_SECONDS = 2.0  # the first one sooner, so that there is something to search


class OpenSegment:
    """The rows that are not published yet, their vectors, and the places of the rows that go when they come."""

    def __init__(self, writer: Writer, size: int):
        self.writer, self.size = writer, size
        self._clear()

    def _clear(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.vectors: list[NDArray[np.float16]] = []
        self.dropped: list[Place] = []
        self.began = time.monotonic()

    def add(self, row: dict[str, Any], vector: NDArray[np.floating], replaces: Place | None) -> None:
        """A row with its vector [dim]. replaces: the place of a stored row that goes in the same step."""
        self.rows.append(row)
        self.vectors.append(np.asarray(vector, np.float16))
        if replaces is not None:
            self.dropped.append(replaces)

    @property
    def due(self) -> bool:
        """Whether it is full, or has been open for long enough."""
        seconds = SEGMENT_SECONDS if self.writer.manifest.segments else FIRST_SEGMENT_SECONDS
        count = len(self.rows)
        return count >= self.size or (count > 0 and time.monotonic() - self.began > seconds)

    def publish(self, failures: pd.DataFrame | None = None, **facts: Any) -> None:
        """Show readers what has gathered. Rows and the rows they replace change places in one step.

        failures, facts: as `Writer.publish` takes them.
        """
        rows, vectors, dropped = self.rows, np.asarray(self.vectors), self.dropped
        self._clear()
        # A file that changed is in both lists; the old row goes by its place before the new one is written.
        self.writer.publish(rows, vectors, dropped, failures, **facts)
