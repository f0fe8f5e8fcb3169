"""The training loop: it calls a method's loss, updates the weights, logs, evaluates and writes checkpoints."""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import torch
from torch import Tensor, nn

from training.data.loader import Batches, LoadedBatch
from training.data.workers import WorkerLost
from training.engine.checkpoint import CheckpointNotWritten, checkpoints, load_last_checkpoint, save_checkpoint
from training.engine.config import RunConfig
from training.engine.distributed import World
from training.engine.finite import FiniteWatch, NotFinite, StoppedBeingFinite, earliest
from training.engine.log import MetricsFile, MetricsSink, Progress, truncate_lines
from training.engine.memory import peak_memory
from training.engine.microbatch import cached_backward, random_state, set_random_state, summed_backward
from training.engine.optim import build_optimizer, set_schedules
from training.engine.prepare import LossModule, compile_loss, prepare_method, synchronised
from training.engine.processor import attention
from training.engine.recovery import Recovery, Snapshot
from training.engine.sharded import Stateful, clip_gradients, full_tensors, gradient_norms, shard
from training.methods.base import Method, Separable
from training.models.console import plain
from training.models.ema import ema_copy, update_ema
from training.models.errors import UserError
from training.models.run_encoder import write_encoder

UNREADABLE = "unreadable.tsv"  # step, path and reason for each image that was replaced by another
DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16}
# Takes the description and the weights of the encoder that search would load, and returns figures.
Evaluate = Callable[[dict[str, Any], dict[str, Tensor]], dict[str, Any]]


