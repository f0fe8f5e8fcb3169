"""Start or resume a pretraining run from its settings: `python -m training METHOD` and `resume` call this module.

It is the only module that combines methods, towers, data and the engine.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from training.data import gpu_jpeg
from training.data.config import DataConfig
from training.data.dataset import ImageDataset
from training.data.labels import ClassColumn
from training.data.loader import Batches
from training.data.sampler import Sampler
from training.data.sources import open_source
from training.engine.checkpoint import last_step
from training.engine.config import CONFIG, RunConfig, read_config, resolve
from training.engine.distributed import World
from training.engine.failures import failures_as_sentences, joined
from training.engine.log import LOGGERS, check_loggers
from training.engine.machine import described
from training.engine.trainer import Evaluate, Trainer
from training.methods import METHODS
from training.methods.base import Method
from training.models.atomic import write_file
from training.models.backbones import build_backbone
from training.models.dual_encoders import build_dual_encoder
from training.models.errors import UserError
from training.models.file_lock import lock_folder
from training.models.knobs import check_values
from training.models.norms import make_norms_global
from training.models.ranks import one_first
from training.models.registry import pick
from training.resuming import Changes, check_length, with_overrides
from training.run_directory import check_new, write_config

OF_EARLIER_RUNS = {"clip_by": "all"}  # settings of RunConfig that the config.json of earlier versions lacks


ASPECT = 1.5  # of photographs; a square crop has the full resolution along the longer side too
MOST_ENLARGED = 2.0  # canvas over tower; a canvas for the smallest crops at full resolution would take five times
MULTIPLE = 8  # pixels


@dataclass(frozen=True)
class RunPlan:
    """A run before it starts: the contents of config.json, and the method and batches made from them.

    settings: the method's Config. origins: the origin of each setting. fingerprint: of the data with its times
    and places. content: without these, "" if it was not asked for.
    """

    method_name: str
    data: DataConfig
    run: RunConfig
    settings: Any
    origins: Mapping[str, str]
    method: Method
    batches: Batches
    fingerprint: str
    content: str = ""

    def document(self) -> dict[str, Any]:
        """The contents of config.json."""
        return {
            "method": self.method_name,
            "data": asdict(self.data),
            "run": asdict(self.run),
            "settings": asdict(self.settings),
            "origins": dict(self.origins),
            "images": len(self.batches.images),
            "data_fingerprint": self.fingerprint,
            "data_content": self.content,
            "torch": torch.__version__,
        }


def plan(
    method_name: str,
    data: DataConfig,
    user: Mapping[str, Any],
    settings: Mapping[str, Any],
    world: World,
    given: Mapping[str, str] = MappingProxyType({}),
) -> RunPlan:
    """Build the method and the batches of a run.

    user: given settings of RunConfig. settings: the method's own. given: where these and those of data come from, for
    the record; "user" for those that it lacks.
    """
    method_class = pick("method", method_name, METHODS)
    check_values(RunConfig, user)  # before the data is listed, which may take minutes
    check_values(method_class.Config, settings)
    check_loggers(data.logger)
    torch.manual_seed(int(user.get("seed", 0)))  # the same weights on every rank
    if method_class.needs_captions:
        tower: Any = build_dual_encoder(data.tower, data.text_tower, data.image_size, patch_dropout=data.patch_dropout)
        size = tower.backbone.image_size
    else:
        tower = build_backbone(data.tower, data.image_size)
        size = tower.image_size
    classes = ClassColumn(data.label_column, data.class_depth)
    with one_first():  # it indexes shards, and the others read the index
        images = ImageDataset(data.data, size, data.caption, method_class.needs_captions, classes, data.tables)
    run, origins = resolve(user, method_class.papers(user.get("optimizer")), len(images), world)
    from_data = {"classes": len(images.classes)}  # settings of a method that the data determines
    names = {field.name for field in fields(method_class.Config)}
    from_data = {name: value for name, value in from_data.items() if name in names and name not in settings}
    config = method_class.Config(**from_data, **settings)
    images.canvas = data.canvas or canvas_for(size, config, images.longest_side())
    with one_first():
        images.cache_pixels(most=data.cache << 20)
    images.jpegs_for_gpu = (
        run.decode_on == run.augment_on == "device" and images.cache is None and gpu_jpeg.works_on(world.device)
    )
    method = method_class(tower, config)
    method.see_data(images)
    if world.size > 1:
        make_norms_global(method)
    torch.manual_seed(run.seed + world.rank)  # dropout differs from rank to rank
    window = images.window(data.shuffle_window, data.cache << 20)
    asked, data = data, replace(data, shuffle_window=window, canvas=images.canvas)
    derived = [*from_data, *(name for name, value in asdict(data).items() if value != getattr(asked, name))]
    origins |= origins_of(asked) | origins_of(config) | dict.fromkeys(derived, "data") | dict(given)
    blocks = [part.block_ends() for part in images.parts] if window else []
    sampler = Sampler(images.sizes, run.batch_size, run.seed, data.weights or None, blocks, window)
    images.parts_held = sampler.blocks_held
    on_cpu = run.augment_on == "cpu"
    batches = Batches(images, sampler, method.augment, run.seed, world.rank, world.size, augmented=on_cpu)
    return RunPlan(method_name, data, run, config, origins, method, batches, images.fingerprint())


def origins_of(config: Any) -> dict[str, str]:
    """The origin of each setting of a config, as far as its value tells."""
    return {
        field.name: "default" if getattr(config, field.name) == field.default else "user" for field in fields(config)
    }


def canvas_for(size: int, config: Any, longest: int) -> int:
    """The side in pixels of the square that images are resized to: what crops need, but not more than images have.

    size: of the tower's input. config: of the method, whose smallest crop decides. longest: side of the images.
    """
    crops = [getattr(config, name) for name in ("crop", "view_crop") if hasattr(config, name)]
    needed = size * min(MOST_ENLARGED, (ASPECT / min(crops, default=1.0)) ** 0.5)
    return max(MULTIPLE, min(math.ceil(needed / MULTIPLE) * MULTIPLE, longest or size))


def begin(
    out: Path | None,
    method_name: str,
    data: DataConfig,
    user: Mapping[str, Any],
    settings: Mapping[str, Any],
    evaluate: Evaluate | None = None,
    stop: Callable[[], bool] = lambda: False,
    quiet: bool = False,
    origins: Mapping[str, str] = MappingProxyType({}),
) -> Trainer:
    """Train a new run from its first step to its last. UserError if `out` already holds a run.

    origins: where the given settings come from, for config.json.
    """
    with joined(str(user.get("device", "auto"))) as world:
        out = world.gather(out)[0]  # rank 0 decides: other ranks may find another name free
        if out is not None and world.leads:
            check_new(out)
        planned = plan(method_name, data, user, settings, world, origins)
        if out is not None and world.leads:
            planned = replace(planned, content=planned.batches.images.content())
            write_config(out, planned.document())
        world.wait()
        return _train(planned, out, world, evaluate, stop, quiet)


def resume(
    run: Path,
    evaluate: Evaluate | None = None,
    stop: Callable[[], bool] = lambda: False,
    quiet: bool = False,
    changes: Changes | None = None,
) -> Trainer:
    """Resume a run from its last checkpoint, with the settings and data that it was started with.

    changes: the settings that are to be others from here on; config.json keeps what they were. UserError if the data
    is other data.
    """
    before = read_config(run)
    document = (changes or Changes()).applied(before)
    settings = OF_EARLIER_RUNS | document["run"]
    with joined(settings["device"]) as world:
        settings["fsdp"] = settings.get("fsdp", False) and world.size > 1  # nothing to shard on one rank
        data = data_of(document)
        with _data_named(run, data if changes is None or changes.data is None else replace(data, data=(), weights=())):
            planned = plan(document["method"], data, settings, document["settings"], world)
        planned = replace(planned, origins=document["origins"], content=document.get("data_content", ""))
        if planned.fingerprint != document["data_fingerprint"]:
            content = world.gather(planned.batches.images.content() if world.leads else "")[0]
            if not planned.content or planned.content != content:
                raise UserError(_changed_data(run, document, planned))
        if document["data"].get("canvas") is None and world.leads and not quiet:
            print(f"{run} is of an earlier version; from here on its crops come from whole images.", file=sys.stderr)
        done = last_step(run)
        check_length(document, run, done)
        document |= {"data_fingerprint": planned.fingerprint}
        if document != before and world.leads:
            document = with_overrides(before, document, done)
            write_file(run / CONFIG, json.dumps(document, indent=1).encode() + b"\n")
        return _train(replace(planned, origins=document["origins"]), run, world, evaluate, stop, quiet)


@contextmanager
def _data_named(run: Path, data: DataConfig) -> Iterator[None]:
    """Add to an error that the data of a run may be elsewhere, if that is why."""
    try:
        yield
    except UserError as error:
        for spec in data.data:
            try:
                open_source(spec, tables=data.tables)
            except UserError as why:
                raise UserError(f"{why} {run} was trained on it; name its new place with --data.") from error
        raise


def _changed_data(run: Path, document: Mapping[str, Any], planned: RunPlan) -> str:
    count = document.get("images", document.get("pictures", 0))  # the key that earlier versions wrote
    return (
        f"The data of {run} is not what it was at its start ({count:,} images then, {len(planned.batches.images):,} "
        f"now), so the run cannot be resumed exactly. Restore it, name the place of the same data with --data, or "
        f"start a new run with --tower {run}."
    )


def data_of(document: Mapping[str, Any]) -> DataConfig:
    """The data settings of a config.json."""
    settings: dict[str, Any] = {"shuffle_window": 0, "class_depth": 0}  # of runs of earlier versions
    settings |= {n: tuple(v) if isinstance(v, list) else v for n, v in document["data"].items()}
    return DataConfig(**settings)


def _train(
    planned: RunPlan, out: Path | None, world: World, evaluate: Evaluate | None, stop: Callable[[], bool], quiet: bool
) -> Trainer:
    with failures_as_sentences(out, world), _locked(out, world):
        trainer = Trainer(
            planned.method, planned.method_name, planned.batches, planned.run, world, out, evaluate, quiet
        )
        if world.leads and not quiet:
            images = planned.batches.images
            machine = described(world, trainer.config, trainer.prefetch, images.jpegs_for_gpu)
            for sentence in filter(None, [machine, images.usage(), *images.notes]):
                print(f"{sentence}.", file=sys.stderr)
        if out is not None:
            done = trainer.resume()
            if done and world.leads and not quiet:
                print(f"The run goes on after step {done:,} of {planned.run.total_steps:,}.", file=sys.stderr)
            if world.leads:
                trainer.metrics.sinks = [LOGGERS[name](out, planned.document()) for name in planned.data.logger]
        trainer.train(stop)
        return trainer


@contextmanager
def _locked(run: Path | None, world: World) -> Iterator[None]:
    """Lock the run directory, if there is one, against other processes; rank 0 holds the lock for all ranks."""
    if run is None or not world.leads:
        yield
        return
    lock = lock_folder(run, f"{run} is being trained by another process; wait for it, or stop it first.")
    try:
        yield
    finally:
        lock.release()
