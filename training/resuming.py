"""What may change when a run is resumed: where its data lies, how long it is, and what changes only the speed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.models.errors import UserError

Document = dict[str, Any]
OF_DATA = ("data", "evaluate")
OF_RUN = ("steps", "epochs", "workers", "checkpoint_every", "keep")


@dataclass(frozen=True)
class Changes:
    """The settings that `resume` was given, None for those of the run."""

    data: tuple[str, ...] | None = None
    evaluate: tuple[str, ...] | None = None
    steps: int | None = None
    epochs: float | None = None
    workers: int | None = None
    checkpoint_every: int | None = None
    keep: int | None = None

    def __post_init__(self) -> None:
        if self.steps is not None and self.epochs is not None:
            raise UserError("Both --steps and --epochs say how long the run is; give one of them.")

    def applied(self, document: Mapping[str, Any]) -> Document:
        """A config.json with these settings in the place of its own. The number of steps follows from new epochs."""
        data, run = dict(document["data"]), dict(document["run"])
        for name in OF_DATA:
            if (value := getattr(self, name)) is not None:
                data[name] = list(value)
        for name in OF_RUN:
            if (value := getattr(self, name)) is not None:
                run[name] = value
        if self.epochs is not None:
            per_epoch = max(1, document["images"] // (run["batch_size"] * run["accumulate"]))
            run["steps"] = max(1, round(self.epochs * per_epoch))
        return {**document, "data": data, "run": run}


def check_length(document: Mapping[str, Any], run: Path, done: int) -> None:
    """UserError if a run that was made longer or shorter ends before the steps that it has done."""
    if document["run"]["steps"] < done:
        raise UserError(
            f"{run} has done {done:,} steps already, so it cannot end after {document['run']['steps']:,}; choose more "
            f"--steps or --epochs."
        )


def with_overrides(before: Mapping[str, Any], after: Mapping[str, Any], step: int) -> Document:
    """after, with a line about each setting that differs from before: from which step on, and both values."""
    lines = [
        {"step": step, "setting": name, "before": before[part][name], "after": after[part][name]}
        for part, names in (("data", OF_DATA), ("run", OF_RUN))
        for name in names
        if before[part].get(name) != after[part].get(name)
    ]
    origins = {**after["origins"], **{line["setting"]: "resume" for line in lines}}
    return {**after, "origins": origins, "overrides": [*before.get("overrides", []), *lines]}
