"""Completion of a query: tags, folders, cameras and places of a collection that go on with what is being typed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from index.collection import Collection
from index.retrieval.facets import TAGS, FacetFilter
from index.storage.cells import as_texts
from index.storage.tags import read_tags, rows_by_tag
from training.data.metadata.columns import LISTS, split
from training.models.file_names import folded

Kind: TypeAlias = Literal["tag", "folder", "camera", "place"]
COLUMNS: dict[str, Kind] = {
    "camera": "camera",
    **dict.fromkeys(("place", "city", "location", "country"), "place"),
    **dict.fromkeys(LISTS, "tag"),
}
MOST = 8
WORDS = 3  # of the end of a text: "Rio de Janeiro"


@dataclass(frozen=True)
class Completion:
    """Something that images can be filtered by. typed: the end of the text that it stands for. images: of files."""

    kind: Kind
    text: str
    typed: str
    images: int
    filter: FacetFilter


def completions(collection: Collection, text: str) -> list[Completion]:
    """Up to MOST completions of the last words of a text: the most words first, then the most images."""
    tagged = rows_by_tag(collection, read_tags(collection.path))
    tags = [("tag", name, len(rows), FacetFilter(TAGS, values=(name,))) for name, rows in tagged.items()]
    every: list[tuple[Kind, str, int, FacetFilter]] = [*tags, *collection.derived("names", lambda: _names(collection))]  # type: ignore[list-item]
    words = text.split()
    found: list[Completion] = []
    for count in range(min(WORDS, len(words)), 0, -1):
        typed = " ".join(words[-count:])
        start = folded(typed)
        matching = [one for one in every if _goes_on(folded(one[1]), start)]
        matching.sort(key=lambda one: (-one[2], one[1]))
        found += [Completion(kind, name, typed, images, filter) for kind, name, images, filter in matching]
    return list({(one.kind, one.text): one for one in reversed(found)}.values())[::-1][:MOST]


def _goes_on(name: str, start: str) -> bool:
    """Whether a name, or one of its words, begins with start."""
    return name.startswith(start) or any(f"{mark}{start}" in name for mark in " /-_")


def _names(collection: Collection) -> list[tuple[Kind, str, int, FacetFilter]]:
    """What does not change while the collection is open, with its numbers of files."""
    found: list[tuple[Kind, str, int, FacetFilter]] = []
    for column, kind in COLUMNS.items():
        if column in collection.columns:
            texts = as_texts(collection.column(column))
            values = (value for text in texts for value in (split(text) if column in LISTS else [text]))
            counted = _counts(values)
            found += [(kind, name, n, FacetFilter(column, values=(name,))) for name, n in counted if name]
    counts: Counter[str] = Counter()
    for folder, n in collection.column("path").str.rpartition("/")[0].value_counts().items():
        for above in (PurePosixPath(str(folder)), *PurePosixPath(str(folder)).parents):
            counts[str(above)] += int(n)
    named = [(name, n) for name, n in counts.items() if name not in (".", "/")]
    return found + [("folder", name, n, FacetFilter("path", contains=f"{name}/")) for name, n in named]


def _counts(values: Iterable[str]) -> list[tuple[str, int]]:
    codes, names = pd.factorize(np.array(list(values), object))
    return list(zip(map(str, names), np.bincount(codes, minlength=len(names)).tolist(), strict=True))
