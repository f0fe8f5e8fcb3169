"""What a claim is: a statement, a design fixed beforehand, runs that are stored one by one, and a verdict."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.models.atomic import write_file
from training.models.intervals import student_interval

SEEDS = 5  # pairs: each seed runs every arm
HELD, PART, NOT_SEEN, OPPOSITE, UNDECIDED = "held", "held in part", "not seen", "opposite", "undecided"

Measured = Mapping[str, float]
Run = Callable[[int, bool], dict[str, float]]  # of a seed, and whether to be quick, to numbers


@dataclass(frozen=True)
class Arm:
    """One thing that is run with every seed, in at most ten minutes. key: where it is stored; arms of one key are
    one run, whichever claim asked for it."""

    key: str
    run: Run


@dataclass(frozen=True)
class Part:
    """One effect that a claim predicts to be positive.

    name: what is measured, with its unit. of: the effect of one seed, from the numbers of each arm. smallest: the
    smallest effect that would be interesting, fixed before the runs; for an identity (exact) the largest error that
    rounding may leave.
    """

    name: str
    of: Callable[[Mapping[str, Measured]], float]
    smallest: float
    exact: bool = False


@dataclass(frozen=True)
class Claim:
    """A claim. says: the statement. source: who makes it. design: what is run and compared, and the caution that goes
    with it. found: the title of its figure if it held. instead: the title if it did not, where {0} and so on stand for
    the means of its parts.
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
    """A part as it came out. values: one a seed. low, high: the 95 % interval of their mean (Student's t)."""

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
        """Of this part alone; "held in part": it is there, and smaller than would be interesting."""
        if self.exact:
            return HELD if max(abs(value) for value in self.values) <= self.smallest else OPPOSITE
        low, high = self.interval
        if low > 0:
            return HELD if self.mean >= self.smallest else PART
        if high < 0 and self.mean <= -self.smallest:
            return OPPOSITE
        return NOT_SEEN if high < self.smallest else UNDECIDED


def verdict_of(effects: Sequence[Effect]) -> str:
    """Of all parts together: held if every part did; in part if any did, even by less than would be interesting."""
    verdicts = {effect.verdict for effect in effects}
    if len(verdicts) == 1:
        return verdicts.pop()
    if verdicts & {HELD, PART}:
        return PART
    return OPPOSITE if OPPOSITE in verdicts else UNDECIDED


def effects_of(claim: Claim, stored: "Store", seeds: Sequence[int]) -> list[Effect]:
    """What came of a claim, from the seeds that every arm has been run with."""
    whole = [seed for seed in seeds if all(stored.has(arm, seed) for arm in claim.arms.values())]
    numbers = [{name: stored.read(arm, seed) for name, arm in claim.arms.items()} for seed in whole]
    if not numbers:
        return []
    return [Effect(p.name, tuple(p.of(of_seed) for of_seed in numbers), p.smallest, p.exact) for p in claim.parts]


@dataclass(frozen=True)
class Store:
    """Numbers of runs that are done, a file each; a run that is there is never done again. quick: of short runs, which
    have names of their own and are never taken for whole ones.
    """

    folder: Path
    quick: bool = False

    def path(self, arm: Arm, seed: int) -> Path:
        return self.folder / f"{'quick-' * self.quick}{arm.key}-{seed}.json"

    def has(self, arm: Arm, seed: int) -> bool:
        return self.path(arm, seed).is_file()

    def read(self, arm: Arm, seed: int) -> dict[str, float]:
        return json.loads(self.path(arm, seed).read_text())["measured"]

    def run(self, arm: Arm, seed: int) -> bool:
        """Do what is not done yet; whether there was anything to do."""
        if self.has(arm, seed):
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        measured = {name: float(value) for name, value in arm.run(seed, self.quick).items()}
        document: dict[str, Any] = {"seed": seed, "seconds": round(time.monotonic() - begun, 1), "measured": measured}
        write_file(self.path(arm, seed), json.dumps(document, indent=1).encode() + b"\n")
        return True
