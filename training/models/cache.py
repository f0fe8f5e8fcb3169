"""Where what can be made again is kept: exported towers, class embeddings, the demo collection."""

import atexit
import errno
import logging
import os
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from training.models.errors import UserError
from training.models.file_lock import LOCK_FILE

STANDS_IN = ".stands-in"  # a file in a temporary cache
READ_FROM = ".read-from"  # in a temporary cache: the path of the one that cannot be written
ROOM = 50e6  # bytes: a disk with less is full, since an exported encoder would not fit
WRITTEN_IN_PLACE = (".sqlite",)  # endings; all other files are replaced whole

log = logging.getLogger(__name__)


def cache_dir(*parts: str) -> Path:
    """$GELATO_CACHE, else gelato/ in the user's cache folder, with parts below it; made if missing.

    Where that cannot be written, a temporary folder of this process and its children takes its place; what the cache
    holds is read from there all the same.
    """
    top = _writable(*_base_and_name())
    for part in parts[:1]:
        _fill(top, part)
    folder = top.joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def preferred_folder() -> Path:
    """Where the cache lies if that can be written. RuntimeError if the user has no home folder."""
    return _place(*_base_and_name())


def _base_and_name() -> tuple[str, str]:
    if own := os.environ.get("GELATO_CACHE"):
        return own, ""
    return os.environ.get("XDG_CACHE_HOME") or "", "gelato"


def _place(base: str, name: str) -> Path:
    """name in base, or in the user's cache folder if that is empty."""
    return (Path(base).expanduser() if base else Path.home() / ".cache") / name


@cache
def _writable(base: str, name: str) -> Path:
    """_place(base, name), or a temporary folder, with a warning."""
    folder = None
    try:
        folder = _place(base, name)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            if shutil.disk_usage(folder).free < ROOM and not (folder / STANDS_IN).exists():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return folder
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        temporary = _temporary(folder)
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        os.environ["GELATO_CACHE"] = str(temporary)  # for child processes
        readable = folder is not None and folder.is_dir() and os.access(folder, os.R_OK)
        if folder is not None and readable:
            (temporary / READ_FROM).write_text(str(folder.absolute()), encoding="utf-8")
        log.warning(
            "The cache folder %s cannot be written (%s): %s a temporary one is used; "
            "set GELATO_CACHE to a folder that can be written.",
            base or "of this user",
            getattr(error, "strerror", None) or error,
            "it is only read and for new files" if readable else "what is cached is made again next time, and",
        )
        return temporary


def _temporary(refused: Path | None) -> Path:
    try:
        folder = Path(tempfile.mkdtemp(prefix="gelato-"))
        (folder / STANDS_IN).touch()
        return folder
    except OSError as error:
        raise UserError(
            f"Neither the cache folder {refused or ''} nor a temporary one can be written "
            f"({error.strerror or error}); set GELATO_CACHE to a folder that can be."
        ) from error


@cache
def _fill(top: Path, part: str) -> None:
    """Link in a temporary cache what the cache that it stands for holds in the folder part."""
    try:
        held = Path((top / READ_FROM).read_text(encoding="utf-8"), part)
    except OSError:  # the usual case: it is the cache itself
        return
    for folder, _, names in os.walk(held):
        own = top / part / Path(folder).relative_to(held)
        own.mkdir(parents=True, exist_ok=True)
        for name in names:
            if name != LOCK_FILE:
                with suppress(OSError):  # it cannot be read; then it is made again
                    _stand_in(own / name, Path(folder, name))


def _stand_in(own: Path, held: Path) -> None:
    """own becomes a link to held, or a copy where it is written in place, or where links are not to be had."""
    if own.exists():
        return
    if held.suffix not in WRITTEN_IN_PLACE:
        try:
            own.symlink_to(held)
            return
        except OSError:  # Windows has them for administrators alone
            pass
    shutil.copyfile(held, own)
