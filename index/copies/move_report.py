"""What moving copies did, or would do."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from index.copies.journal import Entry
from index.export.report import NotExported, Renamed, some


@dataclass
class Moved:
    """What was moved, or would be if dry_run. copies: files that had to move: those moved and those not moved.

    sidecars: files that went along. renamed: those that could not have their name in the folder. not_moved: with the
    reason. bytes: of the images that were moved.
    """

    folder: str
    copies: int
    dry_run: bool = False
    moved: list[Entry] = field(default_factory=list)
    sidecars: int = 0
    bytes: int = 0
    renamed: list[Renamed] = field(default_factory=list)
    not_moved: list[NotExported] = field(default_factory=list)
    table: str = ""

    @property
    def failed(self) -> bool:
        """Whether there were copies and none was moved."""
        return 0 < self.copies == len(self.not_moved)

    def as_dict(self) -> dict[str, Any]:
        """As `duplicates --move --json` prints it."""
        return asdict(self)

    def text(self) -> str:
        """The report as lines for a person."""
        would = "would be " if self.dry_run else ""
        images = len(self.moved) - self.sidecars
        line = f"Of {self.copies:,} copies, {images:,} {would}moved to {self.folder} ({self.bytes / 1e6:,.1f} MB)"
        lines = [line + (f", with {self.sidecars:,} files that belong to them." if self.sidecars else ".")]
        lines += some([f"{one.path} is called {one.name}" for one in self.renamed])
        for why, number in Counter(one.reason for one in self.not_moved).most_common():
            lines.append(f"{number:,} not moved: {why}")
            lines += some([one.path for one in self.not_moved if one.reason == why])
        if self.table and not self.dry_run:
            lines.append(f"{self.table} says what was moved. To put everything back: duplicates DIR --undo")
        return "\n".join(lines)
