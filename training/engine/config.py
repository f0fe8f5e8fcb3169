"""The settings of a run, their validation, and the origin of each value."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from training.engine.distributed import ALONE, World, has_bf16
from training.models.errors import UserError
from training.models.knobs import COUNT, NONE_OR_MORE, POSITIVE, SHARE, Knobs, Range, knob

CONFIG = "config.json"  # in a run directory
PRECISIONS = ("auto", "f32", "bf16", "f16")
SEED = Range(least=0, below=2**63)  # what torch and numpy take
CLIP_BY = ("all", "parameter")


@dataclass(frozen=True, kw_only=True)
class RunConfig(Knobs):
    """One pretraining run. Saved in config.json beside the weights it produced."""

    batch_size: int = knob(
        256, "images per optimiser step over all ranks; several views of an image count once", range=Range(least=2)
    )
    micro_batch: int = knob(
        0, "images per forward pass; gradients stay exactly those of the whole batch; 0 disables it", range=NONE_OR_MORE
    )
    accumulate: int = knob(
        1, "batches whose gradients are averaged into one step; negatives come from one batch only", range=COUNT
    )
    epochs: float = knob(10.0, "epochs: passes over the data", range=POSITIVE)
    steps: int | None = knob(None, "optimiser steps; replaces --epochs", range=COUNT)
    optimizer: str = knob("adamw", "optimiser", ("adamw", "sgd", "lars"))
    learning_rate: float = knob(
        1e-3,
        "peak learning rate; sgd and lars have, if it is not given, their papers', times batch size / 256",
        range=POSITIVE,
    )
    rate_scaling: str = knob("none", "scaling of the learning rate with batch size / 256", ("none", "linear", "sqrt"))
    final_rate: float = knob(0.0, "final learning rate of the cosine schedule, as a fraction of the peak", range=SHARE)
    warmup: float = knob(
        0.05, "fraction of all steps in which the learning rate rises linearly from zero", range=Range(least=0, below=1)
    )
    weight_decay: float = knob(
        0.1, "weight decay; not applied to biases, gains, temperatures and position embeddings", range=NONE_OR_MORE
    )
    final_weight_decay: float | None = knob(
        None, "final weight decay of a cosine schedule [default: constant]", range=NONE_OR_MORE
    )
    beta1: float = knob(0.9, "beta1 of AdamW; momentum of SGD and LARS", range=Range(least=0, below=1))
    beta2: float = knob(0.98, "beta2 of AdamW", range=Range(least=0, below=1))
    epsilon: float = knob(1e-6, "epsilon of AdamW", range=NONE_OR_MORE)
    clip_gradients: float | None = knob(None, "maximum gradient norm [default: no clipping]", range=POSITIVE)
    clip_by: str = knob(
        "all", "what --clip-gradients limits: the norm over all parameters, or that of each parameter", CLIP_BY
    )
    on_nan: str = knob(
        "stop",
        "what follows a loss or gradient that is NaN or infinite: stop; skip, which leaves the step out; rollback, to "
        "the last checkpoint and on with the batches after those used since then",
        ("stop", "skip", "rollback"),
    )
    nan_limit: int = knob(
        10,
        "steps that --on-nan skips in a row, or rollbacks to one checkpoint, before the run stops",
        range=NONE_OR_MORE,
    )
    ema: float = knob(
        0.0,
        "decay of an EMA of the weights, which is saved and evaluated; 0 disables it, 0.999 is common",
        range=Range(least=0, below=1),
    )
    precision: str = knob(
        "auto",
        "precision of activations; weights and losses stay f32; auto is bf16 on a GPU that has it, else f32",
        PRECISIONS,
    )
    tf32: bool = knob(True, "let an NVIDIA GPU round the factors of f32 products to 11 bits, which is faster")
    augment_on: str = knob(
        "auto",
        "where images are augmented: cpu, by the data loader's workers; device, in batches; auto is device on a GPU",
        ("auto", "cpu", "device"),
    )
    decode_on: str = knob(
        "cpu",
        "where JPEGs are decoded that no cache holds: cpu, by the data loader's workers; device, by an NVIDIA GPU "
        "(nvJPEG) if torchvision has it and images are augmented there",
        ("cpu", "device"),
    )
    channels_last: bool = knob(True, "use the channels_last memory format")
    compile: bool = knob(False, "use torch.compile (takes minutes at the start, needs a C++ compiler)")
    checkpoint_gradients: bool = knob(False, "gradient checkpointing: less memory, more time")
    fsdp: bool = knob(False, "shard weights and optimiser state over the ranks of torchrun (FSDP2)")
    seed: int = knob(0, "random seed of weights, data order, augmentation and dropout", range=SEED)
    workers: int | None = knob(None, "data loader processes [default: by the number of cores]", range=NONE_OR_MORE)
    prefetch: int = knob(
        4096,
        "most megabytes of batches that workers prepare in advance; never over half of what /dev/shm has free",
        range=COUNT,
    )
    device: str = knob("auto", "device", ("auto", "cpu", "cuda", "mps"))
    log_every: int = knob(10, "steps between lines of metrics.jsonl", range=COUNT)
    checkpoint_every: int = knob(500, "steps between checkpoints; the last step always writes one", range=COUNT)
    keep: int = knob(3, "number of latest checkpoints to keep", range=COUNT)
    evaluate_every: int = knob(0, "steps between evaluations; 0 evaluates only at the end", range=NONE_OR_MORE)
    report: bool = knob(True, "write report.html when the run ends")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.micro_batch and self.batch_size % self.micro_batch:
            raise UserError(
                f"A batch of {self.batch_size} cannot be cut into micro-batches of {self.micro_batch}; "
                f"choose a --micro-batch that divides it."
            )

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run, once resolved."""
        if self.steps is None:
            raise ValueError("the number of steps depends on the data; call resolve() first")
        return self.steps

    @property
    def peak_rate(self) -> float:
        """The learning rate after scaling."""
        ratio = self.batch_size * self.accumulate / 256
        return self.learning_rate * {"none": 1.0, "linear": ratio, "sqrt": ratio**0.5}[self.rate_scaling]


