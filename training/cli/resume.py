"""python -m training resume: continue a run from its last checkpoint."""

from pathlib import Path

import click

from training.cli.run_output import print_end
from training.models.interrupt import Interrupt


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(0), help="Data loader processes. [default: those of the run]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def resume(run: Path, workers: int | None, as_json: bool) -> None:
    """Resume RUN from its last checkpoint; the result equals that of an uninterrupted run."""
    from training.engine.config import read_config
    from training.evaluation.during_training import evaluator
    from training.pretrain import data_of
    from training.pretrain import resume as resume_run

    document = read_config(run)
    with Interrupt() as stop:
        trainer = resume_run(run, evaluator(data_of(document)), lambda: stop.requested, workers=workers)
    print_end(run, trainer, as_json)
