"""python -m index bench: throughput benchmarks of this machine."""

import click

from index.cli.options import as_json_option, run_options
from training.data.tables.flags import table_options
from training.data.tables.options import TableOptions
from training.models.console import answer


@click.group()
def bench() -> None:
    """Measure the throughput of this machine."""


@bench.command("build")
@click.argument("source", metavar="SOURCE")
@click.option("--encoder", default="starter", show_default=True, help="The image encoder.")
@as_json_option
@run_options
@table_options
def bench_build_command(
    source: str, encoder: str, as_json: bool, runtime: str | None, precision: str | None, tables: TableOptions
) -> None:
    """Measure images per second of a build of SOURCE, and the upper bound.

    Each stage is timed alone on all cores, in seconds per image. The upper bound is one over the sum of these times.
    """
    from index.ingest.throughput import bench_build
    from training.data.sources import open_source
    from training.models.encoders import load_encoder

    open_source(source, tables=tables)
    document = bench_build(source, load_encoder(encoder, runtime, precision), tables)
    lines = [f"{stage:10s}{ms:8.3f} ms an image on all cores" for stage, ms in document["milliseconds"].items()]
    lines.append(f"upper bound {document['upper_bound']:6.1f} images a second")
    lines.append(
        f"build {document['images_per_second']:12.1f} images a second, {document['ratio']:.0%} of it "
        f"({document['cpu_ratio']:.0%} by seconds of computing)"
    )
    answer(as_json, document, "\n".join(lines))
