"""Checkpoints of sharded weights: each rank writes its shards, and any number of ranks reads them.

The files are those of torch.distributed.checkpoint. What it would read by unpickling is read by an unpickler that makes
nothing but its own records, so that loading a checkpoint executes no code.
"""

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from torch import Tensor, nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata

from training.models.ranks import MAIN, talks

FOLDER = "shards"  # of a checkpoint
RECORDS = {
    "torch.distributed.checkpoint.metadata": (
        "BytesStorageMetadata",
        "ChunkStorageMetadata",
        "Metadata",
        "MetadataIndex",
        "StorageMeta",
        "TensorProperties",
        "TensorStorageMetadata",
        "_MEM_FORMAT_ENCODING",
    ),
    "torch.distributed.checkpoint.filesystem": ("_StorageInfo",),
    "torch.serialization": ("_get_layout",),
    "torch": ("Size",),
    "pathlib": ("PosixPath", "WindowsPath"),
}


class _Records(pickle.Unpickler):
    """Makes the records of a checkpoint's index, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        dtype = module == "torch" and isinstance(getattr(torch, name, None), torch.dtype)
        if dtype or name in RECORDS.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a checkpoint")


class _Reader(dcp.FileSystemReader):
    def read_metadata(self) -> Metadata:
        with (Path(self.path) / ".metadata").open("rb") as file:
            found: Metadata = _Records(file).load()
        return found


def read_index(folder: Path) -> Metadata:
    """What the shards of a checkpoint hold, and where."""
    return _Reader(folder / FOLDER).read_metadata()


def is_sharded(part: nn.Module) -> bool:
    """Whether this rank holds only shards of some weights."""
    return any(hasattr(weight, "full_tensor") for weight in part.parameters())


def write_shards(folder: Path, tensors: Mapping[str, Any], thread: str = MAIN) -> None:
    """Write this rank's shards of tensors, also inside dicts; every rank calls this. OSError on all if one cannot.

    thread: whose group the ranks talk by.
    """
    try:
        dcp.save(dict(tensors), checkpoint_id=folder / FOLDER, process_group=talks(thread))
    except CheckpointException as error:
        raise OSError(_reason(error)) from error


def read_shards(folder: Path, into: dict[str, Any]) -> None:
    """Fill the tensors of `into`, sharded or not, in place; every rank calls this. OSError if a file is damaged."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "torch.distributed is ")  # not initialised: one rank, which is meant
            dcp.load(into, storage_reader=_Reader(folder / FOLDER), process_group=talks())
    except CheckpointException as error:
        raise OSError(_reason(error)) from error


def empty_moments(folder: Path, name: str, optimizer: torch.optim.Optimizer) -> dict[int, dict[str, Tensor]]:
    """Tensors for the state of an optimiser that was written under this name, each like its weight if it has its shape.

    The result is by the number of the weight and the name of the moment, as in a state_dict.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for key, stored in read_index(folder).state_dict_metadata.items():
        if not key.startswith(f"{name}.") or not isinstance(stored, TensorStorageMetadata):
            continue
        _, number, moment = key.split(".")
        weight = weights[int(number)]
        if stored.size == weight.shape and stored.size:
            empty = torch.zeros_like(weight, dtype=stored.properties.dtype, requires_grad=False).detach()
        else:
            empty = torch.zeros(stored.size, dtype=stored.properties.dtype)
        moments.setdefault(int(number), {})[moment] = empty
    return moments


def _reason(error: CheckpointException) -> str:
    first = next(iter(error.failures.values()), None)
    cause = first[0] if first else error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]
