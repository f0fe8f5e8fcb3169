"""What a build says of itself: how far it is, and what it did."""

from dataclasses import asdict, dataclass, field
from typing import Any

from index.storage.accounts import Groups


@dataclass(frozen=True)
class BuildProgress:
    """How far a build is. rate: images a second; left: seconds to go, None while unknown."""

    done: int
    total: int
    failed: int
    rate: float
    left: float | None
    searchable: int


@dataclass
class BuildReport:
    """What a build did, in images. images: all that are searchable now.

    files: every file of the sources of this build in exactly one count, and their total; empty if it was stopped.
    passed_over: those that gave no image, by kind and reason. problems: a sentence for each source without one image.
    offline: images that are searchable and out of reach. notes: what else to tell, a sentence each.
    warnings: the files that were read although something is wrong with them, and what.
    """

    collection: str
    encoder: str
    runtime: str
    precision: str
    images: int = 0
    added: int = 0
    updated: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    embedded: int = 0
    repaired: int = 0
    failed: int = 0
    seconds: float = 0.0
    images_per_second: float = 0.0
    stopped: bool = False
    files: dict[str, int] = field(default_factory=dict)
    passed_over: Groups = ()
    offline: int = 0
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return rounded(asdict(self))


def rounded(figures: dict[str, Any]) -> dict[str, Any]:
    """Seconds and rates with three digits after the point, as `--json` prints them."""
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
