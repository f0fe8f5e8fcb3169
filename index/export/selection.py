"""The images of an export, with what is said of each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.export.same_image import Built
from index.export.xmp import Annotation
from index.storage.cells import as_text
from index.storage.tags import read_tags
from training.data.metadata.columns import split

BUILT = ("stamp", "hash", "pixel_hash")
SAID = ("title", "description", "rating", "keywords")  # columns that are exported as what they say


@dataclass(frozen=True)
class ExportedImage:
    """A row of a collection with its tags and, where labels are exported, its label ("" for none)."""

    row: int
    id: str
    source: str
    path: str
    caption: str
    tags: tuple[str, ...]
    label: str
    annotation: Annotation
    built: Built


@dataclass(frozen=True)
class Selection:
    """Rows of a collection. labels: of every row that has one, None where labels are not exported."""

    collection: Collection
    rows: NDArray[np.intp]
    labels: Mapping[int, str] | None = None
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    progress: Callable[[int], object] = lambda number: None  # hears of each image before its turn; may raise to stop

    @classmethod
    def of(
        cls,
        collection: Collection,
        rows: NDArray[np.intp] | None = None,
        labels: Mapping[int, str] | None = None,
        progress: Callable[[int], object] = lambda number: None,
    ) -> "Selection":
        """Rows, all of them if None, with the tags that are stored now."""
        every = np.arange(len(collection)) if rows is None else rows
        return cls(collection, every, labels, read_tags(collection.path), progress)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def places(self) -> list[tuple[str, str]]:
        """Source and path of each image."""
        table = self.collection.frame(["source", "path"]).iloc[self.rows]
        return list(zip(table["source"].map(str), table["path"].map(str), strict=True))

    def tags_of(self, id: str) -> tuple[str, ...]:
        return tuple(self.tags.get(id, ()))

    def __iter__(self) -> Iterator[ExportedImage]:
        table = self.collection.frame(["id", "source", "path", "caption", *BUILT, *SAID]).iloc[self.rows]
        most = self.collection.max_megapixels
        rows = zip(self.rows.tolist(), table.itertuples(index=False, name=None), strict=True)
        for at, (row, cells) in enumerate(rows):
            self.progress(at)
            id, source, path, caption, stamp, hash, pixels, title, description, rating, keywords = cells
            tags, label = self.tags_of(id), (self.labels or {}).get(row, "")
            said = Annotation(
                tuple(dict.fromkeys((*tags, *([label] if label else [])))),
                _stars(rating),
                as_text(title),
                as_text(caption) or as_text(description),
                tuple(split(as_text(keywords))),
            )
            built = Built(as_text(stamp), as_text(hash), as_text(pixels), most)
            yield ExportedImage(row, str(id), str(source), str(path), as_text(caption), tags, label, said, built)

    def table(self) -> pd.DataFrame:
        """The columns of each image, and its tags (a list), and its label where labels are exported.

        A column of the source that is called so too is called source_tags, or source_label.
        """
        rows = self.collection.items.iloc[self.rows].reset_index(drop=True)
        added: dict[str, list[object]] = {"tags": [list(self.tags_of(id)) for id in rows["id"]]}
        if self.labels is not None:
            added["label"] = [self.labels.get(row, "") for row in self.rows.tolist()]
        return rows.rename(columns={name: f"source_{name}" for name in added}).assign(**added)


def _stars(value: object) -> int | None:
    """A rating of 1 to 5 stars; None for what is none, such as a column of another scale."""
    try:
        stars = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return round(stars) if 1 <= stars <= 5 else None
