"""Generated scenes as parquet files or tar shards, and as a contact sheet."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from training.data.scenes.source import SceneSource, scene
from training.data.source import Item
from training.models.atomic import write_file

SHARD = 10_000  # scenes in a file
SHEET = (8, 5)  # columns and rows

Progress = Callable[[int, int], object]  # scenes done, of how many


def write_scenes(source: SceneSource, out: Path, kind: str, progress: Progress) -> int:
    """Write the scenes into the folder out, SHARD in a file; kind: "parquet" or "tar". Returns the number of files."""
    out.mkdir(parents=True, exist_ok=True)
    write = _parquet if kind == "parquet" else _tar
    starts = range(0, len(source), SHARD)
    for number, start in enumerate(starts):
        content = write(source, start, min(start + SHARD, len(source)), progress)
        write_file(out / f"{number:05d}.{kind}", content)
    return len(starts)


def _items(source: SceneSource, start: int, stop: int, progress: Progress) -> Iterator[Item]:
    for i in range(start, stop):
        yield source.item(i)
        progress(i + 1, len(source))


def _parquet(source: SceneSource, start: int, stop: int, progress: Progress) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"image": {"bytes": item.read(), "path": item.path}, "caption": item.caption, **item.metadata}
        for item in _items(source, start, stop, progress)
    ]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def _tar(source: SceneSource, start: int, stop: int, progress: Progress) -> bytes:
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


def contact_sheet(seed: int) -> bytes:
    """A WebP image of SHEET scenes with their captions."""
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
