"""What differs between two responses to one request, for benchmarks/parity.

Responses have the form that benchmarks/doors.py gives them: hits as [id, score, normalised score, likely],
labels by path as [label, probability, runner-up, margin], probabilities by path as [name, probability] a class.
"""

from collections.abc import Mapping
from typing import Any

from benchmarks.parity.inputs import Response

Found = tuple[str, int, float | None, list[Any]]  # kind, count, largest gap, examples

# What doors round differently, plus half a unit of bf16 in the embedding of a text, plus the temperature, which was
# fitted to one part in a thousand before and to one in a hundred thousand now.
TOLERANCE = {
    "score": 2e-4,
    "normalised score": 0.011,
    "probability": 2.5e-4,
    "margin": 3.5e-4,
    "threshold": 1e-6,
}
EXAMPLES = 5  # of each difference


def differences(one: Response, other: Response) -> list[Found]:
    """Kind, count, largest gap and examples of what differs; what only one of them tells is left out."""
    if "error" in one or "error" in other:
        if ("error" in one) != ("error" in other):
            return [("refusal", 1, None, [[one.get("error"), other.get("error")]])]
        return [] if one["error"] == other["error"] else [("sentence", 1, None, [[one["error"], other["error"]]])]
    found: list[Found] = []
    if "hits" in one and "hits" in other:
        found += hit_differences(one["hits"], other["hits"])
    for name in ("matching", "likely", "histogram", "captions", "shown"):
        a, b = one.get(name), other.get(name)
        if a is not None and b is not None and a != b:
            found.append((name, 1, None, [[a, b]]))
    found += _gaps("threshold", {"threshold": (one.get("threshold"), other.get("threshold"))})
    cosines = zip(one.get("cosines", ()), other.get("cosines", ()), strict=False)
    found += _gaps("score", {f"cosine {at}": pair for at, pair in enumerate(cosines)})
    if "images" in one and "images" in other:
        found += label_differences(one["images"], other["images"])
    if "counts" in one and "counts" in other:
        a, b = one["counts"], other["counts"]
        apart = [[n, a.get(n, 0), b.get(n, 0)] for n in {**a, **b} if a.get(n, 0) != b.get(n, 0)]
        found += [("counts", len(apart), None, apart)] if apart else []
    if "probabilities" in one and "probabilities" in other:
        found += probability_differences(one["probabilities"], other["probabilities"])
    elif "probabilities" in one and "images" in other:
        found += crossed_differences(one["probabilities"], other["images"])
    elif "images" in one and "probabilities" in other:
        found += crossed_differences(other["probabilities"], one["images"])
    return found


def hit_differences(one: list[list[Any]], other: list[list[Any]]) -> list[Found]:
    """Of hits: which there are, their order, scores, normalised scores and marks; equal scores may change places."""
    found: list[Found] = []
    a, b = {hit[0]: hit for hit in one}, {hit[0]: hit for hit in other}
    apart = sorted({*a} ^ {*b})
    if apart and not _tie_at_the_end(one, other, apart):
        found.append(("hits", len(apart), None, apart))
    places = enumerate(zip(one, other, strict=False), 1)
    moved = [[at, x[0], y[0]] for at, (x, y) in places if x[0] != y[0] and not _tie(x[1], y[1])]
    if moved:
        found.append(("order", len(moved), None, moved))
    shared = [id for id in a if id in b]
    for at, kind in ((1, "score"), (2, "normalised score")):
        found += _gaps(kind, {id: (a[id][at], b[id][at]) for id in shared})
    marks = [[id, a[id][3], b[id][3]] for id in shared if None not in (a[id][3], b[id][3]) and a[id][3] != b[id][3]]
    if marks:
        found.append(("likely mark", len(marks), None, marks))
    return found


