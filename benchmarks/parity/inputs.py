"""What the doors share: files of a comparison, the form of a response, and its parts."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.parity.names import FieldNames, lines_of
from benchmarks.parity.requests import ClassList, Query, drawn

Response = dict[str, Any]  # JSON; only "error" where the door refused
READY = 240.0  # seconds that a server, its encoder and its null distributions may take
CSV_COLUMNS = ("label", "probability", "runner_up", "margin")


@dataclass
class Inputs:
    """Collections by name, ids and paths of their images sorted by path, and the files and bytes of uploads."""

    collections: Mapping[str, Path]
    work: Path
    ids: dict[str, list[str]] = field(default_factory=dict)
    paths: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, path in self.collections.items():
            parts = sorted(path.glob("segments/*/items.parquet"))
            items = pd.concat([pd.read_parquet(part, columns=["id", "path"]) for part in parts]).sort_values("path")
            self.ids[name], self.paths[name] = items["id"].tolist(), items["path"].tolist()

    def likes(self, query: Query) -> list[str]:
        """Ids, unwanted ones with a minus before them."""
        ids = self.ids[query.collection]
        return [ids[row] for row in query.like] + [f"-{ids[row]}" for row in query.unlike]

    def upload(self, collection: str, name: str) -> Path:
        """A file with what is uploaded: something drawn, or the preview of an image of the collection."""
        if name.startswith("preview:"):
            id = self.ids[collection][int(name.partition(":")[2])]
            return next(self.collections[collection].glob(f"thumbnails/**/{id}.webp"))
        path = self.work / f"{name}.png"
        if not path.exists():
            path.write_bytes(drawn(name))
        return path

    def class_file(self, request: ClassList) -> Path:
        path = self.work / f"{request.name}.txt"
        path.write_text("\n".join(lines_of(request.classes)) + "\n", encoding="utf-8")
        return path


def hits_of(found: list[dict[str, Any]], fields: FieldNames) -> list[list[Any]]:
    """id, score, normalised score and likely of each hit; None for what is missing."""
    return [[hit["id"], hit.get("score"), hit.get(fields.normalised), hit.get("likely")] for hit in found]


def labelled(row: Mapping[str, Any]) -> list[Any]:
    """label, probability, runner-up and margin; numbers as numbers, and None where there is none."""
    label, probability, runner_up, margin = (row[name] for name in CSV_COLUMNS)
    number = [None if value in ("", None) else float(value) for value in (probability, margin)]
    return [label, number[0], runner_up or "", number[1]]


def python_of(checkout: Path) -> str:
    """The checkout's own interpreter, or this one."""
    own = checkout / ".venv/bin/python"
    return str(own) if own.exists() else sys.executable
