"""python -m index build: embed what is new or changed."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from index.cli.options import ENCODER_HELP, as_json_option, run_options
from training.data.tables.flags import table_options
from training.data.tables.options import TableOptions
from training.models.console import ProgressLine, answer, plain
from training.models.errors import UserError
from training.models.interrupt import Interrupt

if TYPE_CHECKING:
    from index.ingest.report import BuildReport

STOPPING = "Stopping after this batch; press again to stop at once."


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--into",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of the collection; it is created if it does not exist.",
)
@click.option("--encoder", default=None, help=f"The encoder: {ENCODER_HELP}  [default: starter]")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where images are read and embedded: on this machine, or on a Ray cluster.",
)
@click.option("--segment-size", default=1000, show_default=True, type=click.IntRange(1), help="Images per segment.")
@click.option(
    "--exclude",
    multiple=True,
    metavar="GLOB",
    help="Leave out files, as .gitignore does: '*.png', 'raw/', '!@eaDir/'. Kept for later builds; '' ends it.",
)
@click.option("--include", multiple=True, metavar="GLOB", help="Take only files that match. Kept for later builds.")
@table_options
@click.option("--rehash", is_flag=True, help="Read every file again, also where its size and date are as they were.")
@click.option(
    "--max-megapixels",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="Larger images are not read, since one may fill the memory. Kept for later builds.  [default: 170]",
)
@click.option("--prune", is_flag=True, help="Remove missing images even if they are more than half of a source.")
@click.option(
    "--watch",
    is_flag=True,
    help="Then keep it in step with its folders, until Ctrl-C; renames cost nothing.",
)
@click.option(
    "--repair", is_flag=True, help="First remove damaged entries, as `verify` finds them, and embed them again."
)
@as_json_option
@run_options
def build(
    sources: tuple[str, ...],
    into: Path,
    encoder: str | None,
    engine: str,
    segment_size: int,
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    tables: TableOptions,
    rehash: bool,
    max_megapixels: float | None,
    prune: bool,
    watch: bool,
    repair: bool,
    as_json: bool,
    runtime: str | None,
    precision: str | None,
) -> None:
    """Embed every image of each SOURCE. Running it again embeds only what is new or changed.

    A SOURCE is a folder, a CSV or TSV with a path column, a parquet file or folder, or tar shards
    (`shards/{00000..00099}.tar`). You can stop a build at any moment; the same command continues it.
    Folders of recycle bins, thumbnails and hidden files are left out; `.gelatoignore` files may name more.
    """
    from index.storage.layout import MANIFEST
    from index.storage.manifest import Manifest, precision_of
    from training.data.sources import open_source

    if not (into / MANIFEST).exists():
        for source in sources:
            open_source(source, tables=tables)  # a wrong name is answered before a model is loaded
    if (into / MANIFEST).exists():
        manifest = Manifest.read(into)
        encoder, precision = encoder or manifest.encoder, precision_of(manifest, precision)

    from index.build import build_collection
    from index.ingest.engine import Engine, embed_locally
    from training.models.encoders import load_encoder

    loaded = load_encoder(encoder or "starter", runtime, precision)
    embed: Engine = embed_locally
    if engine == "ray":
        from index.ingest.ray_engine import RayEngine

        embed = RayEngine(partial(load_encoder, loaded.name, loaded.runtime, loaded.precision))
    with Interrupt(STOPPING, exit_at_once=True) as interrupt:

        def once(**options: Any) -> "BuildReport":
            line = ProgressLine("Embedding", as_json)
            try:
                return build_collection(
                    sources,
                    into,
                    loaded,
                    prune=prune,
                    segment_size=segment_size,
                    progress=lambda p: line.show(p.done, p.total, f"{p.failed:,} failed" if p.failed else ""),
                    stop=lambda: interrupt.requested,
                    engine=embed,
                    max_megapixels=max_megapixels,
                    **options,
                )
            finally:
                line.close()

        report = once(repair=repair, exclude=exclude or None, include=include or None, rehash=rehash, tables=tables)
        answer(as_json, report.as_dict(), _text(report))
        if watch and not report.stopped:
            click.echo("".join(f"{plain(problem)}\n" for problem in report.problems), err=True, nl=False)
            _watch(sources, into, once, interrupt, as_json)
            return
    if report.stopped:
        raise SystemExit(130)
    if report.problems:
        raise UserError(" ".join(report.problems))


def _text(report: "BuildReport") -> str:
    """The summary of a build, and what to do next."""
    from index.ingest.summary import summary

    stopped = "Stopped early; the same command goes on from here."
    return "\n".join(
        [*summary(report), stopped if report.stopped else f"Next: python app.py --collection {report.collection}"]
    )


def _watch(
    sources: tuple[str, ...], into: Path, build: Callable[[], "BuildReport"], interrupt: Interrupt, as_json: bool
) -> None:
    """Build again after every change, until a signal comes; each build that changed something is a line.

    as_json: standard output already holds its one document, so that lines go to stderr.
    """
    from index.ingest.summary import summary
    from index.watch import watch_sources

    def rebuild() -> None:
        report = build()
        if report.added or report.updated or report.moved or report.removed or report.notes or report.problems:
            click.echo(plain(" ".join([summary(report)[0], *report.notes, *report.problems])), err=as_json)

    click.echo("Watching for changes (Ctrl-C ends it).", err=True)
    watch_sources(sources, into, rebuild, lambda: interrupt.requested, lambda why: click.echo(plain(why), err=True))
