"""Claims: a statement, a design fixed before the runs, stored runs, and a verdict."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.models.atomic import write_file
from training.models.intervals import student_interval

SEEDS = 5  # paired: each seed runs every arm
HELD, PART, NOT_SEEN, OPPOSITE, UNDECIDED = "held", "held in part", "not seen", "opposite", "undecided"

Measured = Mapping[str, float]
Run = Callable[[int, bool], dict[str, float]]  # from a seed, and whether to be quick, to measurements


@dataclass(frozen=True)
class Arm:
    """One condition of an experiment, run with every seed in at most ten minutes.

    key: the name of its stored file. Claims share the runs of arms with the same key.
    """

    key: str
    run: Run


@dataclass(frozen=True)
class Part:
    """One effect that a claim predicts to be positive.

    name: of the effect, with its unit. of: computes the effect of one seed from the measurements of each arm.
    smallest: the smallest interesting effect, fixed before the runs; for an identity (exact), the largest allowed
    rounding error.
    """

    name: str
    of: Callable[[Mapping[str, Measured]], float]
    smallest: float
    exact: bool = False


def between_arms(name: str, arm: str, other: str, figure: str, smallest: float) -> Part:
    """By how much a figure of one arm is larger than that of another."""
    return Part(name, lambda measured: measured[arm][figure] - measured[other][figure], smallest)


def between_figures(name: str, arm: str, figure: str, other: str, smallest: float) -> Part:
    """By how much one figure of an arm is larger than another of its figures."""
    return Part(name, lambda measured: measured[arm][figure] - measured[arm][other], smallest)


@dataclass(frozen=True)
class Claim:
    """A claim of the lecture.

    says: the statement. source: where it was made. design: what is run and compared, with caveats. found: the title
    of the figure if the claim held. instead: the title if it did not; {0} and so on are the means of its parts.
    """

    says: str
    source: str
    design: str
    arms: Mapping[str, Arm]
    parts: tuple[Part, ...]
    found: str
    instead: str = ""


@dataclass(frozen=True)
class Effect:
    """The measured effect of a part. values: one per seed. interval: 95 %, of their mean (Student's t)."""

    name: str
    values: tuple[float, ...]
    smallest: float
    exact: bool

    @property
    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    @property
    def interval(self) -> tuple[float, float]:
        return student_interval(self.values)

    @property
    def verdict(self) -> str:
        """The verdict on this part; "held in part": positive, but smaller than the smallest interesting effect."""
        if self.exact:
            return HELD if max(abs(value) for value in self.values) <= self.smallest else OPPOSITE
        low, high = self.interval
        if low > 0:
            return HELD if self.mean >= self.smallest else PART
        if high < 0 and self.mean <= -self.smallest:
            return OPPOSITE
        return NOT_SEEN if high < self.smallest else UNDECIDED


def verdict_of(effects: Sequence[Effect]) -> str:
    """The verdict on all parts: held if every part held; in part if any part held, at least in part."""
    verdicts = {effect.verdict for effect in effects}
    if len(verdicts) == 1:
        return verdicts.pop()
    if verdicts & {HELD, PART}:
        return PART
    return OPPOSITE if OPPOSITE in verdicts else UNDECIDED


def effects_of(claim: Claim, stored: "Store", seeds: Sequence[int]) -> list[Effect]:
    """The effects of a claim, from the seeds with which every arm has been run."""
    complete = [seed for seed in seeds if all(stored.has(arm, seed) for arm in claim.arms.values())]
    measured = [{name: stored.read(arm, seed) for name, arm in claim.arms.items()} for seed in complete]
    if not measured:
        return []
    return [Effect(p.name, tuple(p.of(of_seed) for of_seed in measured), p.smallest, p.exact) for p in claim.parts]


@dataclass(frozen=True)
class Store:
    """Measurements of finished runs, a file each; a stored run is not repeated.

    quick: for short runs, which are stored under separate names.
    """

    folder: Path
    quick: bool = False

    def path(self, arm: Arm, seed: int) -> Path:
        return self.folder / f"{'quick-' * self.quick}{arm.key}-{seed}.json"

    def has(self, arm: Arm, seed: int) -> bool:
        return self.path(arm, seed).is_file()

    def read(self, arm: Arm, seed: int) -> dict[str, float]:
        return json.loads(self.path(arm, seed).read_text(encoding="utf-8"))["measured"]

    def run(self, arm: Arm, seed: int) -> bool:
        """Run the arm with a seed unless it is stored, and return whether it was run."""
        if self.has(arm, seed):
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        measured = {name: float(value) for name, value in arm.run(seed, self.quick).items()}
        document: dict[str, Any] = {"seed": seed, "seconds": round(time.monotonic() - started, 1), "measured": measured}
        write_file(self.path(arm, seed), json.dumps(document, indent=1).encode() + b"\n")
        return True
