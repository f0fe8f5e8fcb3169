"""The training loop: it calls a method's loss, updates the weights, logs, evaluates and writes checkpoints."""

import contextlib
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.data.loader import Batches
from training.data.prefetch import Prefetch, plan_prefetch
from training.data.workers import WorkerLost
from training.engine.config import RunConfig
from training.engine.distributed import World
from training.engine.feed import Feed
from training.engine.finite import StoppedBeingFinite
from training.engine.log import Metrics, MetricsFile, Progress
from training.engine.memory import peak_memory
from training.engine.microbatch import cached_backward, random_state, set_random_state, summed_backward
from training.engine.optim import build_optimizer, set_schedules
from training.engine.prepare import LossModule, compile_loss, prepare_method, synchronised
from training.engine.processor import attention
from training.engine.recovery import Recovery, Snapshot
from training.engine.saving import Saver, encoder_of
from training.engine.sharded import clip_gradients, exchange_dtype, gradient_norms, shard
from training.engine.unreadable import Unreadable
from training.methods.base import Method, Separable
from training.models.ema import ema_copy, update_ema

DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16}
# Takes the description and the weights of the encoder that search would load, and returns figures; on every rank.
Evaluate = Callable[[dict[str, Any], dict[str, Tensor]], dict[str, Any]]


