"""What a search finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from index.retrieval.facets import Facet
from index.retrieval.relevance import Histogram
from index.retrieval.request import Collapse
from index.storage.cells import JsonCell, as_json
from index.storage.layout import OFFLINE
from training.models.file_names import file_name

Matched = Literal["image", "text", "both"]
Pending = Literal["threshold", "texts", "copies"]


@dataclass(frozen=True)
class Hit:
    """One image that was found.

    rank: from 1. score: cosine to the query, None if there is none. normalised_score: in units of the threshold.
    likely: whether it reaches the threshold or has all words of the query, None where no threshold is shown. matched:
    what it was found by, its embedding ("image"), its name, caption or tags ("text") or "both"; None without a query.
    row: its row in the collection. copies: how many files it stands for, itself included; where it stands for several,
    it is the best of them, and its rank, scores, likely and matched are those of the one that ranks highest. record:
    every column of its row.
    """

    rank: int
    score: float | None
    id: str
    path: str
    caption: str
    row: int
    normalised_score: float | None = None
    likely: bool | None = None
    matched: Matched | None = None
    tags: tuple[str, ...] = ()
    copies: int = 1
    record: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def columns(self) -> dict[str, JsonCell]:
        """The columns of its row besides id, path and caption, as JSON holds them."""
        return {name: as_json(cell) for name, cell in self.record.items() if name not in ("id", "path", "caption")}

    @property
    def name(self) -> str:
        """Its caption, or the name of its file."""
        return self.caption or file_name(self.path)

    @property
    def offline(self) -> bool:
        """Whether its file was out of reach when its source was last built."""
        return bool(self.record.get(OFFLINE))

    def as_json(self) -> dict[str, object]:
        """What is known of it as JSON: its own fields, then the columns of its row."""
        fields: dict[str, object] = {
            "rank": self.rank,
            "score": None if self.score is None else round(self.score, 5),
            "id": self.id,
            "path": self.path,
            "caption": self.caption,
            "normalised_score": None if self.normalised_score is None else round(self.normalised_score, 3),
            "likely": self.likely,
            "matched": self.matched,
            "tags": list(self.tags),
            "copies": self.copies,
            OFFLINE: self.offline,
        }
        return fields | {name: cell for name, cell in self.columns.items() if name not in fields}


@dataclass(frozen=True)
class Threshold:
    """The relevance threshold of a search, and why it is not shown if it is not.

    measured: how often it is right was measured for this encoder. value: the normalised score from which a match
    is likely. best: the highest normalised score, None if there are none. reason: "" where it is shown, else "off";
    "pending", the null distribution is not ready; "images", the query is not of texts alone; "unmeasured"; or "names",
    the encoder reads no text, so that names and captions alone are searched.
    """

    shown: bool
    measured: bool
    value: float = 1.0
    best: float | None = None
    histogram: Histogram | None = None
    reason: str = ""


@dataclass(frozen=True)
class SearchResult:
    """The hits from request.offset on, likely ones first, and what is known of all images.

    total: images of the collection. matching: how many pass the filters. distinct: how many these are if the copies
    that collapse count once. collapse: what was collapsed, which is less than requested while the groups of similar
    shots are being found. likely: how many hits reach the threshold, None where none is shown. threshold: None without
    terms. facets: over the images that pass, if requested. pending: what was not ready in time, and is left out:
    "threshold", "texts" (names and captions were not searched), "copies" (those of a tier below were collapsed).
    """

    hits: tuple[Hit, ...]
    total: int
    matching: int
    distinct: int
    collapse: Collapse = "none"
    likely: int | None = None
    threshold: Threshold | None = None
    facets: list[Facet] | None = None
    pending: tuple[Pending, ...] = ()
    seconds: float = 0.0
