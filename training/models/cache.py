"""Where what can be made again is kept: exported towers, class embeddings, the demo collection."""

import os
from pathlib import Path


def cache_dir(*parts: str) -> Path:
    """$GELATO_CACHE, else gelato/ in the user's cache folder, with parts below it; made if missing."""
    base = os.environ.get("GELATO_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gelato"
    folder = Path(base).expanduser().joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
