"""OpenMoji's drawings as files with captions and groups, in a part to train on and a part to test on."""

import csv
import io
from hashlib import sha256
from pathlib import Path

from training.data.openmoji import Drawing, openmoji_drawings
from training.models.atomic import write_file

SIDE = 64  # pixels
TESTED = 5  # one family in so many is held out
FAMILY = 16  # neighbouring code points; drawings of one kind lie together, and so do their variants
COLUMNS = ("path", "caption", "label")


def write_drawings(folder: Path) -> dict[str, Path]:
    """Draw them into folder unless they are there. Gives the tables "train" and "test" (path, caption, label).

    The caption of a drawing is its name, and its label its group: things, people or symbols.
    """
    tables = {part: folder / f"{part}.csv" for part in ("train", "test")}
    if not all(table.is_file() for table in tables.values()):  # which are written last
        folder.mkdir(parents=True, exist_ok=True)
        rows: dict[str, list[tuple[str, ...]]] = {part: [] for part in tables}
        for drawing in openmoji_drawings(SIDE):
            path = folder / f"{drawing.hexcode}.png"
            path.write_bytes(drawing.png)
            rows["test" if is_held_out(drawing) else "train"].append((path.name, drawing.caption, drawing.group))
        for part, table in tables.items():
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows[part]])
            write_file(table, text.getvalue().encode())
    return tables


def is_held_out(drawing: Drawing) -> bool:
    """Whether it is tested on: a whole family is, so that no near copy of it was trained on."""
    family = int(drawing.hexcode.partition("-")[0], 16) // FAMILY
    return sha256(str(family).encode()).digest()[0] % TESTED == 0
