"""python -m training resume: continue a run from its last checkpoint."""

from pathlib import Path
from typing import Any

import click

from training.cli.run_output import interruptible, print_end
from training.models.errors import UserError


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--data", multiple=True, help="Where the same data lies now; repeat for a mixture.")
@click.option("--evaluate", multiple=True, help="Sources of evaluation from here on.")
@click.option("--steps", type=click.IntRange(1), help="Optimiser steps of the whole run, to extend it.")
@click.option("--epochs", type=click.FloatRange(0, min_open=True), help="Epochs of the whole run, to extend it.")
@click.option("--workers", type=click.IntRange(0), help="Data loader processes. [default: those of the run]")
@click.option("--checkpoint-every", type=click.IntRange(1), help="Steps between checkpoints.")
@click.option("--keep", type=click.IntRange(1), help="Number of latest checkpoints to keep.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def resume(ctx: click.Context, run: Path, as_json: bool, **given: Any) -> None:
    """Resume RUN from its last checkpoint; the result equals that of an uninterrupted run.

    The options change a setting from here on; config.json keeps its former value, and the step of the change. With
    other --steps, the schedules are those of the new length from here on.
    """
    if ctx.args:
        raise UserError(
            f"A run is resumed with its own settings, and {ctx.args[0]} is none of those that may change; "
            f"start a new run from its weights with --tower {run}."
        )
    from training.engine.config import read_config
    from training.evaluation.during_training import evaluator
    from training.methods import METHODS
    from training.pretrain import data_of
    from training.pretrain import resume as resume_run
    from training.resuming import Changes

    for name in ("data", "evaluate"):
        given[name] = given[name] or None
    changes = Changes(**given)
    document = changes.applied(read_config(run))
    evaluate = evaluator(data_of(document), METHODS[document["method"]].needs_captions)
    with interruptible() as stop:
        trainer = resume_run(run, evaluate, lambda: stop.requested, changes=changes)
    print_end(run, trainer, as_json)
