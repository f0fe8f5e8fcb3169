"""One run's settings: what they are, where each came from, and whether they can be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from training.models.errors import UserError
from training.models.knobs import knob
from training.models.parallel import cores

CONFIG = "config.json"  # of a run directory: what the run is
PRECISIONS = ("f32", "bf16", "f16")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One pretraining run. Saved in config.json beside the weights it produced."""

    batch_size: int = knob(256, "images per optimiser step, over all ranks, before they become views")
    micro_batch: int = knob(0, "images per pass through the towers; the step stays that of the whole batch, exactly")
    accumulate: int = knob(1, "batches whose gradients are averaged into one step (negatives stay within a batch)")
    epochs: float = knob(10.0, "passes over the data")
    steps: int | None = knob(None, "optimiser steps, in the place of epochs")
    optimizer: str = knob("adamw", "what moves the weights", ("adamw", "sgd", "lars"))
    learning_rate: float = knob(1e-3, "peak rate")
    rate_scaling: str = knob("none", "how the rate grows with batch_size / 256", ("none", "linear", "sqrt"))
    final_rate: float = knob(0.0, "where the cosine ends, as a fraction of the peak")
    warmup: float = knob(0.05, "fraction of all steps over which the rate climbs from zero")
    weight_decay: float = knob(0.1, "pull of the weights towards zero; never on biases, gains, temperatures, positions")
    final_weight_decay: float | None = knob(None, "where the weight decay's cosine ends; left out, it stays")
    beta1: float = knob(0.9, "AdamW's memory of gradients; momentum of SGD and LARS")
    beta2: float = knob(0.98, "AdamW's memory of squared gradients")
    epsilon: float = knob(1e-6, "AdamW's guard against division by nothing")
    clip_gradients: float | None = knob(None, "longest gradient over all weights")
    ema: float = knob(0.0, "decay of an average of the weights that is kept and evaluated; 0 for none, 0.999 is usual")
    precision: str = knob("f32", "of activations; weights and losses stay f32", PRECISIONS)
    channels_last: bool = knob(True, "lay images out as convolutions like them")
    compile: bool = knob(False, "let torch.compile fuse the towers (minutes at the start, needs a C++ compiler)")
    checkpoint_gradients: bool = knob(False, "compute activations again in the backward pass: less memory, more time")
    fsdp: bool = knob(False, "share weights and optimiser out among the ranks of torchrun (FSDP2): less memory")
    seed: int = knob(0, "of weights, order, augmentation and dropout")
    workers: int | None = knob(None, "processes that prepare batches; left out, by the number of processors")
    device: str = knob("auto", "what computes", ("auto", "cpu", "cuda", "mps"))
    log_every: int = knob(10, "steps between lines of metrics.jsonl")
    checkpoint_every: int = knob(500, "steps between checkpoints; the end always is one")
    keep: int = knob(3, "checkpoints that are kept")
    evaluate_every: int = knob(
        0, "steps between evaluations; the end always is one if there is something to evaluate on"
    )

    def __post_init__(self) -> None:
        least = {"batch_size": 2, "micro_batch": 0, "accumulate": 1, "log_every": 1, "checkpoint_every": 1, "keep": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise UserError(f"{name} is {getattr(self, name)}; it must be at least {low}.")
        if not 0 <= self.warmup < 1:
            raise UserError(f"warmup is {self.warmup:g}; it is a fraction of the run, 0.05 means 5%.")
        if not 0 <= self.ema < 1:
            raise UserError(f"ema is {self.ema:g}; it is a decay from 0 (none) to just below 1, such as 0.999.")
        if self.learning_rate <= 0:
            raise UserError(f"learning_rate is {self.learning_rate:g}; it must be above 0.")
        if (self.steps is not None and self.steps < 1) or self.epochs <= 0:
            raise UserError(f"A run of {self.steps if self.steps is not None else self.epochs:g} has nothing to do.")
        if self.micro_batch and self.batch_size % self.micro_batch:
            raise UserError(
                f"A batch of {self.batch_size} cannot be cut into micro-batches of {self.micro_batch}; "
                f"choose a --micro-batch that divides it."
            )
        for field in fields(self):
            choices, value = field.metadata["choices"], getattr(self, field.name)
            if choices and value not in choices:
                raise UserError(f"{field.name} is {value!r}; choose from {', '.join(choices)}.")

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run, once resolved."""
        if self.steps is None:
            raise ValueError("the number of steps is known once the data is: resolve() says it")
        return self.steps

    @property
    def peak_rate(self) -> float:
        """The learning rate after scaling."""
        ratio = self.batch_size * self.accumulate / 256
        return self.learning_rate * {"none": 1.0, "linear": ratio, "sqrt": ratio**0.5}[self.rate_scaling]


def resolve(
    user: Mapping[str, Any], recipe: Mapping[str, Any], images: int, ranks: int = 1
) -> tuple[RunConfig, dict[str, str]]:
    """The settings of a run and where each came from: the user, the method's paper, the data, or the default.

    user: what was asked for. recipe: what the method's paper says. images: of all sources together.
    """
    names = {field.name for field in fields(RunConfig)}
    strange = (set(user) | set(recipe)) - names
    if strange:
        raise ValueError(f"RunConfig has no {', '.join(sorted(strange))}")
    origins = {name: "user" if name in user else "paper" if name in recipe else "default" for name in names}
    config = RunConfig(**{**recipe, **user})
    if config.batch_size % ranks:
        raise UserError(f"A batch of {config.batch_size} cannot be shared by {ranks} ranks; choose a multiple of it.")
    if config.micro_batch and config.batch_size // ranks % config.micro_batch:
        raise UserError(
            f"The {config.batch_size // ranks} images of a rank cannot be cut into micro-batches of "
            f"{config.micro_batch}; choose a --micro-batch that divides them."
        )
    if config.steps is None:
        per_epoch = max(1, images // (config.batch_size * config.accumulate))
        config = replace(config, steps=max(1, round(config.epochs * per_epoch)))
        origins["steps"] = f"data: {config.epochs:g} epochs of {per_epoch}"
    if config.workers is None:
        config = replace(config, workers=min(8, max(1, cores() // 2 // ranks)))
        origins["workers"] = "machine"
    return config, origins


def read_config(run: Path) -> dict[str, Any]:
    """A run's config.json. UserError if there is none, or it is not of this version."""
    try:
        document = json.loads((run / CONFIG).read_text())
        if set(document["run"]) - {field.name for field in fields(RunConfig)}:
            raise ValueError("another version")
        return document
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{run} is no run of python -m training: its {CONFIG} is missing or cannot be read.") from error
