"""python -m training doctor: diagnose a run from its metrics."""

from pathlib import Path

import click

from training.models.console import print_json


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(run: Path, as_json: bool) -> None:
    """Diagnose problems of RUN from its metrics, and name the option to change."""
    from training.engine.config import read_config
    from training.engine.doctor import as_documents, diagnose

    diagnoses = diagnose(run / "metrics.jsonl", read_config(run))
    if as_json:
        print_json(as_documents(diagnoses))
    else:
        click.echo("\n".join(f"- {diagnosis}" for diagnosis in diagnoses) or "The metrics show no problem.")
