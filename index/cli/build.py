"""python -m index build: embed what is new or changed."""

from functools import partial
from pathlib import Path

import click

from index.cli.options import ENCODER_HELP, as_json_option, run_options
from training.models.console import ProgressLine, answer
from training.models.interrupt import Interrupt

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
@click.option("--prune", is_flag=True, help="Remove missing images even if they are more than half of a source.")
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
    prune: bool,
    repair: bool,
    as_json: bool,
    runtime: str | None,
    precision: str | None,
) -> None:
    """Embed every image of each SOURCE. Running it again embeds only what is new or changed.

    A SOURCE is a folder, a CSV or TSV with a path column, a parquet file or folder, or tar shards
    (`shards/{00000..00099}.tar`). You can stop a build at any moment; the same command continues it.
    """
    from index.storage.layout import MANIFEST
    from index.storage.manifest import Manifest, precision_of
    from training.data.sources import open_source

    for source in sources:
        open_source(source)  # a wrong name is answered before a model is loaded
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
    line = ProgressLine("Embedding", as_json)
    with Interrupt(STOPPING, exit_at_once=True) as interrupt:
        report = build_collection(
            sources,
            into,
            loaded,
            prune=prune,
            segment_size=segment_size,
            progress=lambda p: line.show(p.done, p.total, f"{p.failed:,} failed" if p.failed else ""),
            stop=lambda: interrupt.requested,
            repair=repair,
            engine=embed,
        )
    line.close()
    failed = f", {report.failed:,} could not be read (see {into / 'failures.csv'})" if report.failed else ""
    repaired = f"{report.repaired:,} damaged ones were removed and made again. " if report.repaired else ""
    moved = f", {report.moved:,} moved" if report.moved else ""
    done = "Stopped early; the same command goes on from here." if report.stopped else "Next: "
    text = (
        f"{report.images:,} images searchable: {report.added:,} added, {report.updated:,} updated{moved}, "
        f"{report.removed:,} removed, {report.unchanged:,} unchanged{failed}. {repaired}"
        f"{report.embedded:,} embedded in {report.seconds:.1f} s ({report.images_per_second:.0f} a second).\n{done}"
    )
    if not report.stopped:
        text += f"python app.py --collection {into}"
    answer(as_json, report.as_dict(), text)
    if report.stopped:
        raise SystemExit(130)