def resolve(
    user: Mapping[str, Any], papers: Mapping[str, Mapping[str, Any]], images: int, world: World = ALONE
) -> tuple[RunConfig, dict[str, str]]:
    """The settings of a run and the origin of each: the user, a paper, the data, the machine, or the default.

    user: settings given by the user. papers: settings by their origin, of which the first counts
    (`Method.papers`). images: number over all sources. A paper's scaling of the learning rate is part of its learning
    rate, and does not apply to one that the user gives. Every rank calls this.
    """
    ranks = world.size
    names = {field.name for field in fields(RunConfig)}
    if "learning_rate" in user:
        papers = {origin: {n: v for n, v in of.items() if n != "rate_scaling"} for origin, of in papers.items()}
    layers = {"user": user, **papers}
    unknown = {name for of in layers.values() for name in of} - names
    if unknown:
        raise ValueError(f"RunConfig has no {', '.join(sorted(unknown))}")
    origins = {name: next((origin for origin, of in layers.items() if name in of), "default") for name in names}
    config = RunConfig(**{name: layers[origin][name] for name, origin in origins.items() if origin != "default"})
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
    of_machine = _of_machine(config, world)
    origins |= dict.fromkeys(of_machine, "machine")
    return replace(config, **of_machine), origins


def _of_machine(config: RunConfig, world: World) -> dict[str, Any]:
    """The settings that the machine decides, where neither the user nor the paper does."""
    on_gpu, chosen = world.device.type == "cuda", dict[str, Any]()
    if config.precision == "auto":
        chosen["precision"] = "bf16" if on_gpu and has_bf16() else "f32"
    if config.augment_on == "auto":
        chosen["augment_on"] = "device" if on_gpu else "cpu"
    if config.augment_on == "device" and world.device.type == "mps":
        raise UserError("--augment-on device needs a CPU or an NVIDIA GPU, and this is mps; leave it out.")
    if config.workers is None:
        each = world.cores_each()  # a GPU leaves all but the core that starts its work
        chosen["workers"] = max(1, each - 1 if on_gpu else each // 2)
    return chosen


def read_config(run: Path) -> dict[str, Any]:
    """The config.json of a run. UserError if it is missing or of another version."""
    try:
        document = json.loads((run / CONFIG).read_text(encoding="utf-8"))
        if set(document["run"]) - {field.name for field in fields(RunConfig)}:
            raise ValueError("another version")
        return document
    except (OSError, ValueError, KeyError, TypeError) as error:
        inside = next((place for place in run.absolute().parents if (place / CONFIG).is_file()), None)
        hint = "" if inside is None else f" It is inside of the run {os.path.relpath(inside)}; name that."
        raise UserError(
            f"{run} is not a run of python -m training: its {CONFIG} is missing or cannot be read.{hint}"
        ) from error
