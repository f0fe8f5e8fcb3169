"""Where what can be made again is kept: exported towers, class embeddings, the demo collection."""

import atexit
import logging
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

log = logging.getLogger(__name__)


def cache_dir(*parts: str) -> Path:
    """$GELATO_CACHE, else gelato/ in the user's cache folder, with parts below it; made if missing.

    Where that cannot be written, a temporary folder of this process and its children takes its place.
    """
    base = os.environ.get("GELATO_CACHE") or os.environ.get("XDG_CACHE_HOME") or ""
    folder = _writable(base, "" if os.environ.get("GELATO_CACHE") else "gelato").joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@cache
def _writable(base: str, name: str) -> Path:
    """name in base, or in the user's cache folder if that is empty; else a temporary folder, with a warning."""
    try:
        folder = (Path(base).expanduser() if base else Path.home() / ".cache") / name
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        temporary = Path(tempfile.mkdtemp(prefix="gelato-"))
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        os.environ["GELATO_CACHE"] = str(temporary)  # for child processes
        log.warning(
            "The cache folder %s cannot be written (%s), so a temporary one is used and made again next time; "
            "set GELATO_CACHE to a folder that can be written.",
            base or "of this user",
            getattr(error, "strerror", None) or error,
        )
        return temporary
