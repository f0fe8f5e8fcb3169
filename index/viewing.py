"""One image as its source holds it, to be looked at: checked to be the one that was indexed, at the size of a window.

Nothing here takes a path from a request: an id leads to a row, and a row to the place that a build has stored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from index.collection import Collection
from index.export.originals import is_gone, original_file
from index.export.roots import source_root
from index.export.same_image import CHANGED, Built, shows_another
from index.storage.cells import as_text
from training.data.folder import read_file
from training.data.sources import open_source
from training.data.tables.options import TableOptions
from training.models.decoding import decode_image
from training.models.errors import UserError
from training.models.file_names import file_name
from training.models.preprocess import shrink_pixels

SIDES = (1080, 1600, 2400, 3600, 5400, 8000)  # pixels of the longer side that an image is shown at
QUALITY = 90  # of the JPEG
OFFLINE = "its drive or folder is not there now"


@dataclass(frozen=True)
class Original:
    """A file of an image. file: where it lies, without symbolic links; None inside an archive.

    key: differs whenever the file may have changed. read: its bytes; UserError if they show another image than the one
    that was indexed, or cannot be read.
    """

    name: str
    file: Path | None
    key: tuple[object, ...]
    read: Callable[[], bytes]


def original_of(collection: Collection, id: str) -> Original:
    """The first file of the image called id that is where a build found it.

    KeyError if there is no such image; UserError, a sentence, if none of its files may be shown.
    """
    rows = collection.rows([id])
    if not len(rows):
        raise KeyError(id)
    reasons: list[str] = []
    for row in rows.tolist():
        found = _of_row(collection, row)
        if not isinstance(found, str):
            return found
        reasons.append(found)
    raise UserError(f"The original cannot be shown: {reasons[0]}.")


def resized(data: bytes, side: int, most_megapixels: float) -> bytes:
    """An image of any format as a JPEG without metadata, its longer side at most side pixels.

    UserError if it cannot be read.
    """
    # The decoder gives a large JPEG at a fraction of its size, at least twice what is asked for of the shorter side.
    decoded = decode_image(data, side // 2, most_megapixels)
    out = BytesIO()
    Image.fromarray(shrink_pixels(decoded.pixels, side)).save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()


def _of_row(collection: Collection, row: int) -> Original | str:
    """The file of a row, or why it may not be shown."""
    record = collection.record(row, ("source", "path", "stamp", "hash", "pixel_hash", "bytes"))
    source, path = str(record["source"]), str(record["path"])
    root = source_root(source)
    file = original_file(source, path)
    if file is None and (root is None or _in_archive(root, path)):
        return _inside(collection, record)
    if file is None or root is None:
        offline = is_gone(source) or bool(collection.offline[row])
        return OFFLINE if offline else "its file was moved or deleted"
    try:
        place, facts = file.resolve(strict=True), file.stat()
        # A table may list images of other folders; those of a folder lie in it.
        within = root if Path(source).is_dir() else file.parent
        if not place.is_relative_to(within.resolve()):
            return "a link leads out of the folder that was indexed"
    except OSError as error:
        return f"it cannot be read: {error.strerror or 'the system gives no reason'}"
    except RuntimeError:  # the error's own text names the path, which is not for everyone who sees the page
        return "it cannot be read: its links lead in a circle"
    key = (str(place), facts.st_size, facts.st_mtime_ns, record["hash"])
    return Original(file_name(path), place, key, _checked(collection, record, lambda: read_file(place)))


def _in_archive(root: Path, path: str) -> bool:
    """Whether a path goes on behind a file: a tar or parquet file in a folder."""
    return any((root / above).is_file() for above in PurePosixPath(path).parents)


def _inside(collection: Collection, record: Mapping[str, Any]) -> Original | str:
    """The bytes of a row whose source has no files of its own, or why they cannot be had."""
    source, path = str(record["source"]), str(record["path"])
    if is_gone(source):
        return OFFLINE
    try:
        tables = TableOptions().over(collection.manifest.tables.get(source, {}))
        item = open_source(source, tables=tables).find(path)
    except (UserError, OSError) as error:
        return f"its source cannot be read: {str(error).rstrip('.')}"
    if item is None:
        return "it is not in its archive any more"
    key = (source, path, item.stamp, record["hash"])
    return Original(file_name(path), None, key, _checked(collection, record, item.read))


def _checked(collection: Collection, record: Mapping[str, Any], read: Callable[[], bytes]) -> Callable[[], bytes]:
    """read, except that it raises UserError for bytes that are not those of the image that was indexed."""
    stamp, hash, pixels = (as_text(record[name]) for name in ("stamp", "hash", "pixel_hash"))
    built = Built(stamp, hash, pixels, collection.max_megapixels)

    def reading() -> bytes:
        try:
            data = read()
        except OSError as error:
            raise UserError(f"The original cannot be shown: it cannot be read: {error.strerror or error}.") from error
        if shows_another(data, built) if hash else len(data) != record["bytes"]:
            raise UserError(f"The original cannot be shown: {CHANGED}.")
        return data

    return reading
