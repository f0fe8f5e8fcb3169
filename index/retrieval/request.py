"""What is searched for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from index.query import Term
from index.retrieval.facets import FacetFilter
from training.models.errors import UserError

ThresholdSetting = float | Literal["auto", "on", "off"]
Collapse: TypeAlias = Literal["same", "similar", "none"]  # the tier of copies of which one is returned


def threshold_setting(text: str) -> ThresholdSetting:
    """auto, on, off or a number, as people write it; UserError for anything else."""
    if text in ("auto", "on", "off"):
        return cast(ThresholdSetting, text)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"The threshold {text!r} is not a number, auto, on or off.")
    return value


@dataclass(frozen=True)
class SearchRequest:
    """What is searched for. Without terms every image passes, unscored, in the order of the collection.

    filter: an expression over the columns, as in `width >= 1000 and folder == "beach"`. facets: filters that
    all have to pass. tags: an image must have each of them. order: one of facets.ORDERS, for the likely matches.
    threshold: the normalised score from which a match is likely; "on" is 1, and an image with all words of the query
    in its name, caption or tags is likely too; "auto" is "on" for encoders that it was measured for, "off" leaves it
    out. likely_only: leave out what is not likely. text_ranking: rank by names, captions and tags too. collapse: of
    copies of the same image, or of similar shots, only the best one that passes the filters is a hit; "none" returns
    every file. offset, count: the part of the hits that is returned.
    """

    terms: Sequence[Term] = ()
    filter: str = ""
    facets: Sequence[FacetFilter] = ()
    tags: Sequence[str] = ()
    order: str = "best"
    threshold: ThresholdSetting = "auto"
    likely_only: bool = False
    text_ranking: bool = True
    collapse: Collapse = "same"
    offset: int = 0
    count: int = 60
    with_histogram: bool = False
    with_facets: bool = False

    @property
    def needs_encoder(self) -> bool:
        return any(term.needs_encoder for term in self.terms)
