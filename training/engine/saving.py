"""What a run keeps on disk to go on from and to be searched with: its checkpoints and its encoder.

They are copied to the CPU, which takes training as long as that; a thread writes the copy while training goes on.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import torch
from torch import Tensor

from training.data.workers import WorkerLost
from training.engine.background import Background
from training.engine.checkpoint import CheckpointNotWritten, checkpoints, load_last_checkpoint, save_checkpoint
from training.engine.config import RunConfig
from training.engine.distributed import World
from training.engine.sharded import Stateful, full_tensors
from training.engine.state_copy import StateCopy, on_cpu
from training.methods.base import Method
from training.models.errors import UserError
from training.models.run_encoder import write_encoder

SECONDS_TO_SETTLE = 8.0  # a run that fails is to end within 15 s


class Saver:
    """Writes and reads the checkpoints of a run. Every rank calls each method, except save_after.

    ema: the moving average of method's weights, if the run has one. counters: what else a checkpoint holds, as JSON
    values. written: is called when it is known that a checkpoint was written.
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
        written: Callable[[], object] = lambda: None,
    ):
        self.run, self.method, self.ema, self.config, self.world = run, method, ema, config, world
        self.written = written
        self.writing: Background[bool] | None = None
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

    def save(self, step: int, counters: dict[str, Any], required: bool = False) -> None:
        """Copy the encoder and a checkpoint, and have a thread write them; first wait for those before.

        required: no later checkpoint is due, so wait for this one, and UserError if it cannot be written. Else that is
        only said: a disk that is full at one checkpoint may have room at the next.
        """
        self.finish()
        facts, weights = encoder_of(self.method, self.ema)
        encoder = (facts, on_cpu(weights)) if self.world.leads else None
        copy = StateCopy.of(self.state, counters)
        self.writing = Background(lambda: self._write(step, copy, encoder, required))
        if required:
            self.finish()

    def finish(self) -> None:
        """Wait for what is being written. UserError if it cannot be and no later checkpoint is due."""
        writing, self.writing = self.writing, None
        if writing is not None and writing.result():
            self.written()

    def settle(self) -> None:
        """Give what is being written some seconds: the run ends at an error, and loses fewer steps so."""
        writing, self.writing = self.writing, None
        if writing is not None:
            with contextlib.suppress(Exception):
                writing.result(SECONDS_TO_SETTLE)

    def _write(
        self, step: int, copy: StateCopy, encoder: tuple[dict[str, Any], dict[str, Tensor]] | None, required: bool
    ) -> bool:
        """Write the encoder and a checkpoint, and return whether they could be written."""
        world = self.world.for_writer()
        try:
            error = ""
            if encoder is not None:
                try:
                    write_encoder(self.run, *encoder)
                except OSError as failed:
                    error = failed.strerror or str(failed)
            if error := world.gather(error)[0]:
                raise CheckpointNotWritten(error)
            save_checkpoint(self.run, step, copy, world, self.config.keep)
            return True
        except CheckpointNotWritten as why:
            message = f"The checkpoint of step {step} could not be written to {self.run}: {why}."
            if required:
                raise UserError(f"{message} The one before it is whole; make room and resume the run.") from why
            if world.leads:
                click.echo(f"{message} The next is due at step {step + self.config.checkpoint_every}.", err=True)
            return False

    def save_after(self, lost: WorkerLost, step: int, counters: dict[str, Any]) -> None:
        """Save after a worker was lost, and say so in its error, unless other ranks would have to take part."""
        if self.world.size > 1 or not step:
            return
        with contextlib.suppress(UserError):
            self.save(step, counters, required=True)
            lost.args = (f"{lost} The checkpoint of step {step} is written: python -m training resume {self.run}",)


def encoder_of(method: Method, ema: Method | None) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Description and full weights of the encoder that search would load, from the EMA if there is one.

    Every rank must call this.
    """
    facts, module = (ema or method).product()
    return facts, full_tensors(module.state_dict())
