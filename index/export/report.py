"""What an export did: every image of it in exactly one count, and what did not go as a person may expect, by name."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["written", "updated", "unchanged", "empty"]
FIRST = 20  # files that a report names
SHOWN = 10  # names of a list that are printed


@dataclass(frozen=True)
class Renamed:
    """An image whose file could not have the name that it has in its source."""

    source: str
    path: str
    name: str


@dataclass(frozen=True)
class NotExported:
    """An image that was not exported, and why."""

    source: str
    path: str
    reason: str


@dataclass
class Report:
    """The outcome of an export. images: those that were chosen; the sum of the counts and of not_exported.

    updated: images whose file was there and now says more. empty: images of which there is nothing to say. linked:
    of those written, how many are hard links. files: of a table or of embeddings, relative to out. first: the first
    FIRST files that are written or updated, where they are one an image.
    """

    out: str
    format: str
    images: int
    dry_run: bool = False
    written: int = 0
    updated: int = 0
    unchanged: int = 0
    empty: int = 0
    linked: int = 0
    renamed: list[Renamed] = field(default_factory=list)
    not_exported: list[NotExported] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)

    def count(self, outcome: Outcome, file: str = "") -> None:
        """Count an image. file: what is written for it."""
        setattr(self, outcome, getattr(self, outcome) + 1)
        if file and outcome in ("written", "updated") and len(self.first) < FIRST:
            self.first.append(file)

    @property
    def failed(self) -> bool:
        """Whether images were chosen and none could be exported."""
        return 0 < self.images == len(self.not_exported)

    def text(self) -> str:
        """The report as lines for a person."""
        would = "would be " if self.dry_run else ""
        parts = [f"{self.written:,} {would}written"]
        parts += [f"{self.updated:,} {would}updated"] if self.updated else []
        parts += [f"{self.unchanged:,} unchanged"] if self.unchanged else []
        parts += [f"{self.empty:,} with nothing to say of them"] if self.empty else []
        parts += [f"{len(self.not_exported):,} not exported"] if self.not_exported else []
        lines = [f"Of {self.images:,} images: {', '.join(parts)}, as {self.format} to {self.out}."]
        if self.written and self.linked:
            lines.append(f"{self.linked:,} are hard links: they share their content with the originals.")
        lines += self.notes
        lines += some([f"{one.path} is called {one.name}" for one in self.renamed])
        for reason, number in Counter(one.reason for one in self.not_exported).most_common():
            lines.append(f"{number:,} not exported: {reason}")
            lines += some([one.path for one in self.not_exported if one.reason == reason])
        return "\n".join(lines)


def some(lines: list[str]) -> list[str]:
    """The first SHOWN of lines, indented, and how many more there are."""
    more = [f"  and {len(lines) - SHOWN:,} more (--json lists them)"] if len(lines) > SHOWN else []
    return [f"  {line}" for line in lines[:SHOWN]] + more
