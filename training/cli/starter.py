"""python -m training starter: fit the bridge of the embedded default encoder."""

from pathlib import Path

import click


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file of the weights.")
@click.option(
    "--captions", multiple=True, help="A source of captioned images; several are fitted together. Left out: version 1."
)
@click.option("--split", help="Only images whose column `split` has this value.")
@click.option("--wordnet", type=click.Path(path_type=Path), help="The folder of WordNet 3.0 of Debian's wordnet-base.")
@click.option(
    "--clipart", type=click.Path(path_type=Path), help="Version 1: the PNG files of Debian's openclipart-png."
)
@click.option(
    "--run", type=click.Path(path_type=Path, file_okay=False), help="Version 1: store the run here, to be resumed."
)
def starter(
    out: Path,
    captions: tuple[str, ...],
    split: str | None,
    wordnet: Path | None,
    clipart: Path | None,
    run: Path | None,
) -> None:
    """Fit the bridge of `starter`, the embedded default encoder, deterministically.

    With --captions it is fitted on captioned photographs, which is version 2; SOURCE is a CSV with a column
    `caption`, tar shards, a parquet file, or a folder with text files beside the images. Without, it is fitted on
    drawings, which is version 1.
    """

    def say(text: str) -> None:
        click.echo(text, err=True)

    if captions:
        from training.data.sources import open_source
        from training.models.console import ProgressLine
        from training.starter.kinds import WORDNET
        from training.starter.photographs import fit_photographs

        lines: dict[str, ProgressLine] = {}

        def progress(what: str, done: int, total: int) -> None:
            lines.setdefault(what, ProgressLine(what)).show(done, total)

        fit_photographs([open_source(source) for source in captions], out, split, wordnet or WORDNET, say, progress)
    else:
        from training.starter.bridge import CLIPART, fit_bridge

        fit_bridge(out, clipart or CLIPART, say=say, run=run)
    click.echo(f"Written to {out}. Its model card is training/models/starter.md")
