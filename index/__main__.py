"""python -m index build | search | label | info: collections of pictures from the command line."""

import json
import os
from pathlib import Path
from typing import Any

import click

from training.models.console import Commands, ProgressLine, plain
from training.models.errors import UserError

ENCODER_HELP = "starter, an open_clip name such as ViT-B-32/laion2b_s34b_b79k, ARCHITECTURE/FILE, or hf-hub:..."


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Collections of pictures: embed them once, then search and label them by words.

    \b
      python -m index build ~/Pictures --into photos.gelato
      python -m index search photos.gelato "a dog asleep on a sofa"
      python -m index label photos.gelato --classes "cat,dog,horse"
    """


def run_options(command: Any) -> Any:
    """How an encoder runs, the same for every command that loads one."""
    command = click.option("--precision", help="f32, bf16 or f16; left out, the fastest that is safe here.")(command)
    return click.option("--runtime", help="openvino or torch; left out, the fastest here.")(command)


def answer(as_json: bool, document: Any, text: str) -> None:
    """One JSON document and nothing else, or words."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=1) if as_json else text)


@cli.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--into", required=True, type=click.Path(path_type=Path), help="The collection's folder, made if new.")
@click.option("--encoder", default=None, help=f"What turns pictures into vectors: {ENCODER_HELP} [default: starter]")
@click.option("--engine", type=click.Choice(["local"]), default="local", show_default=True, help="What does the work.")
@click.option("--segment-size", default=1000, show_default=True, type=click.IntRange(1), help="Pictures a segment.")
@click.option("--prune", is_flag=True, help="Agree that over half of a source's pictures are gone.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
@run_options
def build(
    sources: tuple[str, ...],
    into: Path,
    encoder: str | None,
    engine: str,
    segment_size: int,
    prune: bool,
    as_json: bool,
    runtime: str | None,
    precision: str | None,
) -> None:
    """Embed every picture of each SOURCE. Running it again embeds only what is new or changed.

    A SOURCE is a folder, a CSV or TSV with a path column, a parquet file or folder, or tar shards
    (`shards/{00000..00099}.tar`). Stop it at any moment; the same command goes on from there.
    """
    from index.collection import MANIFEST, Manifest
    from training.data.sources import open_source

    for source in sources:
        open_source(source)  # a wrong name is answered before a model is loaded
    if encoder is None:
        encoder = Manifest.read(into).encoder if (into / MANIFEST).exists() else "starter"

    from index.build import build_collection
    from training.models.lookup import load_encoder

    loaded = load_encoder(encoder, runtime, precision)
    line = ProgressLine("Embedding")
    stop = _Interrupt()
    with stop:
        report = build_collection(
            sources,
            into,
            loaded,
            prune=prune,
            segment_size=segment_size,
            progress=lambda p: line.show(p.done, p.total, f"{p.failed:,} failed" if p.failed else ""),
            stop=lambda: stop.asked,
        )
    line.close()
    failed = f", {report.failed:,} could not be read (see {into / 'failures.csv'})" if report.failed else ""
    moved = f", {report.moved:,} moved" if report.moved else ""
    done = "Stopped early; the same command goes on from here." if report.stopped else "Next: "
    text = (
        f"{report.images:,} pictures searchable: {report.added:,} added, {report.updated:,} updated{moved}, "
        f"{report.removed:,} removed, {report.unchanged:,} unchanged{failed}. "
        f"{report.embedded:,} embedded in {report.seconds:.1f} s ({report.images_per_second:.0f} a second).\n{done}"
    )
    if not report.stopped:
        text += f"python app.py --collection {into}"
    answer(as_json, report.as_dict(), text)
    if report.stopped:
        raise SystemExit(130)


class _Interrupt:
    """Ctrl-C asks the build to publish what it has; a second one ends it at once, which is safe too."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> None:
        import signal

        self.before = signal.signal(signal.SIGINT, self._ask)

    def __exit__(self, *_: object) -> None:
        import signal

        signal.signal(signal.SIGINT, self.before)

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked:
            os._exit(130)  # even if a thread hangs in a read; what is on disk is whole at any instant
        self.asked = True
        click.echo("\nStopping after this batch; press again to stop at once.", err=True)


@cli.command()
@click.argument("collection", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("text", required=False)
@click.option("--image", type=click.Path(path_type=Path), help="A picture to look for, alone or with words.")
@click.option("--without", multiple=True, help="Words for what should not be seen; may be given again.")
@click.option("-k", default=10, show_default=True, type=click.IntRange(1), help="How many pictures.")
@click.option("--where", help='Filter over the columns, in pandas query syntax: "width > 1000".')
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
@run_options
def search(
    collection: Path,
    text: str | None,
    image: Path | None,
    without: tuple[str, ...],
    k: int,
    where: str | None,
    as_json: bool,
    runtime: str | None,
    precision: str | None,
) -> None:
    """The pictures in DIR that TEXT describes best: "golden retriever + pool - people".

    A sign with spaces around it adds or takes away; "2:red car" counts double.
    """
    from index.collection import Collection
    from index.query import Term, parse_query
    from training.models.lookup import load_encoder

    terms = parse_query(text or "") + [Term(-1, words=words) for words in without]
    opened = Collection.open(collection)
    if image is not None:
        terms.append(Term(picture=_read_image(image)))
    if not terms:
        raise UserError("There is nothing to search for; give some words, or --image FILE.")
    from index.search import hit_fields
    from index.search import search as find

    hits = find(opened, load_encoder(opened.encoder_name, runtime, precision), terms, k, where=where)
    lines = [plain(f"{h.rank:3d}  {h.score:.3f}  {h.path}  {h.caption}".rstrip()) for h in hits]
    answer(as_json, [hit_fields(opened, h) for h in hits], "\n".join(lines) or "No picture passes the filter.")


def _read_image(path: Path) -> Any:
    from training.data.folder import read_file
    from training.models.preprocess import read_picture

    try:
        return read_picture(read_file(path)).image
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UserError as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


@cli.command()
@click.argument("collection", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--classes", required=True, help='A file with a class a line, or "cat,dog,horse".')
@click.option("--templates", default="photo", show_default=True, help="plain, photo, 7, 80, or a file with {} a line.")
@click.option("--none", is_flag=True, help='Allow the answer "none" for pictures of something else.')
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where labels.csv goes.")
@click.option("--truth", help="The true labels, to count what is right: a column, or a CSV with a path and a label.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
@run_options
def label(
    collection: Path,
    classes: str,
    templates: str,
    none: bool,
    out: Path | None,
    truth: str | None,
    as_json: bool,
    runtime: str | None,
    precision: str | None,
) -> None:
    """Label every picture in DIR by the class whose words lie nearest.

    In a file, `name: synonym, synonym` gives a class further words.
    """
    from index.collection import Collection
    from index.label import label_collection, labels_csv, summary
    from index.truth import accuracy, not_offered, true_labels
    from training.models.atomic import write_file
    from training.models.lookup import load_encoder
    from training.models.prompts import template_set
    from training.models.zero_shot import parse_classes

    wanted = parse_classes(_class_text(classes))
    phrases = template_set(templates)
    opened = Collection.open(collection)
    right = true_labels(opened, truth) if truth else None
    encoder = load_encoder(opened.encoder_name, runtime, precision)
    line = ProgressLine("Labelling")
    labels = label_collection(opened, encoder, wanted, phrases, none=none, progress=line.show)
    line.close()
    document = summary(labels, wanted, encoder)
    text = "\n".join(f"{count:8,}  {name}" for name, count in document["classes"].items() if count)
    if right is not None:
        document["top1"] = accuracy(labels["label"], right)
        document["not_offered"] = not_offered(right, [c.name for c in wanted])
        text += "\nRight: {value:.1%} (95 % interval {low:.1%} to {high:.1%}, {n:,} pictures)".format(
            **document["top1"]
        )
        if document["not_offered"]:
            text += f"\nOf these, {document['not_offered']:,} have a true label that is not among the classes."
    if out is not None:
        try:
            write_file(out, labels_csv(labels).encode())
        except OSError as error:
            raise UserError(f"{out} cannot be written: {error.strerror}.") from error
        document["out"] = str(out)
        text += f"\nWritten to {out}"
    answer(as_json, document, text or "There are no pictures to label.")


def _class_text(classes: str) -> str:
    """A file's text, or "a,b,c" with a line each."""
    path = Path(classes)
    try:
        if path.is_file():
            return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{classes} cannot be read as text: {error}.") from error
    if path.suffix in (".txt", ".csv") and "," not in classes:
        raise UserError(f"There is no file {classes}; give a file with a class a line, or the classes with commas.")
    return classes.replace(",", "\n")


@cli.command()
@click.argument("collection", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
def info(collection: Path, as_json: bool) -> None:
    """What DIR holds, what made it, and how it is searched."""
    from index.collection import Collection
    from index.nearest import load_nearest

    opened = Collection.open(collection)
    nearest = load_nearest(opened).facts
    document = {**opened.info(), "search": {k: v for k, v in nearest.items() if k != "revision"}}
    recall = nearest["recall_at_10"]
    text = (
        f"{document['name']}: {document['images']:,} pictures, {document['failed']:,} that could not be read\n"
        f"encoder   {document['encoder']} ({document['fingerprint'][:8]}), {document['dim']} numbers a picture, "
        f"{document['runtime']} {document['precision']}\n"
        f"search    {nearest['kind']}" + (f", recall at 10 measured: {recall:.3f}\n" if recall is not None else "\n")
    )
    text += f"on disk   {document['bytes'] / 1e6:,.1f} MB in {document['segments']} segments\n"
    text += f"columns   {', '.join(document['columns'])}"
    answer(as_json, document, text)


@cli.command()
def demo() -> None:
    """Make the collection that `python app.py` opens on, so that its first start is as quick as any other."""
    from index.demo import build_demo, demo_folders
    from training.models.lookup import load_encoder

    encoder = load_encoder("starter")
    line = ProgressLine("Embedding the demo")
    report = build_demo(*demo_folders("starter"), encoder, progress=lambda p: line.show(p.done, p.total))
    line.close()
    click.echo(f"{report.images:,} pictures are ready. Next: python app.py")


if __name__ == "__main__":
    cli(prog_name="python -m index")
