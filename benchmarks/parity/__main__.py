"""Compare the responses of two revisions, and those of the doors of one revision.

    python -m benchmarks.parity --before DIR --after DIR --photos DIR --cifar10 DIR --scenes DIR --out parity.json
    python -m benchmarks.parity --record DIR --photos DIR --cifar10 DIR --scenes DIR --out before.json
    python -m benchmarks.parity --before before.json --after DIR ... --summary benchmarks/results/parity.json

--before, --after and --record take a checkout; --before and --after also take a file that --record wrote. The
collections are made by `python -m index build` with `starter`: of 200 photographs, of CIFAR-10's validation images as
parquet with the column label_name, and of `scenes:2000`. Copies of them get tags and corrections and are served.

60 queries and 12 class lists (requests.py) are sent through the command line, REST, gradio_client and the
page (doors.py; names.py has the names of each revision). Hits, order, scores, labels and probabilities
are compared: each door with the page of its revision, and each door with itself before. An intended difference has a
reason (reasons.py); most reasons hold only if the new response equals the one of the old page. The exit code
is 1 if a difference of --after has no reason.
"""

import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from benchmarks.parity.compare import TOLERANCE
from benchmarks.parity.doors import Doors, without_paths
from benchmarks.parity.inputs import Inputs
from benchmarks.parity.reasons import PAGE, REASONS, UNCALIBRATED, Context, Difference, Responses
from benchmarks.parity.requests import (
    CIFAR10,
    CLASS_LISTS,
    CORRECTIONS,
    EXAMPLES,
    LIKELY,
    PHOTOS,
    QUERIES,
    SCENES,
    TAGS,
    ClassList,
    Example,
    Query,
)
from benchmarks.parity.summary import small, summary_lines

Side = dict[str, Responses]  # by request


# ---- comparing sides


def compared(before: Side, after: Side | None) -> list[Difference]:
    """Every difference: doors with the page of their side, and each door after with the same before."""
    found: list[Difference] = []
    for name, request in requests().items():
        old = before.get(name, {})
        for side, responses in (("before", old), ("after", after[name] if after is not None else {})):
            for door in responses:
                c = Context(name, request, door, side, responses, old)
                found += with_page(c)
                found += with_before(replace(c, across=True)) if side == "after" else []
    return found


def with_page(c: Context) -> list[Difference]:
    """A door and the page of its side, or REST where the page cannot express the request."""
    reference = PAGE if c.responses.get(PAGE) is not None else "rest"
    one, other = c.responses[c.door], c.responses[reference]
    if one is None or other is None or c.door == UNCALIBRATED:
        return []
    found = c.differences(f"{c.door} with {reference}", one, other)
    if isinstance(c.request, ClassList) and c.request.literal:
        strays = [
            [path, sorted({name for name, _ in classes} ^ {*c.request.classes})]
            for path, classes in one.get("probabilities", {}).items()
            if {name for name, _ in classes} != {*c.request.classes}
        ]
        compared = f"{c.door} with the request"
        found += [replace(c, kind="class names").different(compared, len(strays), None, strays)] if strays else []
    return found


def with_before(c: Context) -> list[Difference]:
    """A door and the same door before; what it could not express before is compared with the old page."""
    now, then, page = c.responses[c.door], c.before.get(c.door), c.before.get(PAGE)
    if now is not None and then is not None:
        return c.differences(f"{c.door} with itself before", now, then)
    if now is None:
        return [replace(c, kind="no longer expressible").different(c.door)] if then is not None else []
    new = [replace(c, kind="newly expressible").different(c.door)]
    return new + (c.differences(f"{c.door} with the page before", now, page) if page is not None else [])


def pairs(responses: Mapping[str, Side]) -> Counter[str]:
    """How many pairs of responses after were compared, by the doors."""
    counted: Counter[str] = Counter()
    for name, doors in responses.get("after", {}).items():
        before = responses["before"].get(name, {})
        for door, now in doors.items():
            reference = PAGE if doors.get(PAGE) is not None else "rest"
            other, then, page = doors.get(reference), before.get(door), before.get(PAGE)
            counted[f"{door} with {reference}"] += None not in (now, other) and door not in (reference, UNCALIBRATED)
            counted[f"{door} with itself before"] += None not in (now, then)
            counted[f"{door} with the page before"] += None not in (now, page) and then is None
    return +counted


# ---- requests and responses


def requests() -> dict[str, Query | ClassList | Example]:
    """Every request by its name."""
    named: dict[str, Query | ClassList | Example] = {f"query {at:02d}": query for at, query in enumerate(QUERIES, 1)}
    named |= {f"likely {at}": query for at, query in enumerate(LIKELY, 1)}
    named |= {f"{of.what} {' '.join(filter(None, (of.kind or of.collection, str(of.number))))}": of for of in EXAMPLES}
    return named | {f"classes {request.name}": request for request in CLASS_LISTS}


