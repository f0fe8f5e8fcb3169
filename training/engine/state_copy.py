"""The state of a run on this rank as it is at one moment, copied to the CPU: training goes on while it is written."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.engine.microbatch import random_state, set_random_state
from training.engine.shard_files import is_sharded
from training.engine.sharded import Stateful


@dataclass(frozen=True)
class StateCopy:
    """What one checkpoint holds of this rank.

    modules, others: state_dicts by name, the others those of optimisers and the gradient scaler. sharded: whether the
    tensors of modules and optimisers are this rank's shards. randoms: of every random number generator. counters: JSON
    values.
    """

    modules: dict[str, dict[str, Any]]
    others: dict[str, dict[str, Any]]
    sharded: bool
    randoms: dict[str, Any]
    counters: dict[str, Any]

    @classmethod
    def of(cls, state: Mapping[str, Stateful | None], counters: dict[str, Any]) -> "StateCopy":
        """Of modules, optimisers and the like by name; None is left out."""
        modules = {name: part for name, part in state.items() if isinstance(part, nn.Module)}
        others = {name: part for name, part in state.items() if part is not None and name not in modules}
        sharded = any(is_sharded(part) for part in modules.values())
        of_modules = {name: on_cpu(part.state_dict()) for name, part in modules.items()}
        of_others = {name: on_cpu(part.state_dict()) for name, part in others.items()}
        return cls(of_modules, of_others, sharded, random_states(), counters)

    def shards(self) -> dict[str, Any]:
        """The tensors of modules and optimisers by name, without the names that have none."""
        moments = {
            name: {str(number): of_weight for number, of_weight in values["state"].items()}
            for name, values in self.others.items()
            if is_optimizer(values)
        }
        return {name: tensors for name, tensors in (self.modules | moments).items() if tensors}

    def without_shards(self) -> dict[str, dict[str, Any]]:
        """The settings of optimisers by name."""
        return {name: values | {"state": {}} for name, values in self.others.items() if is_optimizer(values)}


def is_optimizer(values: Mapping[str, Any]) -> bool:
    """Whether a state_dict is that of an optimiser."""
    return "param_groups" in values


def on_cpu(values: Any) -> Any:
    """values with a copy of each tensor on the CPU, also inside dicts, tuples and lists."""
    if isinstance(values, dict):
        return {name: on_cpu(part) for name, part in values.items()}
    if isinstance(values, tuple | list):
        return type(values)(on_cpu(part) for part in values)
    return values.detach().to("cpu", copy=True) if isinstance(values, Tensor) else values


def random_states() -> dict[str, Any]:
    """The state of every random number generator that code in this process may use."""
    version, numbers, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "torch": random_state(),
        "python": [version, list(numbers), gauss],
        "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, cached],
    }


def set_random_states(state: dict[str, Any]) -> None:
    """Continue from what random_states gave."""
    set_random_state(state["torch"])
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
