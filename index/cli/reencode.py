"""python -m index reencode: embed the images of a collection with another encoder while the old one serves."""

from pathlib import Path

import click

from index.cli.options import ENCODER_HELP, as_json_option, collection_argument, run_options
from training.models.console import ProgressLine, answer
from training.models.errors import UserError
from training.models.interrupt import Interrupt

STOPPING = "Stopping after this batch; press again to stop at once."


@click.command()
@collection_argument
@click.option("--encoder", required=True, help=f"The other encoder: {ENCODER_HELP}")
@click.option("--switch", "then_switch", is_flag=True, help="Search by it as soon as it is ready.")
@as_json_option
@run_options
def reencode(
    collection: Path, encoder: str, then_switch: bool, as_json: bool, runtime: str | None, precision: str | None
) -> None:
    """Embed the images of DIR with another encoder. Tags, corrections and ids stay, and DIR is searched as before.

    Then `generations DIR --switch NAME` lets the new embeddings serve, and `--back` the old ones again. You can stop
    it at any moment, and go on with builds meanwhile; the same command continues it.
    """
    from index.collection import Collection

    opened = Collection.open(collection)

    from index.ingest.reencode import ReencodeReport, reencode_collection
    from index.maintenance.generations import switch
    from training.models.encoders import load_encoder

    loaded = load_encoder(encoder, runtime, precision)
    line = ProgressLine("Embedding", as_json)

    def text(report: ReencodeReport) -> str:
        thumbnails = f", {report.from_thumbnails:,} of them from their thumbnails" if report.from_thumbnails else ""
        done = f"{report.embedded:,} images embedded with {report.encoder} in {report.seconds:.1f} s"
        if report.stopped:
            return f"{done}. Stopped early; the same command goes on from here."
        if not report.ready:
            return f"{done}."
        if then_switch:
            return f"{done}. {opened.name} is searched by it now; to go back: generations {collection} --back"
        ready = f"{report.images:,} images are ready{thumbnails}."
        return f"{done}; {ready}\nNext: python -m index generations {collection} --switch {report.encoder}"

    with Interrupt(STOPPING, exit_at_once=True) as interrupt:
        try:
            report = reencode_collection(
                collection,
                loaded,
                progress=lambda p: line.show(p.done, p.total, ""),
                stop=lambda: interrupt.requested,
            )
        finally:
            line.close()
    if report.ready and then_switch:
        switch(collection, report.fingerprint)
    answer(as_json, report.as_dict(), text(report))
    if report.stopped:
        raise SystemExit(130)
    if not report.ready:
        raise UserError(
            f"{report.missing:,} images have neither a file within reach nor a thumbnail, so they cannot be embedded; "
            f"bring their files back, or remove them, and run the same command again."
        )
