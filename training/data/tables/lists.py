"""Lists of paths: tables of one column, in whose names a comma is no end of a cell."""

from collections.abc import Callable, Sequence

from training.data.source import PATH_COLUMNS
from training.data.tables.paths import bare, names_image
from training.data.tables.rows import SEPARATORS

LOOKED_UP = 50  # lines
ONE_PATH_A_LINE = "each line is one path, whatever separators it holds"


def is_list_of_paths(lines: Sequence[str], is_file: Callable[[str], bool]) -> bool:
    """Whether lines with separators are paths as a whole: most of them are files, or the only column is of paths."""
    separated = [line for line in lines if any(separator in line for separator in SEPARATORS)]
    paths = [line for line in separated if names_image(line)]
    if not paths or len(paths) * 2 <= len(separated):
        return False
    first = next(filter(None, map(bare, lines)), "")
    return first.lower() in PATH_COLUMNS or sum(map(is_file, paths[:LOOKED_UP])) * 2 > len(paths[:LOOKED_UP])
