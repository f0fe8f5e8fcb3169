"""Differences between responses, and the reasons of those that are intended, for benchmarks/parity."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from benchmarks.parity.compare import EXAMPLES, differences
from benchmarks.parity.inputs import Response
from benchmarks.parity.requests import ClassList, Example, Query

UPLOAD_SCORE, UPLOAD_PROBABILITY = 0.005, 0.002  # how far another preprocessing may move them
PAGE, UNCALIBRATED = "page", "page uncalibrated"

Responses = dict[str, Response | None]  # by door


@dataclass(frozen=True)
class Difference:
    """One kind of difference in the responses to one request, between the two that `compared` names."""

    kind: str
    request: str
    compared: str
    side: str
    count: int
    largest: float | None
    examples: list[Any]
    reason: str


@dataclass(frozen=True)
class Context:
    """What a difference is judged by. responses: of the door's side. across: with before, else with another door."""

    name: str
    request: Query | ClassList | Example
    door: str
    side: str
    responses: Responses
    before: Responses
    across: bool = False
    kind: str = ""
    largest: float | None = None

    @property
    def in_old(self) -> bool:
        """Whether the difference lies between two doors of the old revision."""
        return self.side == "before"

    def equals_old_page(self, but_uploads: bool = False) -> bool:
        """Whether the door's response equals that of the page before; but_uploads: except for uploaded images."""
        now, then = self.responses.get(self.door), self.before.get(self.door if self.door == UNCALIBRATED else PAGE)
        if now is None or then is None:
            return False
        return not (differences(without_upload(now), without_upload(then)) if but_uploads else differences(now, then))

    def different(self, compared: str, count: int = 1, largest: float | None = None, examples: Any = ()) -> Difference:
        reason = next((name for name, _, holds in REASONS if holds(self)), "")
        shown = list(examples)[:EXAMPLES]
        return Difference(self.kind, self.name, compared, self.side, count, largest, shown, reason)

    def differences(self, compared: str, one: Response, other: Response) -> list[Difference]:
        found = differences(one, other)
        return [
            replace(self, kind=kind, largest=largest).different(compared, n, largest, some)
            for kind, n, largest, some in found
        ]


def without_upload(response: Response) -> Response:
    """A labelling without the image that was uploaded."""
    if "probabilities" not in response:
        return response
    kept = {path: classes for path, classes in response["probabilities"].items() if path != "upload"}
    return {**response, "probabilities": kept}


def upload_gap(c: Context) -> float:
    """How far the probabilities of the uploaded image lie from those of the page before."""
    sides = (c.responses.get(c.door), c.before.get(c.door if c.door == UNCALIBRATED else PAGE))
    now, then = (dict((of or {}).get("probabilities", {}).get("upload", ())) for of in sides)
    return max((abs(now[name] - then[name]) for name in now if name in then), default=0.0)


def moved_upload(c: Context) -> bool:
    """Whether a response differs from the one before only where an image is preprocessed otherwise, and by little."""
    if not c.across:
        return False
    if isinstance(c.request, Query):
        small = c.largest is None or c.largest <= UPLOAD_SCORE
        return bool(c.request.uploads) and c.kind in ("score", "order", "hits") and small
    if isinstance(c.request, ClassList):
        return c.equals_old_page(but_uploads=True) and upload_gap(c) <= UPLOAD_PROBABILITY
    return c.kind == "score" and c.largest is not None and c.largest <= UPLOAD_SCORE


def only_likely(c: Context) -> bool:
    """A request that is new: every door answers alike."""
    if not isinstance(c.request, Query) or not c.request.likely or c.kind != "newly expressible":
        return False
    now, page = c.responses.get(c.door), c.responses.get(PAGE)
    return now is not None and page is not None and not differences(now, page)


def is_query(c: Context, door: str) -> Query | None:
    """The query, if the difference is one of a door of the old revision."""
    return c.request if isinstance(c.request, Query) and c.in_old and c.door == door else None


