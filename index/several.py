"""Several collections searched at once: one list of hits, in which each collection keeps its own order."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from index.collection import Collection
from index.database.database import Database
from index.retrieval.deadline import Deadline
from index.retrieval.request import SearchRequest
from index.retrieval.result import Hit, SearchResult
from index.search import search
from training.models.encoder import Encoder
from training.models.errors import UserError

Merged = Literal["normalised_score", "score", "rank"]  # what hits of different collections are compared by


@dataclass(frozen=True)
class Searched:
    """A collection that is searched with others. encoder: as for search."""

    name: str
    collection: Collection | Database
    encoder: Encoder | None


@dataclass(frozen=True)
class HitOf:
    """A hit and the name of its collection; its rank is that in the list of all."""

    name: str
    hit: Hit


@dataclass(frozen=True)
class SeveralResult:
    """The hits of all collections from request.offset on. results: of each collection by itself, by name.

    merged: what they were compared by. likely: None where a collection shows no threshold.
    """

    hits: tuple[HitOf, ...]
    merged: Merged
    results: Mapping[str, SearchResult]
    likely: int | None
    seconds: float


def search_several(
    searched: Sequence[Searched], request: SearchRequest, *, timeout: float | None = None
) -> SeveralResult:
    """Search every collection with the same request, and merge what they find.

    Likely hits come first. Scores of different encoders cannot be compared, so hits are by their normalised scores;
    by cosines where there are none and one encoder made all; else by their ranks, in turn. Copies are collapsed within
    a collection only. timeout: for all together, else as for search.
    UserError for a request that makes sense for one collection only.
    """
    started, deadline = time.perf_counter(), Deadline.after(timeout)
    _check(searched, request)
    whole = replace(request, offset=0, count=request.offset + request.count)
    results = {one.name: _search(one, whole, deadline.left) for one in searched}
    merged = _merged_by(searched, results)
    lists = [[HitOf(name, hit) for hit in result.hits] for name, result in results.items()]
    hits = _merge(lists, _key(merged, likely_first=all(result.likely is not None for result in results.values())))
    ranked = [HitOf(one.name, replace(one.hit, rank=rank)) for rank, one in enumerate(hits[: whole.count], 1)]
    counts = [result.likely for result in results.values()]
    likely = None if None in counts else sum(count or 0 for count in counts)
    return SeveralResult(tuple(ranked[request.offset :]), merged, results, likely, time.perf_counter() - started)


def _check(searched: Sequence[Searched], request: SearchRequest) -> None:
    names = [one.name for one in searched]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{twice} is named twice; each collection is searched once.")
    if any(term.image_id is not None for term in request.terms):
        raise UserError("An id is of one collection; search several with the image itself, or one with the id.")
    if request.order != "best":
        raise UserError(f"Several collections are searched in the order best; {request.order} is of one collection.")


def _search(one: Searched, request: SearchRequest, timeout: float | None) -> SearchResult:
    try:
        return search(one.collection, one.encoder, request, timeout=timeout)
    except UserError as error:
        raise UserError(f"{one.name}: {error}") from error


def _merged_by(searched: Sequence[Searched], results: Mapping[str, SearchResult]) -> Merged:
    hits = [hit for result in results.values() for hit in result.hits]
    if all(hit.normalised_score is not None for hit in hits):
        return "normalised_score"
    same = len({one.collection.fingerprint for one in searched}) == 1
    return "score" if same and all(hit.score is not None for hit in hits) else "rank"


def _key(merged: Merged, likely_first: bool) -> Callable[[Hit], tuple[float, ...]]:
    """What the greatest of several heads is found by."""

    def key(hit: Hit) -> tuple[float, ...]:
        value = {"normalised_score": hit.normalised_score, "score": hit.score, "rank": -hit.rank}[merged]
        assert value is not None
        return (float(bool(hit.likely)), value) if likely_first else (value,)

    return key


def _merge(lists: list[list[HitOf]], key: Callable[[Hit], tuple[float, ...]]) -> list[HitOf]:
    """Every hit, each list in its own order; the list whose next hit is the greatest goes on, the first of equals."""
    ahead, merged = [list(reversed(one)) for one in lists if one], []
    while ahead:
        best = max(ahead, key=lambda left: key(left[-1].hit))
        merged.append(best.pop())
        ahead = [left for left in ahead if left]
    return merged