def label_differences(one: Mapping[str, list[Any]], other: Mapping[str, list[Any]]) -> list[Found]:
    """Of labels by path: [label, probability, runner-up, margin]."""
    found: list[Found] = []
    apart = sorted({*one} ^ {*other})
    if apart:
        found.append(("labelled images", len(apart), None, apart))
    shared = [path for path in one if path in other]
    for at, kind in ((0, "label"), (2, "runner-up")):
        wrong = [[p, one[p][at], other[p][at]] for p in shared if one[p][at] != other[p][at] and not _close(one[p], at)]
        if wrong:
            found.append((kind, len(wrong), None, wrong))
    for at, kind in ((1, "probability"), (3, "margin")):
        found += _gaps(kind, {p: (one[p][at], other[p][at]) for p in shared})
        lone = [[p, one[p][at], other[p][at]] for p in shared if (one[p][at] is None) != (other[p][at] is None)]
        if lone:
            found.append((f"{kind} told by one", len(lone), None, lone))
    return found


def probability_differences(one: Mapping[str, list[Any]], other: Mapping[str, list[Any]]) -> list[Found]:
    """Of every class of single images by path, likeliest first."""
    found: list[Found] = []
    a, b = ({path: dict(classes) for path, classes in of.items()} for of in (one, other))
    names = [[path, [*a[path]], [*b[path]]] for path in a if a[path].keys() != b[path].keys()]
    if names:
        found.append(("class names", len(names), None, names))
    pairs = {f"{p}: {name}": (a[p][name], b[p][name]) for p in a for name in a[p] if name in b[p]}
    return found + _gaps("probability", pairs)


def crossed_differences(single: Mapping[str, list[Any]], whole: Mapping[str, list[Any]]) -> list[Found]:
    """Single images beside the labelled collection: the likeliest class and its probability, if no person gave it.

    Where each class has a probability of its own, the label is "none" if none of them reaches one half.
    """
    single = {
        p: _or_none(classes) if p in whole and whole[p][0] == "none" else classes for p, classes in single.items()
    }
    shared = {path: (single[path][0], whole[path]) for path in single if path in whole and whole[path][1] is not None}
    wrong = [[p, *both] for p, both in shared.items() if both[0][0] != both[1][0] and not _close(both[1], 0)]
    agreed = {f"{p}: {one[0]}": (one[1], other[1]) for p, (one, other) in shared.items() if one[0] == other[0]}
    return [("label", len(wrong), None, wrong)] * bool(wrong) + _gaps("probability", agreed)


def _or_none(classes: list[Any]) -> list[Any]:
    """Classes of one image, with "none" first if it is not among them and none is likelier than not."""
    likeliest = classes[0][1]
    named = any(name == "none" for name, _ in classes)
    return classes if named or likeliest > 0.5 else [["none", 1 - likeliest], *classes]


def _gaps(kind: str, pairs: Mapping[str, tuple[float | None, float | None]]) -> list[Found]:
    """Pairs of numbers that lie further apart than TOLERANCE, the widest first; what is missing is left out."""
    gaps = {key: abs(a - b) for key, (a, b) in pairs.items() if a is not None and b is not None}
    wide = sorted((key for key, gap in gaps.items() if gap > TOLERANCE[kind]), key=lambda key: -gaps[key])
    examples = [[key, *pairs[key]] for key in wide[:EXAMPLES]]
    return [(kind, len(wide), round(gaps[wide[0]], 6), examples)] if wide else []


def _tie(a: float | None, b: float | None) -> bool:
    """Whether two hits score alike, so that either may come first."""
    return a is not None and b is not None and abs(a - b) <= TOLERANCE["score"]


def _tie_at_the_end(one: list[list[Any]], other: list[list[Any]], apart: list[str]) -> bool:
    """Whether hits that only one of them has all score as the last one does."""
    if len(one) != len(other) or not one or None in (one[-1][1], other[-1][1]):
        return False
    last = min(one[-1][1], other[-1][1])
    return all(_tie(hit[1], last) for hit in [*one, *other] if hit[0] in apart)


def _close(labelled: list[Any], at: int) -> bool:
    """Whether a label is a tie with its runner-up; of a runner-up nothing is known."""
    return at == 0 and labelled[3] is not None and labelled[3] <= TOLERANCE["margin"]
