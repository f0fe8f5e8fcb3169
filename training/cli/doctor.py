"""python -m training doctor: diagnose a run from its metrics."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
def doctor(run: Path, as_json: bool) -> None:
    """Say what is wrong with RUN, in plain words, and which knob to turn."""
    from training.engine.config import read_config
    from training.engine.doctor import as_documents, diagnose

    findings = diagnose(run / "metrics.jsonl", read_config(run))
    if as_json:
        click.echo(json.dumps(as_documents(findings), indent=1, ensure_ascii=False))
    else:
        click.echo("\n".join(f"- {found}" for found in findings) or "Nothing is wrong that its numbers would show.")
