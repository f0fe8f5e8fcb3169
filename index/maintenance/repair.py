"""Let go of what is damaged in a collection, so that the build that follows makes it again."""

from collections.abc import Collection as Names
from pathlib import Path

import numpy as np
import pandas as pd

from index.maintenance.verify import Fault, find_faults
from index.storage.layout import FAILURES, INDEX_FILE, INDEX_JSON, TEXT_INDEX
from index.storage.segments import ITEMS
from index.storage.writer import Writer
from training.models.errors import UserError


def repair_collection(writer: Writer, sources: Names[str]) -> int:
    """Drop damaged segments and rows, and derived files that are broken; how many images were dropped.

    sources: the names of the sources that are about to be built. UserError, and nothing is changed, if a
    damaged image came from another one: it would be lost. Where a segment is so broken that it does not
    say where its images came from, they count as from sources.
    """
    if not writer.manifest.revision:
        return 0
    faults = find_faults(writer.path)
    segments = list(dict.fromkeys(fault.segment for fault in faults if fault.segment))
    places = {place for fault in faults for place in fault.places}
    lost = {name for segment in segments for name in _origins(writer.home / "segments" / segment)}
    strangers = sorted((lost | {source for source, _ in places}) - set(sources))
    if strangers:
        raise UserError(
            f"Damaged images came from {', '.join(strangers)} too; name it as a further SOURCE, so that "
            f"they can be made again. Nothing was changed."
        )
    before = writer.manifest.images
    if segments:
        writer.discard(segments)
    if places:
        writer.publish([], np.zeros((0, writer.manifest.dim), np.float16), places)
    writer.look_again()
    for file in _derived(faults):
        ((writer.path if file == FAILURES else writer.home) / file).unlink(missing_ok=True)
    return before - writer.manifest.images


def _origins(segment: Path) -> set[str]:
    """The sources of a segment's images; none if that cannot be read any more."""
    try:
        return set(pd.read_parquet(segment / ITEMS, columns=["source"])["source"])
    except (OSError, ValueError):
        return set()


def _derived(faults: list[Fault]) -> list[str]:
    """Files that are made again without their images."""
    kinds = {fault.kind for fault in faults}
    search = [INDEX_JSON, INDEX_FILE, TEXT_INDEX] if "search" in kinds else []
    return search + ([FAILURES] if "failures" in kinds else [])
