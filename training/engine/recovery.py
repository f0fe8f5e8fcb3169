"""What a run does about a step that is not finite: it stops, leaves the step out, or goes back to a checkpoint."""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from training.engine.config import RunConfig
from training.engine.finite import ADVICE, NotFinite
from training.models.errors import UserError

COUNTERS = ("left_out", "in_a_row", "passed_over")


class Recovery:
    """The counts of --on-nan, which checkpoints hold.

    left_out: optimiser steps that were left out, or whose weights were given up. in_a_row: of these, or of rollbacks,
    since the last finite step, or the last checkpoint. passed_over: batches that are never used, so that batch n of
    the run is batch n + passed_over of the data order.
    """

    def __init__(self, config: RunConfig):
        self.action, self.limit = config.on_nan, config.nan_limit
        self.left_out = self.in_a_row = self.passed_over = 0

    def counters(self) -> dict[str, int]:
        """For state.json."""
        return {name: getattr(self, name) for name in COUNTERS}

    def load(self, counters: Mapping[str, Any]) -> None:
        """As they were when a checkpoint was written."""
        for name in COUNTERS:
            setattr(self, name, int(counters.get(name, 0)))

    def count(self, found: NotFinite, steps: int) -> dict[str, Any]:
        """Count the steps that a cause cost, and return its line of metrics.jsonl. UserError at the limit."""
        self.left_out += steps
        self.in_a_row += 1
        if self.in_a_row > self.limit:
            what = {
                "skip": f"{self.limit} steps in a row were left out before it",
                "rollback": f"The run has gone back to the checkpoint before it {self.limit} times",
            }[self.action]
            raise UserError(f"{found.sentence()} {what}, the limit of --nan-limit. {ADVICE}")
        return self.event(found)

    def event(self, found: NotFinite) -> dict[str, Any]:
        """What a line of metrics.jsonl says of it."""
        return {"not_finite": found.document() | {"action": self.action, "left_out": self.left_out}}


class Snapshot:
    """Copies of tensors that a forward pass changes before it is known whether the step is finite."""

    def __init__(self, tensors: Iterable[Tensor]):
        self.pairs = [(tensor, tensor.detach().clone()) for tensor in tensors]

    def restore(self) -> None:
        """Give the tensors the values that they had."""
        for tensor, before in self.pairs:
            tensor.detach().copy_(before)
