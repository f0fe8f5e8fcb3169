"""Checkpoints of a run: written atomically, and loaded without executing code.

checkpoints/step-00000500/ holds model.safetensors, ema.safetensors, optimizer.pt, rank-0.pt (the random state
of each rank) and state.json. The folder gets its name only when it is complete.
"""

import json
import os
import random
import shutil
from collections.abc import Mapping
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


def save_checkpoint(
    run: Path, step: int, state: Mapping[str, Stateful | None], counters: dict[str, Any], world: World, keep: int
) -> Path:
    """Write a checkpoint after `step` steps, then delete all but the last `keep` checkpoints.

    state: modules and optimisers by name; None is skipped. counters: JSON values for state.json. Every rank
    calls this, and each writes its own random state.
    """
    folder = run / FOLDER / f"step-{step:08d}"
    temporary = folder.with_name(f".{folder.name}.tmp")
    if world.leads:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
    world.wait()
    write_file(temporary / f"rank-{world.rank}.pt", lambda file: torch.save(_random_states(), file))
    for name, part in state.items():
        # On every rank, since each may hold a shard.
        values = None if part is None else full_tensors(part.state_dict())
        if values is None or not world.leads:
            continue
        if isinstance(part, nn.Module):
            tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in values.items()}
            write_file(temporary / f"{name}.safetensors", save(_unshared(tensors)))
        else:
            write_file(temporary / f"{name}.pt", lambda file, values=values: torch.save(values, file))  # type: ignore[misc]
    if world.leads:
        write_file(temporary / "state.json", json.dumps({"step": step, "ranks": world.size, **counters}).encode())
    world.wait()
    if world.leads:
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(temporary, folder)
        flush_folder(folder.parent)
        for old in checkpoints(run)[:-keep]:
            shutil.rmtree(old)
    world.wait()
    return folder


def checkpoints(run: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    return sorted(path.parent for path in (run / FOLDER).glob("step-*/state.json"))


def load_checkpoint(folder: Path, state: Mapping[str, Stateful | None], world: World) -> dict[str, Any]:
    """Load a checkpoint into the modules and optimisers of `state`, and return its counters.

    A rank without a stored random state (the run has more ranks now) keeps the state of its seed.
    """
    try:
        for name, part in state.items():
            if isinstance(part, nn.Module):
                load_full_state(part, load_file(folder / f"{name}.safetensors"))
            elif part is not None:
                load_full_state(part, torch.load(folder / f"{name}.pt", weights_only=True, map_location="cpu"))
        own = folder / f"rank-{world.rank}.pt"
        if own.is_file():
            _set_random_states(torch.load(own, weights_only=True, map_location="cpu"))
        return json.loads((folder / "state.json").read_text())
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"The checkpoint {folder} cannot be read: {reason}. Delete it to resume from the previous one."
        ) from error


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