def recorded(checkout: Path, collections: Mapping[str, Path]) -> Side:
    """The responses of every door of a checkout."""
    with tempfile.TemporaryDirectory(prefix="gelato-parity-") as folder:
        work = Path(folder)
        copies = {name: work / f"{name}.gelato" for name in collections}
        for name, path in collections.items():
            shutil.copytree(path, copies[name])
        prepare(copies, work)
        responses: Side = {}
        with Doors.opened(checkout, copies, work) as doors:
            for name, request in requests().items():
                begun = time.monotonic()
                responses[name] = doors.send(request)
                click.echo(f"{name}: {time.monotonic() - begun:.2f} s", err=True)
        return without_paths(responses, [str(work), str(checkout)])


def prepare(copies: Mapping[str, Path], work: Path) -> None:
    """Give the copies their tags and corrections, as files that a collection holds."""
    ids = Inputs(copies, work).ids
    for name, folder in copies.items():
        tags: dict[str, list[str]] = {}
        for tag, rows in TAGS.get(name, {}).items():
            for row in rows:
                tags.setdefault(ids[name][row], []).append(tag)
        (folder / "tags.json").write_text(json.dumps(tags), encoding="utf-8")
        labels = {ids[name][row]: label for label, rows in CORRECTIONS.get(name, {}).items() for row in rows}
        if labels:
            listed = [{"id": id, "label": label} for id, label in labels.items()]
            (folder / "corrections.json").write_text(json.dumps(listed), encoding="utf-8")


def responses_of(source: Path, collections: Mapping[str, Path]) -> Side:
    """The responses of a checkout, or those that were recorded of one."""
    if source.is_file():
        return json.loads(source.read_text(encoding="utf-8"))["responses"]
    return recorded(source.resolve(), collections)


def report(found: list[Difference], responses: Mapping[str, Side]) -> dict[str, Any]:
    """Everything as JSON: differences without a reason first, then those of each reason, by kind."""
    unexplained = [one for one in found if not one.reason]
    reasons = {
        name: {"means": means, "differences": _by_kind([one for one in found if one.reason == name])}
        for name, means, _ in REASONS
        if any(one.reason == name for one in found)
    }
    missing = {
        side: dict(Counter(door for doors in of.values() for door, response in doors.items() if response is None))
        for side, of in responses.items()
    }
    return {
        "queries": len(QUERIES),
        "class_lists": len(CLASS_LISTS),
        "likely": len(LIKELY),
        "examples": len(EXAMPLES),
        "requests": {name: _shown(request) for name, request in requests().items()},
        "tolerance": TOLERANCE,
        "not_expressible": missing,
        "unexplained": {side: _by_kind([one for one in unexplained if one.side == side]) for side in responses},
        "reasons": reasons,
    }


def _by_kind(found: list[Difference]) -> dict[str, list[dict[str, Any]]]:
    kinds: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        fields = {name: value for name, value in asdict(one).items() if name not in ("kind", "reason")}
        kinds.setdefault(one.kind, []).append(fields)
    return kinds


def _shown(request: Query | ClassList | Example) -> dict[str, Any]:
    """A request without its empty fields."""
    fields = {name: value for name, value in asdict(request).items() if value not in ("", (), None, False)}
    if isinstance(request, ClassList) and len(request.classes) > 20:
        fields["classes"] = f"{len(request.classes)} classes"
    return fields


SOURCE = click.Path(exists=True, path_type=Path)


@click.command()
@click.option("--before", type=SOURCE, help="The old checkout, or what was recorded of it.")
@click.option("--after", type=SOURCE, help="The new checkout, or what was recorded of it.")
@click.option("--record", type=SOURCE, help="A checkout whose responses are kept in --out, instead of a comparison.")
@click.option("--photos", required=True, type=SOURCE, help="Collection of photographs.")
@click.option("--cifar10", required=True, type=SOURCE, help="Collection of CIFAR-10's validation images.")
@click.option("--scenes", required=True, type=SOURCE, help="Collection of scenes:2000.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where the JSON goes.")
@click.option("--summary", type=click.Path(path_type=Path, dir_okay=False), help="Where the counts alone go.")
def main(
    before: Path | None,
    after: Path | None,
    record: Path | None,
    photos: Path,
    cifar10: Path,
    scenes: Path,
    out: Path | None,
    summary: Path | None,
) -> None:
    """Send every request to both checkouts and list what differs."""
    if (record is None) == (before is None) or (after is not None and before is None):
        raise click.UsageError("Give --record DIR, or --before and --after.")
    collections = {PHOTOS: photos.resolve(), CIFAR10: cifar10.resolve(), SCENES: scenes.resolve()}
    responses: dict[str, Side] = {}
    if record is not None:
        responses["before"] = responses_of(record, collections)
    else:
        assert before is not None
        responses["before"] = responses_of(before, collections)
        if after is not None:
            responses["after"] = responses_of(after, collections)
    found = compared(responses["before"], responses.get("after"))
    document = report(found, responses)
    if out is not None:
        kept = {**document, **({"responses": responses["before"]} if record is not None else {})}
        out.write_text(
            json.dumps(kept, indent=None if record is not None else 1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    if summary is not None:
        text = json.dumps(small(document, found, pairs(responses)), indent=1, ensure_ascii=False)
        summary.write_text(text + "\n", encoding="utf-8")
    click.echo("\n".join(summary_lines(document)))
    sys.exit(1 if document["unexplained"].get("after") else 0)


if __name__ == "__main__":
    main()
