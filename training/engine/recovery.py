"""What a run does about a step that is not finite: it stops, leaves the step out, or goes back to a checkpoint."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click
import torch
from torch import Tensor

from training.engine.config import RunConfig
from training.engine.distributed import World
from training.engine.finite import ADVICE, FiniteWatch, NotFinite, StoppedBeingFinite, earliest
from training.engine.log import Metrics
from training.methods.base import Method
from training.models.errors import UserError

COUNTERS = ("left_out", "in_a_row", "passed_over")


class Recovery:
    """The action of --on-nan, and its counts, which checkpoints hold. The ranks decide together.

    watch: what was not finite on this rank. left_out: optimiser steps that were left out, or whose weights were given
    up. in_a_row: of these, or of rollbacks, since the last finite step, or the last checkpoint. passed_over: batches
    that are never used, so that batch n of the run is batch n + passed_over of the data order.
    """

    def __init__(
        self,
        method: Method,
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        config: RunConfig,
        world: World,
        metrics: Metrics,
        quiet: bool,
    ):
        self.method, self.optimizer, self.scaler, self.world = method, optimizer, scaler, world
        self.config, self.metrics, self.quiet = config, metrics, quiet
        self.watch = FiniteWatch(method, world.device, scaled=scaler.is_enabled())
        self.skips, self.rolls_back = config.on_nan == "skip", config.on_nan == "rollback"
        self.left_out = self.in_a_row = self.passed_over = 0

    def counters(self) -> dict[str, int]:
        """For state.json."""
        return {name: getattr(self, name) for name in COUNTERS}

    def load(self, counters: Mapping[str, Any]) -> None:
        """As they were when a checkpoint was written."""
        for name in COUNTERS:
            setattr(self, name, int(counters.get(name, 0)))

    def figures(self) -> dict[str, int]:
        """For a line of metrics.jsonl."""
        return {"left_out": self.left_out} if self.skips or self.rolls_back else {}

    def saved(self) -> None:
        """A checkpoint was written, so that a rollback from now on is the first to it."""
        if self.rolls_back:
            self.in_a_row = 0

    def check(self, step: int) -> None:
        """StoppedBeingFinite if any step since the start was not finite, of which a line is written."""
        if self._all_finite():
            return
        found = self._found()
        self.metrics.write({"step": step, **self._event(found)})
        raise StoppedBeingFinite(found)

    def discard(self, kept: "Snapshot") -> NotFinite | None:
        """What was not finite in this step on some rank: then the step is undone before it changes a weight.

        kept: what the forward pass may have changed, as it was. The ranks decide together, so each step waits.
        """
        if self._all_finite():
            self.in_a_row = 0
            return None
        found = self._found()
        kept.restore()
        self._forget_gradients()
        if self.scaler.is_enabled():
            self.scaler.update()
        self.watch.reset()
        return found

    def leave_out(self, found: NotFinite, step: int) -> None:
        """Count a discarded step, after which the run is at step. UserError at the limit."""
        self._report(found, step, self._count(found, 1), "The step is left out.")

    def roll_back(self, found: NotFinite, reached: int, resume: Callable[[], int]) -> None:
        """Go back from step reached to the last checkpoint, and on with batches that come after those used since then.

        resume: loads the checkpoint, these counts too, and returns its step. UserError at the limit.
        """
        passed_over, in_a_row = self.passed_over, self.in_a_row
        step = resume()
        self.in_a_row = in_a_row
        event = self._count(found, reached - step)
        self.passed_over = passed_over + (reached - step) * self.config.accumulate
        self._forget_gradients()
        self.watch.reset()
        self.metrics.go_back(step)
        what = f"The run goes back to step {step}, and on with the batches after these."
        self._report(found, step, event, what)

    def _all_finite(self) -> bool:
        return not self.world.mean({"bad": float(self.watch.any())})["bad"]

    def _found(self) -> NotFinite:
        """The first on any rank that was not finite; some rank has one."""
        found = earliest(self.world.gather(self.watch.found(self.world.rank)))
        assert found is not None
        return found

    def _forget_gradients(self) -> None:
        self.method.discard_step()
        self.optimizer.zero_grad(set_to_none=True)

    def _count(self, found: NotFinite, steps: int) -> dict[str, Any]:
        """Count the steps that a cause cost, and return its line of metrics.jsonl. UserError at the limit."""
        self.left_out += steps
        self.in_a_row += 1
        limit = self.config.nan_limit
        if self.in_a_row > limit:
            what = {
                "skip": f"{limit} steps in a row were left out before it",
                "rollback": f"The run has gone back to the checkpoint before it {limit} times",
            }[self.config.on_nan]
            raise UserError(f"{found.sentence()} {what}, the limit of --nan-limit. {ADVICE}")
        return self._event(found)

    def _event(self, found: NotFinite) -> dict[str, Any]:
        """What a line of metrics.jsonl says of it."""
        return {"not_finite": found.document() | {"action": self.config.on_nan, "left_out": self.left_out}}

    def _report(self, found: NotFinite, step: int, event: dict[str, Any], what: str) -> None:
        self.metrics.write({"step": step, **event})
        if self.world.leads and not self.quiet:
            click.echo(f"{found.sentence()} {what}", err=True)


class Snapshot:
    """Copies of tensors that a forward pass changes before it is known whether the step is finite."""

    def __init__(self, tensors: Iterable[Tensor]):
        self.pairs = [(tensor, tensor.detach().clone()) for tensor in tensors]

    def restore(self) -> None:
        """Give the tensors the values that they had."""
        for tensor, before in self.pairs:
            tensor.detach().copy_(before)
