"""python -m training export: convert a run to the format of another library."""

from pathlib import Path

import click

from training.models.console import written_to
from training.models.errors import UserError

ENCODER = "encoder.json"  # of a run


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", type=click.Choice(["open_clip", "transformers"]), default="open_clip", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="The output folder. [default: RUN/FORMAT]"
)
def export(run: Path, format: str, out: Path | None) -> None:
    """Export RUN for open_clip, or its text tower for transformers."""
    from training.models.run_export import export as write

    if not (run / ENCODER).is_file():
        raise UserError(f"{run} is no run that can be exported: it has no {ENCODER}, which its first checkpoint makes.")
    with written_to(out or run):
        folder = write(run, out or run / format, format)
    if format == "open_clip":
        click.echo(f'Written to {folder}. Next: open_clip.create_model_and_transforms("local-dir:{folder}")')
    else:
        click.echo(f'Written to {folder}. Next: transformers.CLIPTextModelWithProjection.from_pretrained("{folder}")')
