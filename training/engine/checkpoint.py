"""Checkpoints of a run: written atomically, and loaded without executing code.

checkpoints/step-00000500/ holds model.safetensors, ema.safetensors, optimizer.pt, rank-0.pt (the random state
of each rank) and state.json. The folder gets its name only when it is complete.
"""

import io
import json
import os
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
from training.engine.sharded import Stateful, full_tensors, load_full_state
from training.models.atomic import flush_folder, write_file
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
    for name, part in state.items():
        # On every rank, since each may hold a shard.
        values = None if part is None else full_tensors(part.state_dict())
        if values is None or not world.leads:
            continue
        if isinstance(part, nn.Module):
            tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in values.items()}
            writing.attempt(partial(write_file, temporary / f"{name}.safetensors", save(_unshared(tensors))))
        else:
            writing.attempt(partial(write_file, temporary / f"{name}.pt", _pickled(values)))
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


class _Writing:
    """Several writes, none after one that failed: the other ranks still wait for this one's part in what follows."""

    def __init__(self) -> None:
        self.error = ""

    def attempt(self, write: Callable[[], object]) -> None:
        if not self.error:
            try:
                write()
            except OSError as error:
                self.error = error.strerror or str(error)


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _publish(temporary: Path, folder: Path, keep: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(temporary, folder)
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
                if part is not None:
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
