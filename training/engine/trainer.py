"""The one training loop. It knows no method: it takes the loss, moves the weights, and keeps everything that moves."""

import contextlib
import math
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from training.data.loader import Batches, LoadedBatch
from training.engine.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from training.engine.config import RunConfig
from training.engine.distributed import World
from training.engine.log import MetricsFile, Progress, keep_lines
from training.engine.microbatch import (
    cached_backward,
    random_state,
    refuse_inexact,
    set_random_state,
    summed_backward,
)
from training.engine.optim import build_optimizer, set_schedules
from training.engine.processor import attention, keep_freed_memory
from training.engine.sharded import clip_gradients, refuse_unsharded, share, whole
from training.models.console import plain
from training.models.ema import ema_copy, update_ema
from training.models.errors import UserError
from training.models.norms import make_norms_global
from training.models.run_encoder import write_encoder

UNREADABLE = "unreadable.tsv"  # step, path and reason of each image that another stood in for
DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16}
Evaluate = Callable[[dict[str, Any], dict[str, Tensor]], dict[str, Any]]  # facts and weights of the product


class Writer(Protocol):
    """Somewhere that lines of numbers go."""

    def write(self, line: dict[str, Any]) -> None: ...

    def close(self) -> None: ...


class Trainer:
    """One run on this rank.

    method: a training.methods.base.Method. name: what to call it in errors. run: its directory, or None
    to keep nothing. writers: where lines go beside metrics.jsonl. evaluate: figures of what search
    would load, every config.evaluate_every steps and at the end.
    """

    def __init__(
        self,
        method: Any,
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
        if world.device.type == "cpu":
            keep_freed_memory()
        last = config.channels_last and not config.fsdp  # which takes weights that lie in order only
        layout = torch.channels_last if last else torch.contiguous_format
        self.method = method.to(world.device, memory_format=layout).train()
        if world.size > 1:
            make_norms_global(self.method)
        if config.micro_batch:
            refuse_inexact(self.method, name)
        if config.fsdp:
            refuse_unsharded(config, world)
        if config.checkpoint_gradients:
            checkpoint_activations(self.method, name)
        self.average = ema_copy(self.method) if config.ema else None
        self.loss: nn.Module = _Loss(self.method)
        self.alone: list[nn.Parameter] = []  # weights that stay whole where the others are shared out
        if config.fsdp:
            self.alone = share(self.loss, world)
            if self.average is not None:
                share(self.average, world)
        self.optimizer = build_optimizer(self.method, config)
        self.scaler = torch.amp.GradScaler(world.device.type, enabled=config.precision == "f16")
        if config.compile:
            self.loss.compile()
            if hasattr(self.method, "embed"):
                self.method.embed = torch.compile(self.method.embed)
        if world.size > 1 and not config.micro_batch and not config.fsdp:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # the new name of the setting is not in torch 2.6
                self.loss = nn.parallel.DistributedDataParallel(self.loss, broadcast_buffers=False)
        self.step, self.broken = 0, 0
        exact = torch.float32 if world.device.type == "mps" else torch.float64
        # The sum of losses since the last line, and of how many: it stays on the device, which need not wait for us.
        self.window = torch.zeros(2, dtype=exact, device=world.device)
        self.writers: list[Writer] = []

    def train(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Go on until all steps are done, or stop() says so; the number of steps done comes back.

        UserError if the loss stops being a number.
        """
        config = self.config
        if self.run is not None and self.world.leads:
            self.writers = [MetricsFile(self.run / "metrics.jsonl", after=self.step), *self.writers]
        progress = Progress(self.step, config.total_steps, quiet=self.quiet or not self.world.leads)
        loaded = self.batches.steps(
            self.step * config.accumulate, config.total_steps * config.accumulate, config.workers or 0
        )
        waited, begun, since = 0.0, time.perf_counter(), self.step
        try:
            while self.step < config.total_steps:
                waited += self._one(loaded)
                if self.step % config.log_every == 0 or self.step == config.total_steps:
                    seconds = time.perf_counter() - begun
                    rate = (self.step - since) * config.batch_size * config.accumulate / seconds
                    loss = self._log({"seconds": seconds, "images_per_second": rate, "waiting": waited / seconds})
                    progress.show(self.step, loss, rate)
                    waited, begun, since = 0.0, time.perf_counter(), self.step
                asked = self._asked(stop)
                self._keep(asked)
                if asked:
                    break
        finally:
            progress.close()
            for writer in self.writers:
                writer.close()
        return self.step

    def resume(self) -> int:
        """Put back the last checkpoint of the run, if it has one; the number of steps done comes back."""
        if self.run is None or not (found := checkpoints(self.run)):
            return 0
        small = load_checkpoint(found[-1], self._state(), self.world)
        self.step, self.broken = small["step"], small["broken"]
        self.window.copy_(torch.tensor(small["window"], dtype=self.window.dtype))
        keep_lines(self.run / UNREADABLE, lambda line: int(line.partition("\t")[0]) < self.step)
        return self.step

    def _asked(self, stop: Callable[[], bool]) -> bool:
        """Whether any rank is asked to stop; several ranks agree on it only now and then, since it takes a message."""
        if self.world.size == 1:
            return stop()
        return self.step % self.config.log_every == 0 and any(self.world.gather(stop()))

    def _one(self, loaded: Iterator[LoadedBatch]) -> float:
        """One optimiser step; the seconds spent waiting for batches come back."""
        config = self.config
        rate = set_schedules(self.optimizer, self.step, config)
        waited = 0.0
        for _ in range(config.accumulate):
            before = time.perf_counter()
            batch = next(loaded)
            waited += time.perf_counter() - before
            self._note_broken(batch.broken)
            with attention(self.world.device.type, DTYPES.get(config.precision)):
                loss = self._backward(self._here(batch.arguments))
            self.window[0] += loss
            self.window[1] += 1
        self.rate = rate
        self.scaler.unscale_(self.optimizer)
        if config.micro_batch:
            self.world.average_gradients(self.method.parameters())
        self.world.average_gradients(self.alone)
        self.method.before_step(self.step / config.total_steps)
        clip = clip_gradients if config.fsdp else nn.utils.clip_grad_norm_
        self.norm = clip(self.method.parameters(), config.clip_gradients or math.inf)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.method.after_step(self.step / config.total_steps)
        if self.average is not None:
            update_ema(self.average, self.method, self.config.ema, copy_buffers=True)
        return waited

    def _backward(self, arguments: tuple[Any, ...]) -> Tensor:
        """Add the gradients of one batch to .grad; its loss on this rank comes back."""
        config = self.config
        dtype = DTYPES.get(config.precision)
        autocast = partial(torch.autocast, self.world.device.type, dtype) if dtype else contextlib.nullcontext

        def backward(loss: Tensor) -> None:
            self.scaler.scale(loss / config.accumulate).backward()

        if config.micro_batch:
            pieces = cached_backward if hasattr(self.method, "objective") else summed_backward
            return pieces(self.method, arguments, config.micro_batch, autocast, backward)
        with autocast():
            loss = self.loss(*arguments)
        backward(loss)
        return loss.detach()

    def _here(self, thing: Any) -> Any:
        """A batch's tensors on this rank's device, images laid out as the towers are."""
        if isinstance(thing, Tensor):
            layout = torch.channels_last if thing.ndim == 4 and self.config.channels_last else torch.preserve_format
            return thing.to(self.world.device, non_blocking=True, memory_format=layout)
        return type(thing)(self._here(part) for part in thing) if isinstance(thing, tuple | list) else thing

    def _log(self, clock: dict[str, float]) -> float:
        """Write a line of what happened since the last; the mean loss comes back."""
        report = {"loss": float(self.window[0] / self.window[1]), **self.method.report()}
        if self.world.device.type == "cuda":
            clock["memory_bytes"] = torch.cuda.max_memory_allocated()
        else:  # the most that this process ever held; kilobytes, but for macOS
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            clock["memory_bytes"] = most if sys.platform == "darwin" else most * 1024
        line = self.world.mean(report) | {
            "step": self.step,
            "epoch": self.step * self.config.accumulate / self.batches.sampler.per_epoch,
            "learning_rate": self.rate,
            "gradient_norm": float(self.norm),
            "unreadable": sum(self.world.gather(self.broken)),
            **clock,
        }
        line = {"step": line.pop("step"), "loss": line.pop("loss"), **line}
        for writer in self.writers:
            writer.write(line)
        self.window.zero_()
        self._check(line["loss"])
        return line["loss"]

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise UserError(
                f"The loss stopped being a number by step {self.step}; a lower --learning-rate, a longer --warmup or "
                f"--clip-gradients 1 helps, and --precision bf16 where it was f16."
            )

    def _keep(self, asked: bool) -> None:
        """Evaluate and write a checkpoint if it is time, or if the run is asked to stop."""
        config, done = self.config, self.step == self.config.total_steps
        due = config.evaluate_every and self.step % config.evaluate_every == 0
        if self.evaluate is not None and (due or done):
            facts, weights = self._product()
            if self.world.leads:
                before = random_state()  # measuring leaves no trace in the run
                figures = self.evaluate(facts, weights)
                set_random_state(before)
                for writer in self.writers:
                    writer.write({"step": self.step, "evaluation": figures})
            self.world.wait()
        if self.run is not None and (asked or done or self.step % config.checkpoint_every == 0):
            small: dict[str, Any] = {"broken": self.broken, "window": self.window.tolist()}
            self._check(self.world.mean({"loss": small["window"][0]})["loss"])  # what is kept must be worth keeping
            facts, weights = self._product()
            if self.world.leads:
                write_encoder(self.run, facts, weights)
            save_checkpoint(self.run, self.step, self._state(), small, self.world, config.keep)

    def _product(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """What search would load: facts, and whole weights, of their average if one is kept. Every rank must ask."""
        facts, module = (self.average or self.method).product()
        return facts, whole(module.state_dict())

    def _state(self) -> dict[str, Any]:
        return {"model": self.method, "ema": self.average, "optimizer": self.optimizer, "scaler": self.scaler}

    def _note_broken(self, broken: list[list[str]]) -> None:
        """Count and name images that could not be read."""
        if not broken:
            return
        self.broken += len(broken)
        if self.run is not None:
            with (self.run / UNREADABLE).open("a") as file:
                file.writelines(f"{self.step}\t{plain(path)}\t{plain(reason)}\n" for path, reason in broken)


class _Loss(nn.Module):
    """method.loss as a forward pass, which is what DDP and torch.compile take."""

    def __init__(self, method: Any):
        super().__init__()
        self.method = method

    def forward(self, *arguments: Any) -> Tensor:
        return self.method.loss(*arguments)


def checkpoint_activations(method: nn.Module, name: str) -> None:
    """Have towers compute activations again in the backward pass. UserError if none can."""
    able: list[Any] = [module for module in method.modules() if hasattr(module, "set_grad_checkpointing")]
    for module in able:
        module.set_grad_checkpointing(True)
    if not able:
        raise UserError(f"The towers of {name} cannot compute activations again; leave --checkpoint-gradients out.")
