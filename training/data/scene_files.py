"""python -m training scenes: the generated world as files, as a sheet to look at, and as figures about itself."""

import io
import json
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from training.data.scenes import SceneSource, scene
from training.data.source import Item
from training.models.atomic import write_file
from training.models.console import ProgressLine
from training.models.errors import UserError

SHARD = 10_000  # scenes of a file
SHEET = (8, 5)  # columns and rows


@click.group()
def scenes() -> None:
    """Generated images of which everything is known: captioned, with every fact as a column.

    Most commands take scenes:N as a source; making files of them is for other programs.
    """


@scenes.command()
@click.argument("source")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="A new folder.")
@click.option("--format", "kind", type=click.Choice(["parquet", "tar"]), default="parquet", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
def make(source: str, out: Path, kind: str, as_json: bool) -> None:
    """Write SOURCE (scenes:N or scenes:N?seed=1&association=1) as parquet files or tar shards."""
    made = SceneSource.of(source)
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{out} is not empty; name a new folder.")
    out.mkdir(parents=True, exist_ok=True)
    started, progress = time.monotonic(), ProgressLine("Scenes")
    write = _parquet if kind == "parquet" else _tar
    files = 0
    for start in range(0, len(made), SHARD):
        write_file(out / f"{files:05d}.{kind}", write(made, start, min(start + SHARD, len(made)), progress))
        files += 1
    progress.close()
    seconds = time.monotonic() - started
    if as_json:
        click.echo(json.dumps({"scenes": len(made), "files": files, "seconds": round(seconds, 2), "source": made.name}))
    else:
        click.echo(
            f"{len(made):,} scenes in {files} file{'s' * (files > 1)}, {len(made) / seconds:,.0f} a second. Next: ",
            nl=False,
        )
        click.echo(f"python -m training clip --data {out} --out runs/scenes")


@scenes.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A WebP file.")
@click.option("--seed", default=0, show_default=True)
def sheet(out: Path, seed: int) -> None:
    """Draw a sheet of scenes with their captions beneath, to see what the world is like."""
    write_file(out, _sheet(seed))
    click.echo(f"Written to {out}.")


@scenes.command()
@click.option("--pairs", default=500, show_default=True, help="Of each kind.")
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
def audit(pairs: int, seed: int, as_json: bool) -> None:
    """Show that no split of pairs is broken (oracle 100 %) or answered without looking (blind about 50 %)."""
    from training.data.contrasts import audit as measure

    report = measure(seed, pairs)
    if as_json:
        click.echo(json.dumps(report, indent=1))
        return
    for kind, figures in report.items():
        click.echo(f"{kind:18} oracle {figures['oracle']:.1%}   blind {figures['blind']:.1%}   n {figures['n']:.0f}")


def _items(source: SceneSource, start: int, stop: int, progress: ProgressLine) -> Iterator[Item]:
    for i in range(start, stop):
        yield source.item(i)
        progress.show(i + 1, len(source))


def _parquet(source: SceneSource, start: int, stop: int, progress: ProgressLine) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"image": {"bytes": item.read(), "path": item.path}, "caption": item.caption, **item.metadata}
        for item in _items(source, start, stop, progress)
    ]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def _tar(source: SceneSource, start: int, stop: int, progress: ProgressLine) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for item in _items(source, start, stop, progress):
            stem = item.path.rpartition(".")[0]
            parts = {"png": item.read(), "txt": item.caption.encode(), "json": json.dumps(dict(item.metadata)).encode()}
            for ending, data in parts.items():
                member = tarfile.TarInfo(f"{stem}.{ending}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def _sheet(seed: int) -> bytes:
    from textwrap import wrap

    from PIL import Image, ImageDraw, ImageFont

    columns, rows = SHEET
    side, gap, text = 144, 16, 52
    canvas = Image.new("RGB", (columns * (side + gap) + gap, rows * (side + text + gap) + gap), "white")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(12)
    for at in range(columns * rows):
        made = scene(seed, at, pixels=side)
        x, y = gap + (at % columns) * (side + gap), gap + (at // columns) * (side + text + gap)
        canvas.paste(Image.fromarray(made.image), (x, y))
        pen.multiline_text((x, y + side + 4), "\n".join(wrap(made.caption, 25)), fill="#444", font=font, spacing=2)
    out = io.BytesIO()
    canvas.save(out, "WEBP", quality=88, method=6)
    return out.getvalue()
