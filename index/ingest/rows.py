"""Rows of a collection's item table: what is known of each image, under columns that never clash."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from index.ingest.engine import LoadedImage, PlannedImage
from index.storage.cells import as_json
from index.storage.items import escape_surrogates
from index.storage.layout import BUILD_COLUMNS, OFFLINE, REQUIRED_COLUMNS
from training.data.metadata.columns import of_source, row_of

NOT_SAID = {name for name in REQUIRED_COLUMNS + BUILD_COLUMNS if name != "caption"}  # found out by a build itself


def item_row(id: str, planned: PlannedImage, image: LoadedImage, size: tuple[int, int]) -> dict[str, Any]:
    """The row of an image. size: width and height in pixels. What a source says goes before the file's own."""
    item = planned.item
    facts = {
        "id": id,
        "source": planned.source,
        "path": item.path,
        "width": size[0],
        "height": size[1],
        "bytes": image.length,
        "modified": utc_timestamp(item.modified),
        "hash": image.hash,
        "caption": escape_surrogates(item.caption),
        "stamp": escape_surrogates(item.stamp),
        "pixel_hash": str(image.pixel_hash) if image.pixel_hash else "",
    }
    metadata = metadata_columns(of_source(item.metadata))
    if len(item.captions) > 1:
        metadata["captions"] = "\n".join(" ".join(escape_surrogates(text).split()) for text in item.captions)
    return facts | row_of(metadata, image.exif)


def metadata_columns(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A source's own columns; what it calls width, id, ... becomes source_width, beside what was measured."""
    reserved = (*REQUIRED_COLUMNS, *BUILD_COLUMNS, OFFLINE)
    return {
        (f"source_{name}" if name in reserved else escape_surrogates(str(name))): value
        for name, value in metadata.items()
    }


def says_the_same(row: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether two rows of one image hold the same caption and metadata, as they are stored."""
    names = (row.keys() | stored.keys()) - NOT_SAID
    cells = ((as_json(row.get(name)), as_json(stored.get(name))) for name in names)
    return all(one == other or str(one) == str(other) for one, other in cells)


def utc_timestamp(seconds: float) -> pd.Timestamp:
    """Seconds since 1970 as a date in UTC, without a time zone: filters compare it with plain dates."""
    try:
        return pd.Timestamp(seconds, unit="s").floor("s")
    except (ValueError, OverflowError):  # a tar's header may hold any number
        return pd.Timestamp(0, unit="s")
