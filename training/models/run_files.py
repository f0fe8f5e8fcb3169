"""The files of a run directory that hold its encoder: the weights, and the configuration that they fit."""

import json
from pathlib import Path
from typing import Any

from torch import nn

from training.models.errors import UserError
from training.models.sparse_rows import EMBEDDING, all_rows

CONFIG_FILE, WEIGHTS_FILE = "encoder.json", "model.safetensors"


def has_encoder(folder: Path | str) -> bool:
    """Whether folder is a run directory with weights."""
    return (Path(folder) / CONFIG_FILE).is_file()


def read_encoder_config(run: Path) -> dict[str, Any]:
    """The configuration of a run's encoder: its kind ("pair" or "images") and the settings of its towers.

    UserError if the run has none, or none of this version.
    """
    try:
        config = json.loads((run / CONFIG_FILE).read_text(encoding="utf-8"))
        if config["kind"] not in ("pair", "images"):
            raise ValueError(config["kind"])
        return config
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{run / CONFIG_FILE} cannot be read ({error}); a run of this version writes one.") from error


def load_run_weights(module: nn.Module, run: Path) -> None:
    """A run's weights, in whatever precision, into the module that its configuration describes.

    UserError if they do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    own = module.state_dict()
    try:
        module.load_state_dict(all_rows(load_file(run / WEIGHTS_FILE), len(own.get(EMBEDDING, ()))))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise UserError(f"The weights of {run} cannot be loaded: {str(error).strip().splitlines()[0]}") from error