class Trainer:
    """One run on this rank.

    name: what errors call the method. run: the run directory, or None to write no files. evaluate: is called with
    the encoder that search would load, every config.evaluate_every steps and at the end. metrics: where each line
    of metrics.jsonl goes.
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
        self.prefetch = self._prefetch()
        self.method = prepare_method(method, name, config, world)
        self.ema = ema_copy(self.method) if config.ema else None
        loss = LossModule(self.method)
        self.unsharded: list[nn.Parameter] = []  # parameters that FSDP leaves whole on each rank
        if config.fsdp:
            self.unsharded = shard(loss, world, exchange_dtype(world.device, DTYPES.get(config.precision)))
            if self.ema is not None:
                shard(self.ema, world)
        self.optimizer = build_optimizer(self.method, config)
        self.scaler = torch.amp.GradScaler(world.device.type, enabled=config.precision == "f16")
        if config.compile:
            compile_loss(loss)
        self.loss = synchronised(loss, config, world)
        self.step = 0
        self.unreadable = Unreadable(run)
        self.accumulated = 0  # batches of the step under way whose gradients are summed already
        dtype = torch.float32 if world.device.type == "mps" else torch.float64
        # Sum and number of the losses since the last line; on the device, so that no step waits for it.
        self.window = torch.zeros(2, dtype=dtype, device=world.device)
        self.metrics = Metrics()
        self.recovery = Recovery(self.method, self.optimizer, self.scaler, config, world, self.metrics, quiet)
        self.finite = self.recovery.watch
        parts = self.method, self.ema, self.optimizer, self.scaler
        self.saver = Saver(run, *parts, config, world, self.recovery.saved) if run is not None else None

    def train(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Train until the last step, or until stop() is true, and return the number of steps done.

        UserError if the loss becomes NaN or infinite, or if the batches cannot be made: as they say it.
        """
        if self.run is not None and self.world.leads:
            self.metrics.sinks.insert(0, MetricsFile(self.run / "metrics.jsonl", after=self.step))
        progress = Progress(self.step, self.config.total_steps, quiet=self.quiet or not self.world.leads)
        try:
            if self.saver is not None and self.recovery.rolls_back and not self.saver.has_checkpoint():
                self.saver.save(self.step, self._counters(), required=True)  # there has to be one to go back to
            while True:
                try:
                    self._train_from_here(progress, stop)
                    return self.step
                except StoppedBeingFinite as error:
                    if self.saver is None or not self.recovery.rolls_back:
                        raise
                    self.saver.finish()
                    self.recovery.roll_back(error.found, self.step, self.resume)
        except Exception:
            if self.saver is not None:
                self.saver.settle()
            raise
        finally:
            progress.close()
            self.metrics.close()

    def _train_from_here(self, progress: Progress, stop: Callable[[], bool]) -> None:
        """Train until the last step, or until stop() is true."""
        config = self.config
        start, end = (step * config.accumulate + self.recovery.passed_over for step in (self.step, config.total_steps))
        feed = self.feed(start, end)
        waited, started, first = 0.0, time.perf_counter(), self.step
        try:
            while self.step < config.total_steps:
                self._train_step(feed)
                if self.step % config.log_every == 0 or self.step == config.total_steps:
                    seconds = time.perf_counter() - started
                    rate = (self.step - first) * config.batch_size * config.accumulate / seconds
                    waiting = (feed.waited - waited) / seconds
                    loss = self._log({"seconds": seconds, "images_per_second": rate, "waiting": waiting})
                    progress.show(self.step, loss, rate)
                    waited, started, first = feed.waited, time.perf_counter(), self.step
                stopping = self._stop_requested(stop)
                self._evaluate_if_due()
                self._checkpoint_if_due(stopping)
                if stopping:
                    break
        except WorkerLost as lost:
            if self.saver is not None and not self.accumulated:  # else gradients are half summed
                self.saver.save_after(lost, self.step, self._counters())
            raise
        finally:
            feed.close()  # an error holds this frame, and with it the workers

    def feed(self, start: int, stop: int) -> Feed:
        """Batches start..stop-1 of the data order on the device; close it to end the workers."""
        channels_last = self.config.channels_last
        return Feed(
            self.batches.steps(start, stop, self.prefetch), self.batches.arguments, self.world.device, channels_last
        )

    def _prefetch(self) -> Prefetch:
        config, world = self.config, self.world
        size = self.batches.bytes_each() if config.workers else 0
        on_gpu = world.device.type == "cuda"
        return plan_prefetch(size, config.workers or 0, config.prefetch << 20, world.neighbours, pinned=on_gpu)

    def resume(self) -> int:
        """Load the last checkpoint of the run, if there is one, and return the number of steps done."""
        if self.saver is None or not self.saver.has_checkpoint():
            return 0
        counters = self.saver.load()
        self.step = counters["step"]
        self.recovery.load(counters)
        self.window.copy_(torch.tensor(counters["window"], dtype=self.window.dtype))
        self.unreadable.go_back(self.step, counters["broken"])
        return self.step

    def _counters(self) -> dict[str, Any]:
        """What a checkpoint holds beside the weights and the optimiser."""
        return {"broken": self.unreadable.count, "window": self.window.tolist(), **self.recovery.counters()}

    def _stop_requested(self, stop: Callable[[], bool]) -> bool:
        """Whether stop() is true on any rank; several ranks exchange it only at log steps, since that takes time."""
        if self.world.size == 1:
            return stop()
        return self.step % self.config.log_every == 0 and any(self.world.gather(stop()))

    def _train_step(self, feed: Feed) -> None:
        """Do one optimiser step."""
        config = self.config
        self.rate = set_schedules(self.optimizer, self.step, config)
        kept = Snapshot([self.window, *self.method.buffers()]) if self.recovery.skips else None
        for self.accumulated in range(config.accumulate):
            arguments, broken = next(feed)
            self.unreadable.record(self.step, broken)
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
        each = config.clip_by == "parameter"
        self.norm = clip_gradients(self.method.parameters(), norms, config.clip_gradients or None, each)
        self.finite.note_gradients(self.step, loss, self.norm, norms)
        if kept is not None and (found := self.recovery.discard(kept)) is not None:
            self.step += 1
            self.recovery.leave_out(found, self.step)
            return
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.method.after_step(self.step / config.total_steps)
        if self.ema is not None:
            update_ema(self.ema, self.method, config.ema, copy_buffers=True)

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

    def _log(self, timing: dict[str, float]) -> float:
        """Write a line of metrics for the steps since the last line, and return their mean loss."""
        mean = self.world.mean({"loss": float(self.window[0] / self.window[1]), "bad": float(self.finite.any())})
        finite = not mean.pop("bad") and not self.recovery.in_a_row
        # No statistics of features that are not finite; of rank 0's only, since they need a decomposition.
        report = self.method.report() if finite and self.world.leads else {}
        line = (
            mean
            | report
            | {
                "step": self.step,
                "epoch": self.step * self.config.accumulate / self.batches.sampler.per_epoch,
                "learning_rate": self.rate,
                "gradient_norm": float(self.norm),
                "unreadable": sum(self.world.gather(self.unreadable.count)),
                **self.recovery.figures(),
                **timing,
                "memory_bytes": peak_memory(self.world.device),
            }
        )
        line = {"step": line.pop("step"), "loss": line.pop("loss"), **line}
        self.metrics.write(line)
        self.window.zero_()
        self.recovery.check(self.step)
        return line["loss"]

    def _evaluate_if_due(self) -> None:
        """Evaluate every config.evaluate_every steps, and at the end."""
        due = self.config.evaluate_every and self.step % self.config.evaluate_every == 0
        if self.evaluate is None or not (due or self.step == self.config.total_steps):
            return
        self.recovery.check(self.step)
        facts, weights = encoder_of(self.method, self.ema)
        before = random_state()  # evaluation must not change the run
        figures = self.evaluate(facts, weights)  # every rank embeds its share of the images
        set_random_state(before)
        self.metrics.write({"step": self.step, "evaluation": figures})
        self.world.wait()

    def _checkpoint_if_due(self, stopping: bool) -> None:
        """Save the encoder and a checkpoint every config.checkpoint_every steps, at the end, and before a stop.

        UserError if the last of them cannot be written.
        """
        config, done = self.config, self.step == self.config.total_steps
        if self.saver is None or not (stopping or done or self.step % config.checkpoint_every == 0):
            return
        self.recovery.check(self.step)  # never save NaN weights
        self.saver.save(self.step, self._counters(), required=stopping or done)
