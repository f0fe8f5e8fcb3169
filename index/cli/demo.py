"""python -m index demo: the collection that the page opens on."""

import click

from training.models.console import ProgressLine, say


@click.command()
def demo() -> None:
    """Build the demo collection in advance, so that `python app.py` starts fast."""
    from index.ingest.demo import build_demo, demo_folders
    from index.storage.reset import reset_if_stale
    from training.models.encoders import load_encoder

    encoder = load_encoder("starter")
    images, into = demo_folders("starter")
    reset_if_stale(into, encoder)  # the cache is ours
    line = ProgressLine("Embedding the demo")
    report = build_demo(images, into, encoder, progress=lambda p: line.show(p.done, p.total))
    line.close()
    say(f"{report.images:,} images are ready. Next: python app.py")
