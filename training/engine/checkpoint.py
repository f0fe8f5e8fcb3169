"""Everything that moves, whole on the disk or not there at all, and read back without running code.

checkpoints/step-00000500/: model.safetensors, ema.safetensors, optimizer.pt, rank-0.pt (random numbers of
each rank), state.json. A folder appears under its name only when all of it is written.
"""

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import nn

from training.engine.distributed import World
from training.engine.microbatch import random_state, set_random_state
from training.engine.sharded import put_back, whole
from training.models.atomic import flush_folder, write_file
from training.models.errors import UserError

FOLDER = "checkpoints"


def save_checkpoint(
    run: Path, step: int, state: dict[str, Any], small: dict[str, Any], world: World, keep: int
) -> Path:
    """Write what state holds as of step steps done, then forget all but the last keep checkpoints.

    state: by name, modules and whatever else has a state_dict. small: what JSON can hold. Called by
    every rank, each for its own random numbers.
    """
    folder = run / FOLDER / f"step-{step:08d}"
    beside = folder.with_name(f".{folder.name}.tmp")
    if world.leads:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
    world.wait()
    write_file(beside / f"rank-{world.rank}.pt", lambda file: torch.save(_random_numbers(), file))
    for name, thing in state.items():
        of_thing = None if thing is None else whole(thing.state_dict())  # on every rank, since each may have a part
        if of_thing is None or not world.leads:
            continue
        if isinstance(thing, nn.Module):
            tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in of_thing.items()}
            write_file(beside / f"{name}.safetensors", save(_apart(tensors)))
        else:
            write_file(beside / f"{name}.pt", lambda file, of_thing=of_thing: torch.save(of_thing, file))  # type: ignore[misc]
    if world.leads:
        write_file(beside / "state.json", json.dumps({"step": step, "ranks": world.size, **small}).encode())
    world.wait()
    if world.leads:
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(beside, folder)
        flush_folder(folder.parent)
        for old in checkpoints(run)[:-keep]:
            shutil.rmtree(old)
    world.wait()
    return folder


def checkpoints(run: Path) -> list[Path]:
    """The whole checkpoints of a run, oldest first."""
    return sorted(path.parent for path in (run / FOLDER).glob("step-*/state.json"))


def load_checkpoint(folder: Path, state: dict[str, Any], world: World) -> dict[str, Any]:
    """Put a checkpoint back into what state holds; the small things come back.

    A rank that the checkpoint has no random numbers for (there are more now) keeps those of its seed.
    """
    try:
        for name, thing in state.items():
            if isinstance(thing, nn.Module):
                put_back(thing, load_file(folder / f"{name}.safetensors"))
            elif thing is not None:
                put_back(thing, torch.load(folder / f"{name}.pt", weights_only=True, map_location="cpu"))
        own = folder / f"rank-{world.rank}.pt"
        if own.is_file():
            _set_random_numbers(torch.load(own, weights_only=True, map_location="cpu"))
        return json.loads((folder / "state.json").read_text())
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"The checkpoint {folder} cannot be read: {reason}. Delete it to go on from the one before."
        ) from error


def _random_numbers() -> dict[str, Any]:
    """The state of every source of random numbers that code in this process may draw from."""
    version, numbers, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "torch": random_state(),
        "python": [version, list(numbers), gauss],
        "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, cached],
    }


def _set_random_numbers(state: dict[str, Any]) -> None:
    set_random_state(state["torch"])
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))


def _apart(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same with a copy of its own for each tensor that shares its memory with one before it."""
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if tensor.data_ptr() in seen and tensor.numel():
            tensors[name] = tensor.clone()
        seen.add(tensor.data_ptr())
    return tensors
