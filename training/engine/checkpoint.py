"""Checkpoints of a run: written atomically, and loaded without executing code.

checkpoints/step-00000500/ holds model.safetensors, ema.safetensors, optimizer.pt, rank-0.pt (the random state
of each rank) and state.json. Of a run with --fsdp, shards/ holds the tensors, and optimizer.pt the settings of the
optimiser. The folder gets its name only when it is complete.
"""

import io
import json
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import nn

from training.engine.distributed import World
from training.engine.shard_files import FOLDER as SHARDS
from training.engine.shard_files import empty_moments, read_shards, write_shards
from training.engine.sharded import Stateful, load_full_state
from training.engine.state_copy import StateCopy, set_random_states
from training.models.atomic import flush_folder, replace_file, write_file
from training.models.errors import UserError

FOLDER = "checkpoints"


class CheckpointNotWritten(Exception):
    """The files of a checkpoint could not be written on some rank; the checkpoints before it are as they were."""


def save_checkpoint(run: Path, step: int, copy: StateCopy, world: World, keep: int) -> None:
    """Write a checkpoint after `step` steps, then delete all but the last `keep` checkpoints.

    Every rank calls this, and each writes its own random state. CheckpointNotWritten, on every rank, if a file cannot
    be written.
    """
    folder = run / FOLDER / f"step-{step:08d}"
    temporary = folder.with_name(f".{folder.name}.tmp")
    writing = _Writing()
    if world.leads:
        writing.attempt(lambda: _make_empty(temporary))
    world.wait()
    writing.attempt(lambda: write_file(temporary / f"rank-{world.rank}.pt", _pickled(copy.randoms)))
    modules, others = copy.modules, copy.others
    if copy.sharded:
        world.wait()  # the folder is there
        writing.with_others(lambda: write_shards(temporary, copy.shards(), world.thread))
        modules, others = {}, copy.without_shards()
    for name, tensors in modules.items() if world.leads else ():
        writing.attempt(partial(_write_tensors, temporary / f"{name}.safetensors", tensors))
    for name, values in others.items() if world.leads else ():
        writing.attempt(partial(write_file, temporary / f"{name}.pt", _pickled(values)))
    if world.leads:
        facts = json.dumps({"step": step, "ranks": world.size, **copy.counters}).encode()
        writing.attempt(lambda: write_file(temporary / "state.json", facts))
    errors = [error for error in world.gather(writing.error) if error]
    if world.leads:
        if errors:
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            writing.attempt(lambda: _publish(temporary, folder, keep))
    errors = errors or [error for error in world.gather(writing.error) if error]
    if errors:
        raise CheckpointNotWritten(errors[0])


class _Writing:
    """Several writes, none after one that failed: the other ranks still wait for this one's part in what follows."""

    def __init__(self) -> None:
        self.error = ""

    def attempt(self, write: Callable[[], object]) -> None:
        if not self.error:
            self.with_others(write)

    def with_others(self, write: Callable[[], object]) -> None:
        """A write that all ranks take part in, whatever failed on one of them before."""
        try:
            write()
        except OSError as error:
            self.error = self.error or error.strerror or str(error)


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _publish(temporary: Path, folder: Path, keep: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    replace_file(temporary, folder)
    flush_folder(folder.parent)
    for old in checkpoints(folder.parent.parent)[:-keep]:
        shutil.rmtree(old)


def _write_tensors(file: Path, tensors: dict[str, torch.Tensor]) -> None:
    write_file(file, save({name: tensor.contiguous() for name, tensor in tensors.items()}))


def _pickled(values: object) -> bytes:
    """Saved in memory first: PyTorch turns a full disk into an error of its own that does not say so."""
    held = io.BytesIO()
    torch.save(values, held)
    return held.getvalue()


def checkpoints(run: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    return sorted(path.parent for path in (run / FOLDER).glob("step-*/state.json"))


def last_step(run: Path) -> int:
    """The step of the last complete checkpoint of a run, 0 if it has none."""
    return max((int(folder.name.removeprefix("step-")) for folder in checkpoints(run)), default=0)


def load_last_checkpoint(
    run: Path, state: Mapping[str, Stateful | None], world: World
) -> tuple[Path, dict[str, Any], list[str]]:
    """Load the last checkpoint of a run that every rank can read whole into the modules and optimisers of `state`.

    Returns its folder, its counters, and a sentence for each later one that is damaged. A rank without a stored
    random state (the run has more ranks now) keeps the state of its seed. UserError if none can be read.
    """
    damaged: list[str] = []
    for folder in reversed(checkpoints(run)):
        parts, reason = _read(folder, state, world.rank)
        reasons = [found for found in world.gather(reason) if found]
        if not reasons:
            for name, part in state.items():
                if part is not None and name in parts:
                    load_full_state(part, parts[name])
            if "random" in parts:
                set_random_states(parts["random"])
            return folder, parts["counters"], damaged
        damaged.append(f"The checkpoint {folder} cannot be read: {reasons[0]}.")
    raise UserError(f"{' '.join(damaged)} No checkpoint of {run} is whole, so the run has to begin anew.")


def _read(folder: Path, state: Mapping[str, Stateful | None], rank: int) -> tuple[dict[str, Any], str]:
    """The files of a checkpoint by name, and the reason why they cannot be read, "" if they can."""
    found: dict[str, Any] = {}
    try:
        if (folder / SHARDS).is_dir():
            _read_shards(folder, state, found)
            state = {}
        for name, part in state.items():
            if isinstance(part, nn.Module):
                found[name] = load_file(folder / f"{name}.safetensors")
            elif part is not None:
                found[name] = torch.load(folder / f"{name}.pt", weights_only=True, map_location="cpu")
        own = folder / f"rank-{rank}.pt"
        if own.is_file():
            found["random"] = torch.load(own, weights_only=True, map_location="cpu")
        found["counters"] = json.loads((folder / "state.json").read_bytes())
        return found, ""
    except Exception as error:  # safetensors and pickle have many ways to say that a file is cut short
        return {}, (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _read_shards(folder: Path, state: Mapping[str, Stateful | None], found: dict[str, Any]) -> None:
    """Read the tensors of a run with --fsdp into the modules, and the state of the optimiser into `found`."""
    into: dict[str, Any] = {}
    for name, part in state.items():
        if isinstance(part, nn.Module):
            into[name] = part.state_dict()
        elif isinstance(part, torch.optim.Optimizer):
            moments = empty_moments(folder, name, part)
            into[name] = {str(number): of_weight for number, of_weight in moments.items()}
            settings = torch.load(folder / f"{name}.pt", weights_only=True, map_location="cpu")
            found[name] = settings | {"state": moments}
    read_shards(folder, {name: tensors for name, tensors in into.items() if tensors})