class Trainer:
    """One run on this rank.

    name: what errors call the method. run: the run directory, or None to write no files. evaluate: is called with
    the encoder that search would load, every config.evaluate_every steps and at the end. sinks: receive each line
    of metrics.jsonl.
    """

    def __init__(
        self,
        method: Method,
        name: str,
        batches: Batches,
        config: RunConfig,
        world: World,
        run: Path | None = None,
        evaluate: Evaluate | None = None,
        quiet: bool = False,
    ):
        self.config, self.world, self.run, self.evaluate, self.quiet = config, world, run, evaluate, quiet
        self.batches = batches
        self.method = prepare_method(method, name, config, world)
        self.ema = ema_copy(self.method) if config.ema else None
        loss = LossModule(self.method)
        self.unsharded: list[nn.Parameter] = []  # parameters that FSDP leaves whole on each rank
        if config.fsdp:
            self.unsharded = shard(loss, world)
            if self.ema is not None:
                shard(self.ema, world)
        self.optimizer = build_optimizer(self.method, config)
        self.scaler = torch.amp.GradScaler(world.device.type, enabled=config.precision == "f16")
        if config.compile:
            compile_loss(loss)
        self.loss = synchronised(loss, config, world)
        self.step, self.unreadable = 0, 0
        self.accumulated = 0  # batches of the step under way whose gradients are summed already
        dtype = torch.float32 if world.device.type == "mps" else torch.float64
        # Sum and number of the losses since the last line; on the device, so that no step waits for it.
        self.window = torch.zeros(2, dtype=dtype, device=world.device)
        self.finite = FiniteWatch(self.method, world.device, scaled=self.scaler.is_enabled())
        self.recovery = Recovery(config)
        self.sinks: list[MetricsSink] = []

    def train(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Train until the last step, or until stop() is true, and return the number of steps done.

        UserError if the loss becomes NaN or infinite, or if the batches cannot be made: as they say it.
        """
        if self.run is not None and self.world.leads:
            self.sinks = [MetricsFile(self.run / "metrics.jsonl", after=self.step), *self.sinks]
        progress = Progress(self.step, self.config.total_steps, quiet=self.quiet or not self.world.leads)
        try:
            if self.run is not None and self.recovery.action == "rollback" and not checkpoints(self.run):
                self._save(self.run)  # there has to be one to go back to
            while True:
                try:
                    self._train_from_here(progress, stop)
                    return self.step
                except StoppedBeingFinite as error:
                    if self.recovery.action != "rollback" or self.run is None:
                        raise
                    self._roll_back(error.found)
        finally:
            progress.close()
            for sink in self.sinks:
                sink.close()

    def _train_from_here(self, progress: Progress, stop: Callable[[], bool]) -> None:
        """Train until the last step, or until stop() is true."""
        config = self.config
        start, end = (step * config.accumulate + self.recovery.passed_over for step in (self.step, config.total_steps))
        loaded = self.batches.steps(start, end, config.workers or 0)
        waited, started, first = 0.0, time.perf_counter(), self.step
        try:
            while self.step < config.total_steps:
                waited += self._train_step(loaded)
                if self.step % config.log_every == 0 or self.step == config.total_steps:
                    seconds = time.perf_counter() - started
                    rate = (self.step - first) * config.batch_size * config.accumulate / seconds
                    loss = self._log({"seconds": seconds, "images_per_second": rate, "waiting": waited / seconds})
                    progress.show(self.step, loss, rate)
                    waited, started, first = 0.0, time.perf_counter(), self.step
                stopping = self._stop_requested(stop)
                self._evaluate_if_due()
                self._checkpoint_if_due(stopping)
                if stopping:
                    break
        except WorkerLost as lost:
            self._save_after(lost)
            raise
        finally:
            loaded.close()  # an error holds this frame, and with it the workers

    def resume(self) -> int:
        """Load the last checkpoint of the run, if there is one, and return the number of steps done."""
        if self.run is None or not checkpoints(self.run):
            return 0
        folder, counters, damaged = load_last_checkpoint(self.run, self._state(), self.world)
        if damaged and self.world.leads:
            click.echo(f"{' '.join(damaged)} The run goes on from {folder.name}.", err=True)
        self.step, self.unreadable = counters["step"], counters["broken"]
        self.recovery.load(counters)
        self.window.copy_(torch.tensor(counters["window"], dtype=self.window.dtype))
        truncate_lines(self.run / UNREADABLE, lambda line: int(line.partition("\t")[0]) < self.step)
        return self.step

    def _stop_requested(self, stop: Callable[[], bool]) -> bool:
        """Whether stop() is true on any rank; several ranks exchange it only at log steps, since that takes time."""
        if self.world.size == 1:
            return stop()
        return self.step % self.config.log_every == 0 and any(self.world.gather(stop()))

    def _train_step(self, loaded: Iterator[LoadedBatch]) -> float:
        """Do one optimiser step, and return the seconds spent waiting for batches."""
        config = self.config
        self.rate = set_schedules(self.optimizer, self.step, config)
        skip = self.recovery.action == "skip"
        kept = Snapshot([self.window, *self.method.buffers()]) if skip else None
        waited = 0.0
        for self.accumulated in range(config.accumulate):
            before = time.perf_counter()
            batch = next(loaded)
            waited += time.perf_counter() - before
            self._record_unreadable(batch.broken)
            arguments = self._to_device(batch.arguments)
            self.finite.note_inputs(self.step, arguments)
            with attention(self.world.device.type, DTYPES.get(config.precision)):
                loss = self._backward(arguments)
            self.finite.note_loss(self.step, loss)
            self.window[0] += loss
            self.window[1] += 1
        if config.micro_batch:
            self.world.average_gradients(self.method.parameters())
        self.world.average_gradients(self.unsharded)
        self.scaler.unscale_(self.optimizer)  # after the mean, so that an overflow on one rank is seen on all
        self.method.before_step(self.step / config.total_steps)
        norms = gradient_norms(self.method.parameters())
        self.norm = clip_gradients(self.method.parameters(), norms, config.clip_gradients or None)
        self.finite.note_gradients(self.step, loss, self.norm, norms)
        if kept is not None and self._leave_out(kept):
            return waited
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.method.after_step(self.step / config.total_steps)
        if self.ema is not None:
            update_ema(self.ema, self.method, config.ema, copy_buffers=True)
        return waited

    def _backward(self, arguments: tuple[Any, ...]) -> Tensor:
        """Add the gradients of one batch to .grad, and return its loss on this rank."""
        config = self.config
        dtype = DTYPES.get(config.precision)
        autocast = partial(torch.autocast, self.world.device.type, dtype) if dtype else contextlib.nullcontext

        def backward(loss: Tensor) -> None:
            self.scaler.scale(loss / config.accumulate).backward()

        if config.micro_batch and isinstance(self.method, Separable):
            return cached_backward(self.method, arguments, config.micro_batch, autocast, backward)
        if config.micro_batch:
            return summed_backward(self.method, arguments, config.micro_batch, autocast, backward)
        with autocast():
            loss = self.loss(*arguments)
        backward(loss)
        return loss.detach()

    def _to_device(self, arguments: Any) -> Any:
        """The tensors of a batch on this rank's device, images in the memory format of the towers."""
        if isinstance(arguments, Tensor):
            last = arguments.ndim == 4 and self.config.channels_last
            layout = torch.channels_last if last else torch.preserve_format
            return arguments.to(self.world.device, non_blocking=True, memory_format=layout)
        if isinstance(arguments, tuple | list):
            return type(arguments)(self._to_device(part) for part in arguments)
        return arguments

    def _log(self, timing: dict[str, float]) -> float:
        """Write a line of metrics for the steps since the last line, and return their mean loss."""
        mean = self.world.mean({"loss": float(self.window[0] / self.window[1]), "bad": float(self.finite.any())})
        finite = not mean.pop("bad") and not self.recovery.in_a_row
        report = self.method.report() if finite else {}  # no statistics of features that are not finite
        line = (
            mean
            | self.world.mean(report)
            | {
                "step": self.step,
                "epoch": self.step * self.config.accumulate / self.batches.sampler.per_epoch,
                "learning_rate": self.rate,
                "gradient_norm": float(self.norm),
                "unreadable": sum(self.world.gather(self.unreadable)),
                **({} if self.recovery.action == "stop" else {"left_out": self.recovery.left_out}),
                **timing,
                "memory_bytes": peak_memory(self.world.device),
            }
        )
        line = {"step": line.pop("step"), "loss": line.pop("loss"), **line}
        for sink in self.sinks:
            sink.write(line)
        self.window.zero_()
        self._check_finite()
        return line["loss"]

    def _check_finite(self) -> None:
        """StoppedBeingFinite if any step since the start was not finite, of which a line is written."""
        if not self.world.mean({"bad": float(self.finite.any())})["bad"]:
            return
        found = self._found()
        for sink in self.sinks:
            sink.write({"step": self.step, **self.recovery.event(found)})
        raise StoppedBeingFinite(found)

    def _found(self) -> NotFinite:
        """The first on any rank that was not finite; some rank has one."""
        found = earliest(self.world.gather(self.finite.found(self.world.rank)))
        assert found is not None
        return found

    def _leave_out(self, kept: Snapshot) -> bool:
        """Whether the step is not finite on some rank. It then changes nothing but the counters.

        kept: what the forward pass may have changed, as it was. The ranks decide together, so each step waits.
        """
        if not self.world.mean({"bad": float(self.finite.any())})["bad"]:
            self.recovery.in_a_row = 0
            return False
        found = self._found()
        kept.restore()
        self.method.discard_step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.scaler.is_enabled():
            self.scaler.update()
        self.finite.reset()
        self.step += 1
        self._write_event(found, self.recovery.count(found, 1), "The step is left out.")
        return True

    def _roll_back(self, found: NotFinite) -> None:
        """Go back to the last checkpoint, and on from it with batches that come after those used since then."""
        reached, passed_over, in_a_row = self.step, self.recovery.passed_over, self.recovery.in_a_row
        step = self.resume()
        self.recovery.in_a_row = in_a_row
        event = self.recovery.count(found, reached - step)
        self.recovery.passed_over = passed_over + (reached - step) * self.config.accumulate
        self.method.discard_step()
        self.optimizer.zero_grad(set_to_none=True)
        self.finite.reset()
        for sink in self.sinks:
            if isinstance(sink, MetricsFile):
                sink.go_back(step)
        self._write_event(found, event, f"The run goes back to step {step}, and on with the batches after these.")

    def _write_event(self, found: NotFinite, event: dict[str, Any], what: str) -> None:
        for sink in self.sinks:
            sink.write({"step": self.step, **event})
        if self.world.leads and not self.quiet:
            click.echo(f"{found.sentence()} {what}", err=True)

    def _evaluate_if_due(self) -> None:
        """Evaluate every config.evaluate_every steps, and at the end."""
        due = self.config.evaluate_every and self.step % self.config.evaluate_every == 0
        if self.evaluate is None or not (due or self.step == self.config.total_steps):
            return
        self._check_finite()
        facts, weights = self._product()
        if self.world.leads:
            before = random_state()  # evaluation must not change the run
            figures = self.evaluate(facts, weights)
            set_random_state(before)
            for sink in self.sinks:
                sink.write({"step": self.step, "evaluation": figures})
        self.world.wait()

    def _checkpoint_if_due(self, stopping: bool) -> None:
        """Write the encoder and a checkpoint every config.checkpoint_every steps, at the end, and before a stop.

        A disk that is full at one of them may have room at the next; UserError if there is no next.
        """
        config, done = self.config, self.step == self.config.total_steps
        if self.run is None or not (stopping or done or self.step % config.checkpoint_every == 0):
            return
        self._check_finite()  # never save NaN weights
        try:
            self._save(self.run)
            if self.recovery.action == "rollback":
                self.recovery.in_a_row = 0
        except CheckpointNotWritten as error:
            message = f"The checkpoint of step {self.step} could not be written to {self.run}: {error}."
            if stopping or done:
                raise UserError(f"{message} The one before it is whole; make room and resume the run.") from error
            if self.world.leads:
                click.echo(f"{message} The next is due at step {self.step + config.checkpoint_every}.", err=True)

    def _save(self, run: Path) -> None:
        """Write the encoder and a checkpoint. CheckpointNotWritten, on every rank, if rank 0 or another cannot."""
        facts, weights = self._product()
        error = ""
        if self.world.leads:
            try:
                write_encoder(run, facts, weights)
            except OSError as failed:
                error = failed.strerror or str(failed)
        if error := self.world.gather(error)[0]:
            raise CheckpointNotWritten(error)
        counters: dict[str, Any] = {"broken": self.unreadable, "window": self.window.tolist()}
        counters |= self.recovery.counters()
        save_checkpoint(run, self.step, self._state(), counters, self.world, self.config.keep)

    def _save_after(self, lost: WorkerLost) -> None:
        """Save the last finished step, unless other ranks would have to take part or gradients are half summed."""
        if self.run is None or self.world.size > 1 or self.accumulated or not self.step:
            return
        with contextlib.suppress(CheckpointNotWritten):
            self._save(self.run)
            lost.args = (f"{lost} The checkpoint of step {self.step} is written: python -m training resume {self.run}",)

    def _product(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Description and full weights of the encoder that search would load, from the EMA if there is one.

        Every rank must call this.
        """
        facts, module = (self.ema or self.method).product()
        return facts, full_tensors(module.state_dict())

    def _state(self) -> dict[str, Stateful | None]:
        return {"model": self.method, "ema": self.ema, "optimizer": self.optimizer, "scaler": self.scaler}

    def _record_unreadable(self, unreadable: list[list[str]]) -> None:
        """Count images that could not be read, and write their paths and reasons to unreadable.tsv."""
        if not unreadable:
            return
        self.unreadable += len(unreadable)
        if self.run is not None:
            with (self.run / UNREADABLE).open("a", encoding="utf-8") as file:
                file.writelines(f"{self.step}\t{plain(path)}\t{plain(reason)}\n" for path, reason in unreadable)
