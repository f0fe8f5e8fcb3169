"""What a run directory holds for those who load it: weights, and what they are weights of."""

import json
from pathlib import Path
from typing import Any

from torch import nn

from training.models.errors import UserError

FACTS, WEIGHTS = "encoder.json", "model.safetensors"


def is_run(tower: str) -> bool:
    """Whether tower is a run directory with weights."""
    return (Path(tower) / FACTS).is_file()


def facts_of(run: Path) -> dict[str, Any]:
    """What a run's weights are weights of. UserError if it has none, or not of this version."""
    try:
        facts = json.loads((run / FACTS).read_text())
        if facts["kind"] not in ("pair", "images"):
            raise ValueError(facts["kind"])
        return facts
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{run / FACTS} cannot be read ({error}); a run of this version writes one.") from error


def load_weights(module: nn.Module, run: Path) -> None:
    """A run's weights into the module that its encoder.json describes. UserError if they do not fit."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        module.load_state_dict(load_file(run / WEIGHTS))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise UserError(f"The weights of {run} cannot be loaded: {str(error).strip().splitlines()[0]}") from error