def without_threshold(c: Context) -> bool:
    """The old command line ranks by plain cosine: its hits fall in score all the way down."""
    query, found = is_query(c, "cli"), c.responses.get("cli") or {}
    scores = [hit[1] for hit in found.get("hits", ())]
    falling = bool(scores) and all(a >= b - 1e-5 for a, b in pairwise(scores))
    return query is not None and query.text_only and falling and c.kind in ("hits", "order", "score")


def by_file_name(c: Context) -> bool:
    query = is_query(c, "cli")
    return query is not None and query.by_file


def large_upload(c: Context) -> bool:
    query = is_query(c, "cli")
    return query is not None and "large" in query.uploads


def uncalibrated(c: Context, corrected: bool = True) -> bool:
    """Whether a door equals the page without calibration; corrected: also where a person gave a label."""
    own, other = c.responses.get(c.door), c.responses.get(UNCALIBRATED)
    if not c.in_old or own is None or other is None:
        return False
    if not corrected and "images" in own and "images" in other:
        kept = [path for path, labelled in other["images"].items() if labelled[1] is not None]
        own, other = ({"images": {path: of["images"][path] for path in kept}} for of in (own, other))
    return not differences(own, other)


def literal_by_list(c: Context) -> bool:
    return isinstance(c.request, ClassList) and c.request.literal and c.door in ("rest", "client")


# Name, what it means, and whether it holds. The first that holds counts.
REASONS: tuple[tuple[str, str, Callable[[Context], bool]], ...] = (
    (
        "class names lost their meaning",
        "The old REST and gradio_client read a class whose name holds ': ' as a name with synonyms.",
        lambda c: c.in_old and c.kind == "class names" and literal_by_list(c),
    ),
    (
        "class names keep their meaning",
        "Classes now travel as a list, so that such a name is one name.",
        lambda c: c.across and literal_by_list(c),
    ),
    (
        "equals the old page",
        "The door had rules of its own (no relevance threshold, no calibration, no corrections), or could not express "
        "the request; its response now equals that of the page before.",
        lambda c: c.across and c.door != PAGE and c.equals_old_page(),
    ),
    (
        "equals the old page but for the upload",
        "The door did not calibrate; its probabilities now equal those of the page before, except for the uploaded "
        "image, which is preprocessed as in a build (see there) and moves by less than 0.002.",
        lambda c: (
            c.door not in (PAGE, UNCALIBRATED)
            and isinstance(c.request, ClassList)
            and c.largest is not None
            and c.largest > UPLOAD_PROBABILITY
            and moved_upload(c)
        ),
    ),
    (
        "likely results only",
        "Only the likely results can be asked for now; every door gives the same.",
        only_likely,
    ),
    (
        "image preprocessed as in a build",
        "An image that is uploaded, given as a file or generated now goes through the pipeline of builds; Pillow "
        "resized it before, and an upload from a copy of 768 pixels. Cosines move by less than 0.005, probabilities "
        "by less than 0.002. With Pillow in its place, they agree to 1e-7.",
        moved_upload,
    ),
    (
        "command line without threshold",
        "The old `index search` ranks by cosine alone; the page puts likely results first.",
        without_threshold,
    ),
    (
        "file name taken for text",
        "The name of a file means that image on the page; the old command line embeds it as text.",
        by_file_name,
    ),
    (
        "large image reduced first",
        "An upload is kept at 768 pixels and embedded from that; the old command line embeds the file as it is.",
        large_upload,
    ),
    (
        "uncalibrated door",
        "The response equals that of the page without calibration: the door fits no temperature to known labels.",
        uncalibrated,
    ),
    (
        "door without corrections",
        "The same, except for images that a person has labelled: the door does not read stored corrections.",
        lambda c: uncalibrated(c, corrected=False),
    ),
    (
        "another wording",
        "Both refuse the request and word the error differently.",
        lambda c: c.kind == "sentence",
    ),
)
