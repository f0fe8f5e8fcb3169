"""A balanced set of captioned images, made as CLIP's was: up to so many pairs for each of a list of queries.

Radford et al. 2021, section 2.2: the set of 400 million pairs has at most 20,000 for each of 500,000 queries.
"""

import csv
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.data.source import Item
from training.data.sources import open_source
from training.data.tables.options import TableOptions
from training.models.atomic import write_file
from training.models.errors import UserError

SIGNATURES = {b"\x89PNG": "png", b"\xff\xd8": "jpg", b"RIFF": "webp", b"GIF8": "gif", b"BM": "bmp", b"II*\0": "tiff"}


class Queries:
    """Queries of one or more words, found in captions as whole words, in any case.

    Each caption costs as many look-ups as it has runs of words, however many queries there are.
    """

    def __init__(self, queries: Iterable[str]):
        self.named: dict[tuple[str, ...], str] = {}
        for query in queries:
            if words := words_of(query):
                self.named.setdefault(words, query)
        if not self.named:
            raise UserError("There are no queries; a file of them has one a line.")
        self.lengths = sorted({len(words) for words in self.named})

    def within(self, text: str) -> list[str]:
        """The queries that text has, each once, in the order in which they stand."""
        words = words_of(text)
        runs = (words[i : i + length] for i in range(len(words)) for length in self.lengths if i + length <= len(words))
        return list(dict.fromkeys(self.named[run] for run in runs if run in self.named))


def words_of(text: str) -> tuple[str, ...]:
    """The words of text in lower case, without what stands between them."""
    return tuple(re.findall(r"\w+", text.lower()))


@dataclass
class Report:
    """found: pairs whose captions have each query. of_query: those that were written for it."""

    seen: int = 0
    kept: int = 0
    without_query: int = 0
    over: int = 0  # pairs all of whose queries were full
    unreadable: int = 0
    shards: int = 0
    found: dict[str, int] = field(default_factory=dict)
    of_query: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the totals, and how many queries are empty, partly filled and full are in counts.csv."""
        totals = ("seen", "kept", "without_query", "over", "unreadable", "shards")
        return {name: getattr(self, name) for name in totals} | {
            "queries": len(self.found),
            "queries_without_pairs": sum(count == 0 for count in self.of_query.values()),
        }


def curate(
    specs: Iterable[str],
    queries: Queries,
    per_query: int,
    into: Path,
    shard_size: int = 10_000,
    progress: Callable[[Report], object] = lambda report: None,
    tables: TableOptions | None = None,
) -> Report:
    """Write tar shards of the pairs that queries ask for into a new folder, and counts.csv beside them.

    A pair is kept while any of its queries has fewer than per_query pairs, and counts for the one of them
    that has the fewest. Sources are streamed: what is held in memory is one shard.
    """
    if into.exists() and any(into.iterdir()):
        raise UserError(f"{into} is not empty; name a new folder for the set.")
    into.mkdir(parents=True, exist_ok=True)
    report = Report(found=dict.fromkeys(queries.named.values(), 0), of_query=dict.fromkeys(queries.named.values(), 0))
    shard = _Shard(into, shard_size)
    for item in _stream(specs, tables):
        report.seen += 1
        progress(report)
        if item.refusal is not None:
            report.unreadable += 1
            continue
        matching = queries.within(" \n ".join(item.captions))
        for query in matching:
            report.found[query] += 1
        if not matching:
            report.without_query += 1
            continue
        poorest = min(matching, key=report.of_query.__getitem__)
        if report.of_query[poorest] >= per_query:
            report.over += 1
            continue
        try:
            image = item.read()
        except OSError:
            report.unreadable += 1
            continue
        shard.add(item, image, matching)
        report.kept += 1
        report.of_query[poorest] += 1
    report.shards = shard.close()
    rows = io.StringIO()
    table = csv.writer(rows, lineterminator="\n")
    table.writerow(["query", "found", "kept"])
    table.writerows([query, report.found[query], count] for query, count in report.of_query.items())
    write_file(into / "counts.csv", rows.getvalue().encode())
    return report


def _stream(specs: Iterable[str], tables: TableOptions | None) -> Iterator[Item]:
    for spec in specs:
        yield from open_source(spec, tables=tables)


class _Shard:
    """Tar files of shard_size samples each, every one there whole or not at all."""

    def __init__(self, folder: Path, size: int):
        self.folder, self.size, self.number, self.total = folder, size, 0, 0
        self._begin()

    def _begin(self) -> None:
        self.memory = io.BytesIO()
        self.tar = tarfile.TarFile(fileobj=self.memory, mode="w")
        self.held = 0

    def add(self, item: Item, image: bytes, queries: list[str]) -> None:
        ending = next((name for start, name in SIGNATURES.items() if image.startswith(start)), "jpg")
        metadata = {name: value for name, value in item.metadata.items() if isinstance(value, str | int | float | bool)}
        facts = json.dumps({**metadata, "source_path": item.path, "queries": queries}, ensure_ascii=False)
        stem = f"{self.total:09d}"
        members = {ending: image, "txt": "\n".join(item.captions).encode(), "json": facts.encode()}
        for name, data in members.items():
            member = tarfile.TarInfo(f"{stem}.{name}")
            member.size = len(data)
            self.tar.addfile(member, io.BytesIO(data))
        self.held += 1
        self.total += 1
        if self.held == self.size:
            self._write()

    def _write(self) -> None:
        self.tar.close()
        write_file(self.folder / f"{self.number:05d}.tar", self.memory.getvalue())
        self.number += 1
        self._begin()

    def close(self) -> int:
        """Write what is left; how many shards there are."""
        if self.held:
            self._write()
        return self.number
