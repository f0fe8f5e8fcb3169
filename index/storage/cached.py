"""The collections that live in the cache, such as those that the page makes of a folder."""

import hashlib
import re
from pathlib import Path

from training.models.cache import cache_dir
from training.models.file_names import safe_name


def cached_collection(name: str, source: Path, encoder_name: str) -> Path:
    """Where the collection made of source lives in the cache: one for each source and encoder."""
    mark = hashlib.sha256(f"{source.resolve()}\n{encoder_name}".encode()).hexdigest()[:8]
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "images"
    return cache_dir("collections") / f"{safe_name(safe[:60])}-{mark}.gelato"
