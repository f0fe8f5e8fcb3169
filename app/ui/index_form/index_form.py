"""What the forms that index a folder ask the server for."""

from collections.abc import Mapping
from typing import Any

from app.state.folders import listing, subfolders
from app.state.indexing import index_folder
from app.state.library import Library


def start_index(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Start to index fields["source"]; encoder and name may be left out. The key of the new collection."""
    encoder = str(fields.get("encoder") or "").strip() or "starter"
    opened = index_folder(library, str(fields.get("source") or ""), encoder, str(fields.get("name") or "")[:80])
    return {"key": opened.key}


def offer_folders(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The folders that the path fields["typed"] may go on with."""
    return {"folders": subfolders(library, str(fields.get("typed") or "")[:4000])}


def list_folder(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The folders in fields["path"] with their numbers of images, for the folder picker."""
    return listing(library, str(fields.get("path") or "")[:4000])
