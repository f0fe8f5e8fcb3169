"""The report of benchmarks/parity in some lines, and as the small JSON that benchmarks/results holds."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.parity.reasons import REASONS, Difference

Document = dict[str, Any]


def small(document: Document, found: Sequence[Difference], compared: Counter[str]) -> Document:
    """Counts by doors and kind, without ids and examples. compared: how many pairs of responses of each two doors."""
    after = [one for one in found if one.side == "after"]
    different = Counter(of for of, _ in {(one.compared, one.request) for one in after})
    return {
        **{name: document[name] for name in ("queries", "class_lists", "likely", "examples", "tolerance")},
        "not_expressible": document["not_expressible"],
        "pairs_of_responses": {
            doors: {"compared": count, "equal": count - different[doors]} for doors, count in compared.items()
        },
        "unexplained": {
            side: counts(o for o in found if o.side == side and not o.reason) for side in ("before", "after")
        },
        "reasons": {name: reason for name, means, _ in REASONS if (reason := _reason(name, means, found))},
    }


def _reason(name: str, means: str, found: Sequence[Difference]) -> Document:
    """Its meaning and counts by side; empty if it explains nothing."""
    sides = {side: counts(o for o in found if o.side == side and o.reason == name) for side in ("before", "after")}
    shown = {side: of for side, of in sides.items() if of}
    return {"means": means, **shown} if shown else {}


def counts(found: Iterable[Difference]) -> Document:
    """By the doors that were compared, and by kind: in how many requests, and the largest difference of numbers."""
    table: Document = {}
    for one in found:
        kinds = table.setdefault(one.compared, {})
        entry = kinds.setdefault(one.kind, {"requests": 0})
        entry["requests"] += 1
        if one.largest is not None:
            entry["largest"] = max(one.largest, entry.get("largest", 0.0))
    return table


def summary_lines(document: Document) -> list[str]:
    """The report in some lines."""
    lines = []
    for side, kinds in document["unexplained"].items():
        lines += [f"{side}: no difference without a reason"] if not kinds else []
        for kind, found in kinds.items():
            doors = Counter(one["compared"] for one in found)
            names = ", ".join(sorted({one["request"] for one in found})[:8])
            lines.append(f"{side}, unexplained, {kind}: {len(found)} ({dict(doors)}) in {names}")
    for name, reason in document["reasons"].items():
        counts = {kind: len(found) for kind, found in reason["differences"].items()}
        lines.append(f"{name}: {counts}")
    lines.append(f"not expressible: {document['not_expressible']}")
    return lines
