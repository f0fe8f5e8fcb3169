"""What a run keeps on disk to go on from and to be searched with: its checkpoints and its encoder."""

import contextlib
from pathlib import Path
from typing import Any

import click
import torch
from torch import Tensor

from training.data.workers import WorkerLost
from training.engine.checkpoint import CheckpointNotWritten, checkpoints, load_last_checkpoint, save_checkpoint
from training.engine.config import RunConfig
from training.engine.distributed import World
from training.engine.sharded import Stateful, full_tensors
from training.methods.base import Method
from training.models.errors import UserError
from training.models.run_encoder import write_encoder


class Saver:
    """Writes and reads the checkpoints of a run. Every rank calls each method, except save_after.

    ema: the moving average of method's weights, if the run has one. counters: what else a checkpoint holds, as JSON
    values.
    """

    def __init__(
        self,
        run: Path,
        method: Method,
        ema: Method | None,
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        config: RunConfig,
        world: World,
    ):
        self.run, self.method, self.ema, self.config, self.world = run, method, ema, config, world
        self.state: dict[str, Stateful | None] = {
            "model": method,
            "ema": ema,
            "optimizer": optimizer,
            "scaler": scaler,
        }

    def has_checkpoint(self) -> bool:
        """Whether there is one to go back to."""
        return bool(checkpoints(self.run))

    def load(self) -> dict[str, Any]:
        """Load the last checkpoint that is whole, and return its counters, `step` among them."""
        folder, counters, damaged = load_last_checkpoint(self.run, self.state, self.world)
        if damaged and self.world.leads:
            click.echo(f"{' '.join(damaged)} The run goes on from {folder.name}.", err=True)
        return counters

    def save(self, step: int, counters: dict[str, Any]) -> None:
        """Write the encoder and a checkpoint. CheckpointNotWritten, on every rank, if rank 0 or another cannot."""
        facts, weights = encoder_of(self.method, self.ema)
        error = ""
        if self.world.leads:
            try:
                write_encoder(self.run, facts, weights)
            except OSError as failed:
                error = failed.strerror or str(failed)
        if error := self.world.gather(error)[0]:
            raise CheckpointNotWritten(error)
        save_checkpoint(self.run, step, self.state, counters, self.world, self.config.keep)

    def save_if_possible(self, step: int, counters: dict[str, Any], last: bool) -> bool:
        """Save, and return whether it could be written. last: no later one is due, so UserError if it could not.

        A disk that is full at one of them may have room at the next.
        """
        try:
            self.save(step, counters)
            return True
        except CheckpointNotWritten as error:
            message = f"The checkpoint of step {step} could not be written to {self.run}: {error}."
            if last:
                raise UserError(f"{message} The one before it is whole; make room and resume the run.") from error
            if self.world.leads:
                click.echo(f"{message} The next is due at step {step + self.config.checkpoint_every}.", err=True)
            return False

    def save_after(self, lost: WorkerLost, step: int, counters: dict[str, Any]) -> None:
        """Save after a worker was lost, and say so in its error, unless other ranks would have to take part."""
        if self.world.size > 1 or not step:
            return
        with contextlib.suppress(CheckpointNotWritten):
            self.save(step, counters)
            lost.args = (f"{lost} The checkpoint of step {step} is written: python -m training resume {self.run}",)


def encoder_of(method: Method, ema: Method | None) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Description and full weights of the encoder that search would load, from the EMA if there is one.

    Every rank must call this.
    """
    facts, module = (ema or method).product()
    return facts, full_tensors(module.state_dict())
