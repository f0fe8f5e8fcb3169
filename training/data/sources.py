"""A SOURCE of the command line, whatever its kind, as pictures."""

import os
from pathlib import Path

from training.data.folder import PICTURES, FolderSource
from training.data.shards import ShardSource, expand_braces
from training.data.source import Source
from training.models.errors import UserError

KINDS = "a folder of pictures, a CSV or TSV with a path column, a parquet file or folder, tar shards, or scenes:N"


def open_source(spec: str | Path) -> Source:
    """The source that spec names: a folder, a .csv, .tsv, .parquet or .tar file, shards/{000..099}.tar, or scenes:N.

    UserError if there is nothing at spec, or nothing that is one of these.
    """
    spec = os.fspath(spec)
    if spec.startswith("scenes:"):
        from training.data.scenes import SceneSource

        return SceneSource.of(spec)
    if "{" in spec and spec.endswith(".tar"):
        return _shards(spec)
    path = Path(spec).expanduser()
    if not path.exists():
        raise UserError(f"There is nothing at {spec}; a source is {KINDS}.")
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        raise UserError(f"{spec} is neither a folder nor a regular file; a source is {KINDS}.")
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv"):
        from training.data.table import CsvSource

        return CsvSource(path)
    if kind == ".parquet":
        from training.data.table import ParquetSource

        return ParquetSource(path)
    if kind == ".tar":
        return _shards(spec)
    if kind in PICTURES:
        raise UserError(f"{spec} is a single picture; name the folder it lies in.")
    raise UserError(f"{spec} is not a source: its ending is {kind or 'missing'}; a source is {KINDS}.")


def _of_folder(path: Path) -> Source:
    """A folder of tables or shards if that is all it holds, else a folder of pictures."""
    try:
        endings = {Path(entry.name).suffix.lower() for entry in os.scandir(path) if Path(entry.path).is_file()}
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    if not endings & set(PICTURES):
        if ".parquet" in endings:
            from training.data.table import ParquetSource

            return ParquetSource(path)
        if ".tar" in endings:
            return ShardSource(str(path.resolve()), sorted(path.resolve().glob("*.tar")))
    return FolderSource(path)


def _shards(spec: str) -> ShardSource:
    names = expand_braces(str(Path(spec).expanduser().absolute()))
    missing = [name for name in names if not Path(name).is_file()]
    if missing:
        raise UserError(f"{len(missing)} of the {len(names)} shards of {spec} are missing, the first is {missing[0]}.")
    return ShardSource(
        names[0] if len(names) == 1 else str(Path(spec).expanduser().absolute()), [Path(n) for n in names]
    )
