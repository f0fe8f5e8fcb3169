"""Which columns of a table hold the paths of images and their captions."""

from collections.abc import Callable, Sequence

from training.data.remote import ADDRESS
from training.data.source import CAPTION_COLUMNS, PATH_COLUMNS, first_column
from training.data.tables.paths import FILE_URL, names_image
from training.models.errors import UserError

TRIED = 20  # of a column's first cells, of which it counts how many are files
Head = Callable[[str], Sequence[str]]  # the first cells of a column that are not empty


def choose_path_column(
    columns: Sequence[str], head: Head, is_file: Callable[[str], bool], wanted: str | None
) -> tuple[str | None, str]:
    """The column that names the images, and a sentence on the choice, "" where there was none to make.

    wanted: by its name or its number, UserError if there is none. Else of the columns that are called as PATH_COLUMNS
    are, and those whose cells end as images do, the one with the most cells that are files. None if there is none.
    """
    if wanted is not None:
        return called(columns, wanted), ""
    named = [column for name in PATH_COLUMNS for column in columns if column.lower() == name]
    heads = {column: [str(cell) for cell in head(column)[:TRIED]] for column in columns}
    candidates = named + [name for name in columns if name not in named and _looks_like_paths(heads[name])]
    if len(candidates) == 1:
        chosen = candidates[0]
        return chosen, "" if named else f"the paths are taken from the column {chosen}, whose cells end as images do"
    if not candidates:
        return None, ""
    files = {name: sum(map(is_file, heads[name])) / max(1, len(heads[name])) for name in candidates}
    images = {name: sum(map(names_image, heads[name])) / max(1, len(heads[name])) for name in candidates}
    chosen = max(candidates, key=lambda name: (files[name], images[name], -candidates.index(name)))
    tried = ", ".join(f"{name} {files[name]:.0%}" for name in candidates)
    return chosen, (
        f"the paths are taken from the column {chosen}; of the first cells of each column these are files: {tried} "
        f"(--path-column chooses another)"
    )


def choose_caption_column(columns: Sequence[str], wanted: str | None) -> str | None:
    """The column of the captions: the one that is wanted, by name or number, else the first of CAPTION_COLUMNS."""
    return called(columns, wanted) if wanted is not None else first_column(CAPTION_COLUMNS, list(columns))


def called(columns: Sequence[str], wanted: str) -> str:
    """The column with this name, in any case, or this number from 1. UserError that lists them if there is none."""
    by_name = first_column((wanted.strip().lower(),), list(columns))
    if wanted in columns or by_name is not None:
        return wanted if wanted in columns else str(by_name)
    if wanted.isdigit() and 1 <= int(wanted) <= len(columns):
        return columns[int(wanted) - 1]
    raise UserError(f"There is no column {wanted!r}; the columns are {', '.join(columns) or 'none'}.")


def no_paths(table: object, columns: Sequence[str], head: Head) -> UserError:
    """What to say of a table in which no column has paths."""
    urls = next((name for name in columns if any(_is_url(str(cell)) for cell in head(name)[:TRIED])), None)
    if urls is not None:
        return UserError(
            f"{table} has no column of paths: its column {urls} holds web addresses, which are not fetched; download "
            f"the images first, for example with img2dataset."
        )
    return UserError(
        f"{table} has no column of paths: its columns are {', '.join(columns) or 'none'}; call the one with the paths "
        f"'path', or name it with --path-column."
    )


def _looks_like_paths(cells: Sequence[str]) -> bool:
    """Whether most of the cells end as image files do and are no web addresses."""
    return sum(names_image(cell) and not _is_url(cell) for cell in cells) * 2 > len(cells)


def _is_url(cell: str) -> bool:
    return ADDRESS in cell and not FILE_URL.match(cell)
