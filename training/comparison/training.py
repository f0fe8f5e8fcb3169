"""Train the runs of a comparison, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

import click

from training.methods import METHODS
from training.models.errors import UserError


def train_run(name: str, seed: int, train: str, data: str, run: Path, settings: tuple[str, ...]) -> Path:
    """The run of a method and seed: started, resumed, or returned if it is finished.

    A process of its own makes its peak memory measurable.

    settings: OPTION=VALUE of the method's command, METHOD:OPTION=VALUE for one method alone.
    """
    from training.evaluation.runs import read_run

    if (run / "config.json").is_file():
        state = read_run(run)
        if state.step >= state.steps > 0 and (run / "model.safetensors").is_file():
            return run
        words = ["resume", str(run)]
    else:
        words = [name, "--data", train, "--evaluate", data, "--seed", str(seed), "--out", str(run)]
        for setting in settings:
            of, colon, rest = setting.partition(":")
            if colon and of in METHODS:  # a value may hold a colon, too
                if of != name:
                    continue
                setting = rest
            option, equals, value = setting.partition("=")
            words += [f"--{option.replace('_', '-')}", value] if equals else [f"--{option.replace('_', '-')}"]
    click.echo(f"training {name}, seed {seed}", err=True)
    done = subprocess.run([sys.executable, "-m", "training", *words], stdout=subprocess.DEVNULL)
    if done.returncode:
        raise UserError(f"The run of {name} with seed {seed} ended before its end; its own message is above.")
    return run
