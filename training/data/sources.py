"""A SOURCE of the command line, whatever its kind, as images."""

import os
import re
from pathlib import Path

from training.data.exclusions import Exclusions
from training.data.folder import FolderSource
from training.data.folder_contents import contents_of
from training.data.patterns import check_single, matched, names_several
from training.data.remote import ADDRESS, RemoteFolder, RemotePath
from training.data.shards import ShardSource
from training.data.source import Source
from training.data.tables.options import TableOptions
from training.data.walk import is_collection
from training.models.errors import UserError
from training.models.file_names import check_utf8
from training.models.formats import IMAGES

KINDS = (
    "a folder of images, a CSV or TSV with a path column, a parquet file or folder, tar shards, any of these at an "
    "address such as s3://bucket/folder, a torchvision name such as cifar10, or scenes:N"
)
Place = Path | RemotePath
TABLES = (".csv", ".tsv", ".tab", ".psv", ".txt", ".token", ".lst")
SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")


def open_source(spec: str | Path, rules: Exclusions | None = None, tables: TableOptions | None = None) -> Source:
    """The source that spec names: a folder, a .csv, .tsv, .parquet or .tar file, shards/{000..099}.tar or
    shards/*.tar, an address of any of these, a torchvision name (`cifar10`, or `cifar10:ROOT` for where it lies), or
    scenes:N.

    rules: what is left out of a folder besides the defaults. tables: how to read tables. UserError if there is nothing
    at spec, or nothing that is one of these.
    """
    spec = os.fspath(spec)
    if spec.startswith("scenes:"):
        from training.data.scenes.source import SceneSource

        return SceneSource.of(spec)
    path: Place = RemotePath(spec) if ADDRESS in spec else Path(spec).expanduser()
    try:
        if names_several(spec):
            return _of_pattern(spec, tables)
        if isinstance(path, Path):
            check_utf8(path.resolve(), "rename the folder, or name one that holds a link to it")
        return _at(path, spec, rules or Exclusions(), tables)
    except OSError as error:
        raise UserError(f"{spec} cannot be read: {error.strerror or error}.") from error


def _at(path: Place, spec: str, rules: Exclusions, tables: TableOptions | None) -> Source:
    if not spec.strip() or not path.exists():
        check_single(spec)
        if isinstance(path, Path) and names_dataset(spec):
            from training.data.torchvision_sets import open_dataset

            return open_dataset(spec)
        raise UserError(f"There is nothing at {spec}; a source is {KINDS}.")
    if path.is_dir():
        return _of_folder(path, rules, tables)
    if not path.is_file():
        raise UserError(f"{spec} is neither a folder nor a regular file; a source is {KINDS}.")
    kind = path.suffix.lower()
    if kind in TABLES:
        from training.data.tables.csv_source import CsvSource

        return CsvSource(path, tables)
    if kind == ".parquet":
        from training.data.tables.parquet_source import ParquetSource

        return ParquetSource(path, options=tables)
    if kind == ".tar":
        return ShardSource(_whole(spec), [path if isinstance(path, RemotePath) else path.absolute()])
    if kind in SPREADSHEETS:
        raise UserError(f"{spec} is a spreadsheet; save it as CSV, and name that file.")
    if kind in IMAGES:
        raise UserError(f"{spec} is a single image; name the folder it lies in.")
    raise UserError(f"{spec} is not a source: its ending is {kind or 'missing'}; a source is {KINDS}.")


def names_dataset(spec: str) -> bool:
    r"""Whether spec is spelt as a torchvision name is, alone or with a root; C:\Photos is none."""
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9]+(:.+)?", spec) is not None


def _of_folder(path: Place, rules: Exclusions, tables: TableOptions | None) -> Source:
    """A folder of tables or shards if it holds these and no image, else a folder of images."""
    if isinstance(path, Path):
        path = path.resolve()
        with os.scandir(path) as entries:
            if is_collection(entries):
                raise UserError(f"{path} is a collection; name the folder with the images that it was built from.")
    contents = contents_of(path, Exclusions.of(rules.exclude, rules.include, path.name))
    source: Source
    if contents is not None and contents.parquet:
        from training.data.tables.parquet_source import ParquetSource

        source = ParquetSource(path, sorted(path / name for name in contents.parquet), tables)
    elif contents is not None and contents.tars:
        source = ShardSource(str(path), sorted(path / name for name in contents.tars), path)
    else:
        return RemoteFolder(path, rules) if isinstance(path, RemotePath) else FolderSource(path, rules)
    assert contents is not None
    source.beside = contents.others
    return source


def _of_pattern(spec: str, tables: TableOptions | None) -> Source:
    """Shards, or parquet files, of names that follow a pattern."""
    names = matched(spec)
    places: list[Place] = [RemotePath(name) if ADDRESS in spec else Path(name) for name in names]
    missing = [str(place) for place in places if not place.is_file()]
    if missing:
        what = "shards" if places[0].suffix.lower() == ".tar" else "files"
        raise UserError(f"{len(missing)} of the {len(names)} {what} of {spec} are missing, the first is {missing[0]}.")
    if places[0].suffix.lower() == ".parquet":
        from training.data.tables.parquet_source import ParquetSource

        folder = Path(os.path.commonpath([Path(name).parent for name in names])) if ADDRESS not in spec else None
        return ParquetSource(folder or places[0].parent, places, tables)
    return ShardSource(names[0] if len(names) == 1 else _whole(spec), places)


def _whole(spec: str) -> str:
    """A name that does not depend on the working directory."""
    return spec if ADDRESS in spec else str(Path(spec).expanduser().absolute())
