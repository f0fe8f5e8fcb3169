"""Results of a search as files: a table, JSON, a list of files, and the thumbnails or originals in a zip."""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from index.collection import Collection
from index.export.report import Report
from index.export.roots import source_root
from index.export.selection import Selection
from index.export.zips import Pipe, zip_pieces
from index.search import Hit
from index.storage.layout import LOCAL_COLUMNS
from index.storage.tables import csv_text
from index.storage.tags import read_tags
from training.models.file_names import file_name, safe_name
from training.models.strict_json import json_text

LONGEST_STEM = 80  # bytes of a thumbnail's name


@dataclass(frozen=True)
class Results:
    """Hits that are exported. local: to this computer, which may see where images lie."""

    collection: Collection
    hits: Sequence[Hit]
    local: bool


def results_csv(results: Results) -> str:
    scored = any(hit.score is not None for hit in results.hits)
    tagged = bool(read_tags(results.collection.path))
    columns = ("rank", *(["score"] if scored else []), "id", "path", "caption", *(["tags"] if tagged else []))
    rows = []
    for hit in results.hits:
        tags = ["; ".join(hit.tags)] if tagged else []
        rows.append((hit.rank, *([f"{hit.score:.5f}"] if scored else []), hit.id, hit.path, hit.caption, *tags))
    return csv_text(columns, rows)


def results_json(results: Results) -> str:
    hidden = () if results.local else LOCAL_COLUMNS
    rows = [{name: v for name, v in hit.as_json().items() if name not in hidden} for hit in results.hits]
    return json_text(rows)


def results_files(results: Results) -> str:
    """One file a line, as its source calls it; on this computer whole paths, where the source is a folder or table."""
    if not results.local:
        return "".join(f"{hit.path}\n" for hit in results.hits)
    sources = [str(hit.record["source"]) for hit in results.hits]
    roots = {source: source_root(source) for source in set(sources)}
    files = ((roots[source], hit.path) for source, hit in zip(sources, results.hits, strict=True))
    return "".join(f"{root / path if root else path}\n" for root, path in files)


def results_zip(results: Results) -> Iterator[bytes]:
    """The thumbnails by rank, with the table: originals stay where they are."""
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr("results.csv", results_csv(results))
        packed.writestr("files.txt", results_files(results))
        for hit in results.hits:
            thumbnail = results.collection.thumbnail(hit.id)
            if thumbnail is not None:
                stem = safe_name(PurePosixPath(file_name(hit.path)).stem, LONGEST_STEM)
                packed.write(thumbnail, f"thumbnails/{hit.rank:04d}-{stem}.webp")
            yield pipe.taken()
    yield pipe.taken()


def results_originals(results: Results) -> Iterator[bytes]:
    """The originals in a zip, with metadata.csv; those that are gone are named in not-exported.csv."""
    rows = np.array([hit.row for hit in results.hits], np.intp)
    selection = Selection.of(results.collection, rows)
    return zip_pieces(selection, Report("zip", "zip", len(selection)))
