"""Take rows out of a collection, and make what it is searched by again."""

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.maintenance.generations import drop_everywhere
from index.retrieval.derived import save_derived
from index.storage.errors import write_errors
from index.storage.writer import Writer


def drop_rows(writer: Writer, rows: NDArray[np.intp]) -> None:
    """Take rows of writer.before out of the collection, in one step for readers."""
    if not len(rows):
        return
    before = writer.before
    places = list(before.frame(["source", "path"]).iloc[rows].itertuples(index=False, name=None))
    writer.publish([], np.zeros((0, before.dim), np.float16), places)
    with write_errors(writer.path):
        save_derived(Collection.open(writer.path))
    drop_everywhere(writer.path, places)
