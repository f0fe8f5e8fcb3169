"""A file of weights as people have them: looked at by its content, its state dict found, and named if it does not fit.

open_clip reads its own checkpoints and those of several papers. A state dict below another key, or behind the prefix of
a wrapper (DDP, torch.compile, Lightning), is taken out for it. Nothing in a file is run.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from training.models.errors import UserError

if TYPE_CHECKING:
    import torch

KEYS = ("state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema", "ema", "module")  # the first is taken
PREFIXES = ("module.", "_orig_mod.", "model.")
ARRAYS = (".npz", ".npy")  # of big_vision, which open_clip reads
COPY = "copy it again"


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """The file at path, or within the block a copy of its weights as open_clip reads them. UserError for no weights."""
    if path.suffix in ARRAYS:
        yield path
        return
    from safetensors.torch import save_file

    found = weights_in(path)
    state = unwrapped(found, path)
    as_named = path.suffix == ".safetensors" if _is_safetensors(_head(path)) else path.suffix != ".safetensors"
    known = found if state is found or not isinstance(found, Mapping) else found.get("state_dict")
    if as_named and isinstance(known, Mapping) and set(_without(("module.",), known)) == set(state):
        yield path
        return
    with TemporaryDirectory() as folder:
        plain = Path(folder) / "weights.safetensors"
        save_file({name: tensor.clone().contiguous() for name, tensor in state.items()}, plain)
        yield plain


def weights_in(path: Path) -> Any:
    """What a file holds, mapped into memory where it can be. UserError for what is no file of weights, or runs code."""
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    head = _head(path)
    if not head:
        raise UserError(f"{path} is empty; {COPY}.")
    if head.startswith(b"version https://git-lfs"):
        raise UserError(f"{path} is a pointer of Git LFS, and not the weights; fetch them with `git lfs pull`.")
    if head.lstrip()[:1] in (b"<", b"{"):
        raise UserError(f"{path} is a page or a text, and not weights; download the file itself.")
    if zipfile.is_zipfile(path) and any(name.endswith("/constants.pkl") for name in zipfile.ZipFile(path).namelist()):
        raise UserError(
            f"{path} is a TorchScript archive, which holds code; save its state dict alone, as safetensors."
        )
    try:
        if _is_safetensors(head):
            return load_file(path)
        if head[:2] == b"PK" and path.suffix.lower() != ".safetensors":
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        with path.open("rb") as file:  # by its path PyTorch would read it as its name ends
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        what = re.search(r"GLOBAL ([\w.]+)", str(error)) or re.search(r"Unsupported (?:global|class) (\S+)", str(error))
        holds = f" ({what[1]})" if what else ""
        raise UserError(
            f"{path} is no weights, or holds more than weights{holds}, which reading would have to run and so is not "
            f"read; save the state dict alone: torch.save(model.state_dict(), FILE)."
        ) from error
    except (OSError, RuntimeError, SafetensorError, ValueError, EOFError, KeyError) as error:
        raise UserError(f"{path} is not a whole file of weights, of PyTorch or safetensors; {COPY}.") from error


def unwrapped(found: object, path: Path) -> "Mapping[str, torch.Tensor]":
    """The state dict in what a file holds, without prefixes that all names have. UserError if there is none."""
    import torch

    while isinstance(found, Mapping) and (
        key := next((key for key in KEYS if isinstance(found.get(key), Mapping)), "")
    ):
        found = found[key]
    if not isinstance(found, Mapping) or not any(isinstance(value, torch.Tensor) for value in found.values()):
        raise UserError(
            f"{path} holds a {type(found).__name__} without weights by name; save a state dict: "
            f"torch.save(model.state_dict(), FILE)."
        )
    state = {str(name): value for name, value in found.items() if isinstance(value, torch.Tensor)}
    while (plain := _without(PREFIXES, state)).keys() != state.keys():
        state = plain
    return found if state.keys() == found.keys() else state


def _without(prefixes: tuple[str, ...], state: Mapping[str, Any]) -> dict[str, Any]:
    """The same without a prefix that all names have."""
    prefix = next((prefix for prefix in prefixes if state and all(name.startswith(prefix) for name in state)), "")
    return {name.removeprefix(prefix): value for name, value in state.items()}


def misfit(path: Path, architecture: str, own: "Mapping[str, torch.Tensor]") -> str:
    """Why the weights in a file do not fit an architecture, as one sentence. own: its state dict."""
    state = unwrapped(weights_in(path), path)
    common = [name for name in own if name in state]
    if len(common) < len(own) / 2:
        return (
            f"{path} has weights of something else than {architecture}: {len(common)} of its {len(own)} tensors are "
            f"there, and others such as {next(iter(state))}. Both towers of open_clip are needed; an image tower of "
            f"timm or lightly alone is none."
        )
    for name in common:
        if state[name].ndim and own[name].shape[-1] != state[name].shape[-1]:
            shapes = f"{list(state[name].shape)} and not {list(own[name].shape)}"
            return f"{path} has weights of another architecture than {architecture}: {name} is {shapes}."
    if lacks := [name for name in own if name not in state]:
        return f"{path} lacks {len(lacks)} of the {len(own)} tensors of {architecture}, such as {lacks[0]}."
    return f"{path} does not fit {architecture}."


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error


def _is_safetensors(head: bytes) -> bool:
    return len(head) > 8 and head[8:9] == b"{"
