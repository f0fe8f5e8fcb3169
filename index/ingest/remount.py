"""A drive that came back under another name: its rows move to the new place, and no image is read twice."""

import os
from hashlib import sha256
from pathlib import Path

import pandas as pd

from index.storage.annotations import writing
from index.storage.writer import Writer
from training.data.folder import FolderSource, read_file
from training.data.source import Source

SAMPLE = 16  # files of a source whose content is compared
ENOUGH = 0.5  # of them that have to be there with the same content: a drive may have changed meanwhile


def settle_name(writer: Writer, source: Source) -> int:
    """Let a folder that the collection knows under another name be that source; how many rows it moved.

    A name for the same folder (another case of letters, a bind mount) gives way to the stored one. The rows of a
    folder that is not there any more, or empty, move to source if a sample of its files lies there unchanged.
    """
    if not isinstance(source, FolderSource) or not writer.manifest.images:
        return 0
    names = [str(name) for name in writer.before.stored["source"].unique()]
    if source.name in names:
        return 0
    for name in names:
        if os.path.isdir(name) and os.path.samefile(name, source.name):
            source.name = name
            return 0
    rows = writer.before.stored
    for name in names:
        if _is_absent(name) and _is_the_same(rows[rows["source"] == name], source.folder):
            moved = writer.rename_source(name, source.name)
            with writing(writer.path) as connection:  # where each image was seen last
                connection.execute("UPDATE OR REPLACE places SET source = ? WHERE source = ?", (source.name, name))
            writer.look_again()
            return moved
    return 0


def _is_absent(name: str) -> bool:
    """Whether nothing is left of the folder called name. An address or a table is no such folder."""
    if not os.path.isabs(name) or os.path.isfile(name):
        return False
    try:
        with os.scandir(name) as listed:
            return next(listed, None) is None
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _is_the_same(rows: pd.DataFrame, folder: Path) -> bool:
    """Whether a sample of rows lies in folder with the same content."""
    step = max(1, len(rows) // SAMPLE)
    sample = rows.iloc[::step][:SAMPLE]
    same = sum(
        _has_content(folder / path, content) for path, content in zip(sample["path"], sample["hash"], strict=True)
    )
    return same >= ENOUGH * len(sample)


def _has_content(path: Path, content: str) -> bool:
    try:
        return sha256(read_file(path)).hexdigest() == content
    except (OSError, ValueError):
        return False
