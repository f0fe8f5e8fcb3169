"""python -m index build: embed what is new or changed."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from index.cli.options import ENCODER_HELP, as_json_option, run_options
from training.models.console import ProgressLine, answer
from training.models.errors import UserError
from training.models.interrupt import Interrupt

if TYPE_CHECKING:
    from index.build import BuildReport

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
@click.option("--rehash", is_flag=True, help="Read every file again, also where its size and date are as they were.")
@click.option(
    "--max-megapixels",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="Larger images are not read, since one may fill the memory.  [default: 170]",
)
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
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    rehash: bool,
    max_megapixels: float | None,
    prune: bool,
    repair: bool,
    as_json: bool,
    runtime: str | None,
    precision: str | None,
) -> None:
    """Embed every image of each SOURCE. Running it again embeds only what is new or changed.

    A SOURCE is a folder, a CSV or TSV with a path column, a parquet file or folder, or tar shards
    (`shards/{00000..00099}.tar`). You can stop a build at any moment; the same command continues it.
    Folders of recycle bins, previews and hidden files are left out; `.gelatoignore` files may name more.
    """
    from index.storage.layout import MANIFEST
    from index.storage.manifest import Manifest, precision_of
    from training.data.sources import open_source

    if not (into / MANIFEST).exists():
        for source in sources:
            open_source(source)  # a wrong name is answered before a model is loaded
    if (into / MANIFEST).exists():
        manifest = Manifest.read(into)
        encoder, precision = encoder or manifest.encoder, precision_of(manifest, precision)

    from index.build import build_collection
    from index.ingest.engine import Engine, embed_locally
    from training.models.decoding import MOST_MEGAPIXELS
    from training.models.encoders import load_encoder

    loaded = load_encoder(encoder or "starter", runtime, precision)
    most = max_megapixels or MOST_MEGAPIXELS
    embed: Engine = partial(embed_locally, most_megapixels=most)
    if engine == "ray":
        from index.ingest.ray_engine import RayEngine

        embed = RayEngine(partial(load_encoder, loaded.name, loaded.runtime, loaded.precision), most)
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
            exclude=exclude or None,
            include=include or None,
            rehash=rehash,
            engine=embed,
        )
    line.close()
    answer(as_json, report.as_dict(), _text(report, into))
    if report.stopped:
        raise SystemExit(130)
    if report.problems:
        raise UserError(" ".join(report.problems))


def _text(report: "BuildReport", into: Path) -> str:
    """What a build did, in sentences."""
    from index.storage.accounts import passed_over_text, sources_beside

    repaired = f" {report.repaired:,} damaged ones were removed and made again." if report.repaired else ""
    moved = f", {report.moved:,} moved" if report.moved else ""
    lines = [
        f"{report.images:,} images searchable: {report.added:,} added, {report.updated:,} updated{moved}, "
        f"{report.removed:,} removed, {report.unchanged:,} unchanged.{repaired}"
    ]
    if report.files:
        passed = passed_over_text(report.passed_over)
        files = report.files
        copies = files["duplicate"] - sum(group.files for group in report.passed_over if group.kind == "duplicate")
        counts = f"{files['embedded']:,} embedded, {files['unchanged']:,} unchanged"
        counts += f", {copies:,} exact {'copy' if copies == 1 else 'copies'}" if copies else ""
        listed = f" (see {into / 'failures.csv'})" if passed else ""
        lines.append(f"Of {files['total']:,} files: {counts}{', ' + passed if passed else ''}{listed}.")
        lines += filter(None, [sources_beside(report.passed_over)])
    lines += [note.replace("DIR", str(into)) for note in report.notes]
    if report.warnings:
        more = f" and {len(report.warnings) - 1:,} more" if len(report.warnings) > 1 else ""
        lines.append(f"Read with a warning: {report.warnings[0]}{more}.")
    lines.append(f"{report.embedded:,} embedded in {report.seconds:.1f} s ({report.images_per_second:.0f} a second).")
    stopped = "Stopped early; the same command goes on from here."
    lines.append(stopped if report.stopped else f"Next: python app.py --collection {into}")
    return "\n".join(lines)
