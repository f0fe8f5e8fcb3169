"""Checkpoints of a run: written atomically, and loaded without executing code.

checkpoints/step-00000500/ holds model.safetensors, ema.safetensors, optimizer.pt, rank-0.pt (the random state
of each rank) and state.json. Of a run with --fsdp, shards/ holds the tensors, and optimizer.pt the settings of the
optimiser. The folder gets its name only when it is complete.
"""

import io
import json
import random
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import nn

from training.engine.distributed import World
from training.engine.microbatch import random_state, set_random_state
from training.engine.shard_files import FOLDER as SHARDS
from training.engine.shard_files import empty_moments, is_sharded, read_shards, write_shards
from training.engine.sharded import Stateful, load_full_state
from training.models.atomic import flush_folder, replace_file, write_file
from training.models.errors import UserError

FOLDER = "checkpoints"


class CheckpointNotWritten(Exception):
    """The files of a checkpoint could not be written on some rank; the checkpoints before it are as they were."""


def save_checkpoint(
    run: Path, step: int, state: Mapping[str, Stateful | None], counters: dict[str, Any], world: World, keep: int
) -> Path:
    """Write a checkpoint after `step` steps, then delete all but the last `keep` checkpoints.

    state: modules and optimisers by name; None is skipped. counters: JSON values for state.json. Every rank
    calls this, and each writes its own random state. CheckpointNotWritten, on every rank, if a file cannot be written.
    """
    folder = run / FOLDER / f"step-{step:08d}"
    temporary = folder.with_name(f".{folder.name}.tmp")
    writing = _Writing()
    if world.leads:
        writing.attempt(lambda: _make_empty(temporary))
    world.wait()
    writing.attempt(lambda: write_file(temporary / f"rank-{world.rank}.pt", _pickled(_random_states())))
    values = {name: part.state_dict() for name, part in state.items() if part is not None}
    if any(isinstance(part, nn.Module) and is_sharded(part) for part in state.values()):
        in_shards = {name: tensors_of(state[name], of_part) for name, of_part in values.items()}
        world.wait()  # the folder is there
        writing.with_others(lambda: write_shards(temporary, {name: part for name, part in in_shards.items() if part}))
        values = {name: of_part | {"state": {}} for name, of_part in values.items() if "param_groups" in of_part}
    for name, of_part in values.items() if world.leads else ():
        if isinstance(state[name], nn.Module):
            tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in of_part.items()}
            writing.attempt(partial(write_file, temporary / f"{name}.safetensors", save(_unshared(tensors))))
        else:
            writing.attempt(partial(write_file, temporary / f"{name}.pt", _pickled(of_part)))
    if world.leads:
        facts = json.dumps({"step": step, "ranks": world.size, **counters}).encode()
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
    return folder


def tensors_of(part: object, values: dict[str, Any]) -> dict[str, Any]:
    """The tensors of a state_dict by name: of an optimiser its moments; of a gradient scaler nothing."""
    if isinstance(part, torch.optim.Optimizer):
        return {str(number): moments for number, moments in values["state"].items()}
    return values if isinstance(part, nn.Module) else {}


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
                _set_random_states(parts["random"])
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


def _random_states() -> dict[str, Any]:
    """The state of every random number generator that code in this process may use."""
    version, numbers, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "torch": random_state(),
        "python": [version, list(numbers), gauss],
        "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, cached],
    }


def _set_random_states(state: dict[str, Any]) -> None:
    set_random_state(state["torch"])
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))


def _unshared(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors, with a copy of each that shares memory with an earlier one (safetensors refuses those)."""
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if tensor.data_ptr() in seen and tensor.numel():
            tensors[name] = tensor.clone()
        seen.add(tensor.data_ptr())
    return tensors
