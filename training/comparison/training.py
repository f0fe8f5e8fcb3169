"""Training of the runs of a comparison, each in a separate process."""

import subprocess
import sys
from pathlib import Path

import click

from training.data.tables.options import TableOptions
from training.methods import METHODS
from training.models.errors import UserError


def train_run(
    name: str,
    seed: int,
    train: str,
    data: str,
    run: Path,
    settings: tuple[str, ...],
    tables: TableOptions | None = None,
) -> Path:
    """The run of a method and seed: started, resumed, or returned if it is finished.

    A separate process makes the peak memory measurable.

    settings: OPTION=VALUE of the method's command, or METHOD:OPTION=VALUE for one method only. tables: how
    the tables of train and data are read.
    """
    from training.evaluation.runs import read_run

    if (run / "config.json").is_file():
        state = read_run(run)
        if state.step >= state.steps > 0 and (run / "model.safetensors").is_file():
            return run
        arguments = ["resume", str(run)]
    else:
        arguments = [name, "--data", train, "--evaluate", data, "--seed", str(seed), "--out", str(run)]
        for option, value in (tables.as_dict() if tables else {}).items():
            arguments += [f"--{option.replace('_', '-')}={value}"]
        for setting in settings:
            method, colon, rest = setting.partition(":")
            if colon and method in METHODS:  # a value may contain a colon, too
                if method != name:
                    continue
                setting = rest
            option, equals, value = setting.partition("=")
            arguments += [f"--{option.replace('_', '-')}", value] if equals else [f"--{option.replace('_', '-')}"]
    click.echo(f"training {name}, seed {seed}", err=True)
    done = subprocess.run([sys.executable, "-m", "training", *arguments], stdout=subprocess.DEVNULL)
    if done.returncode:
        raise UserError(f"The run of {name} with seed {seed} failed; its message is above.")
    return run
