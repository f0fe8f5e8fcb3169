"""Embed the images of a collection with another encoder, into a second generation, while the first one serves."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.ingest.engine import Embedded, Engine, LoadedImage, PlannedImage, embed_locally
from index.ingest.matching import with_unique_paths
from index.ingest.opening import rules_of, tables_of
from index.ingest.report import BuildProgress, rounded
from index.ingest.segment import SEGMENT_SIZE, OpenSegment
from index.retrieval.derived import save_derived
from index.storage.errors import write_errors
from index.storage.layout import FROM_PREVIEW, STAMP, Place, thumbnail_path
from index.storage.mirror import coverage, settle
from index.storage.writer import Writer
from training.data.source import Item
from training.data.sources import open_source
from training.models.encoder import Encoder
from training.models.errors import UserError

ROUNDS = 5  # of catching up with builds that go on meanwhile
SPARE = 2.0  # times the vectors: they are written once as they come and once in the collection's order


@dataclass
class ReencodeReport:
    """What a re-embedding did, in images. images: of the collection; embedded: by this call.

    from_thumbnails: embedded from their thumbnails, since their files are out of reach, gone or changed. missing:
    without a vector; none when it is ready to be switched to.
    """

    collection: str
    encoder: str
    fingerprint: str
    images: int = 0
    embedded: int = 0
    from_thumbnails: int = 0
    missing: int = 0
    ready: bool = False
    stopped: bool = False
    seconds: float = 0.0
    images_per_second: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return rounded(asdict(self))


def reencode_collection(
    path: Path,
    encoder: Encoder,
    *,
    segment_size: int = SEGMENT_SIZE,
    progress: Callable[[BuildProgress], object] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    engine: Engine = embed_locally,
) -> ReencodeReport:
    """Embed every image of the collection at path with encoder; ids, tags, corrections and thumbnails are not touched.

    The collection serves as before; builds and removals may go on and are caught up with. Kill it at any moment: the
    next call goes on from the last segment. An image whose file is out of reach or changed is embedded from its
    thumbnail, and from its file by a later call or build. stop: asked between batches. UserError for a collection of
    that encoder, a second re-embedding with it, or a disk without room.
    """
    serving = Collection.open(path)
    if serving.fingerprint == encoder.fingerprint:
        raise UserError(f"{path} is embedded with {encoder.name} already; name another encoder.")
    _check_room(serving, encoder.dim)
    report = ReencodeReport(str(path), encoder.name, encoder.fingerprint)
    with Writer(path, encoder, encoder.fingerprint) as writer:
        if writer.manifest.revision == 0:
            writer.publish([], np.zeros((0, encoder.dim), np.float16))  # from now on others know of it
        work = _Reencoding(writer, encoder, OpenSegment(writer, segment_size), progress, report)
        for _ in range(ROUNDS):
            report.stopped = work.run(Collection.open(path), engine, stop)
            report.missing = settle(writer, Collection.open(path))
            if report.stopped or not report.missing or not work.progressed:
                break
        report.ready = not report.missing
        report.images, report.seconds = len(Collection.open(path)), time.monotonic() - work.started
        report.images_per_second = report.embedded / max(report.seconds, 1e-9)
        if report.ready:
            now = writer.now()
            report.from_thumbnails = int((now.column(STAMP) == FROM_PREVIEW).sum())
            with write_errors(path):
                save_derived(now, encoder)
    return report


class _Reencoding:
    """Rounds of embedding what the generation of a writer lacks."""

    def __init__(
        self,
        writer: Writer,
        encoder: Encoder,
        segment: OpenSegment,
        progress: Callable[[BuildProgress], object],
        report: ReencodeReport,
    ):
        self.writer, self.encoder, self.segment, self.progress, self.report = writer, encoder, segment, progress, report
        self.started = time.monotonic()
        self.progressed = False
        self.handled = 0
        self.tried: set[str] = set()  # contents whose file this call has read, or could not

    def run(self, serving: Collection, engine: Engine, stop: Callable[[], bool]) -> bool:
        """Embed each content that has no vector yet, from its file or else its thumbnail; whether it was stopped."""
        self.writer.look_again()
        have = coverage(serving, self.writer.before)
        self.rows = serving.stored.reset_index(drop=True)
        contents = self.rows["hash"]
        wanted = (have.rows < 0) | (have.thumbnails & ~contents.isin(self.tried).to_numpy(bool))
        self.replaced = self._from_thumbnail(wanted & have.thumbnails)
        self.needed = set(contents[have.rows < 0])
        first = pd.Series(wanted) & ~contents.where(wanted, None).duplicated() & wanted
        places = zip(self.rows["source"][first], self.rows["path"][first], strict=True)
        self.pending: dict[Place, int] = dict(zip(places, map(int, np.flatnonzero(first)), strict=True))
        self.tried |= set(contents[wanted])
        self.total = self.handled + len(self.pending)
        self.progressed = False
        self._show()
        images = (self._planned_files(), self._planned_thumbnails(serving.path))
        for planned in images:
            for batch in engine(planned, self.encoder, frozenset[str](), stop, serving.max_megapixels):
                self._take(batch)
                self._show()
            if stop():
                self.segment.publish()
                return bool(self.pending)
        self.segment.publish()
        return False

    def _from_thumbnail(self, wanted: np.ndarray) -> dict[str, Place]:
        """The places of the generation's rows of these contents that were embedded from thumbnails."""
        if not wanted.any():
            return {}
        rows = self.writer.before.frame(["source", "path", "hash", STAMP])
        rows = rows[rows[STAMP] == FROM_PREVIEW]
        return {hash: (source, path) for source, path, hash, _ in rows.itertuples(index=False)}

    def _planned_files(self) -> Iterator[PlannedImage]:
        """The pending images as their sources list them; what is not listed stays pending."""
        for name in dict.fromkeys(source for source, _ in list(self.pending)):
            try:
                path = self.writer.path
                items = with_unique_paths(open_source(name, rules_of(path), tables_of(path, name)))
                for item in items:
                    row = self.pending.get((name, item.path))
                    if row is not None and item.refusal is None:
                        yield PlannedImage(name, item, str(self.rows["hash"].iat[row]))
            except UserError:
                continue  # out of reach

    def _planned_thumbnails(self, folder: Path) -> Iterator[PlannedImage]:
        for (source, path), row in list(self.pending.items()):
            thumbnail = thumbnail_path(folder, str(self.rows["id"].iat[row]))
            if (known := str(self.rows["hash"].iat[row])) in self.needed and thumbnail.is_file():
                yield PlannedImage(source, Item(path, FROM_PREVIEW, 0.0, partial(Path.read_bytes, thumbnail)), known)

    def _take(self, batch: list[Embedded]) -> None:
        """Store the vectors of images that still show what their rows say; publish when the segment is due."""
        rows = [self.pending.get(_place(one)) for one in batch]
        known = [(one, row) for one, row in zip(batch, rows, strict=True) if row is not None]
        # All rows of a batch at once: one by one, pandas takes a millisecond each, longer than a small encoder.
        records = self.rows.iloc[[row for _, row in known]].to_dict("records")
        for (one, _), record in zip(known, records, strict=True):
            facts = {str(name): value for name, value in record.items()}
            if one.image is None or one.vector is None or not np.isfinite(one.vector).all():
                continue
            if one.input.item.stamp == FROM_PREVIEW:
                facts[STAMP] = FROM_PREVIEW
            elif not _same_image(one.image, facts):
                continue
            if self.pending.pop(_place(one), None) is not None:
                self._add(facts, one.vector)

    def _add(self, facts: dict[str, Any], vector: NDArray[np.float32]) -> None:
        self.handled += 1
        self.report.embedded += 1
        self.progressed = True
        self.segment.add(facts, vector, self.replaced.get(str(facts["hash"])))
        if self.segment.due:
            self.segment.publish()

    def _show(self) -> None:
        seconds = time.monotonic() - self.started
        rate = self.handled / seconds if seconds > 0 else 0.0
        left = (self.total - self.handled) / rate if rate else None
        self.progress(BuildProgress(self.handled, self.total, 0, rate, left, self.writer.manifest.images))


def _place(embedded: Embedded) -> Place:
    return embedded.input.source, embedded.input.item.path


def _same_image(image: LoadedImage, row: dict[str, Any]) -> bool:
    """Whether a file still holds the content, or the pixels, of its row."""
    shown = row.get("pixel_hash")
    return image.hash == row["hash"] or (image.pixel_hash is not None and str(image.pixel_hash) == shown)


def bytes_needed(serving: Collection, dim: int) -> int:
    """About how many bytes a generation of vectors of width dim takes while it is made."""
    items = sum(file.stat().st_size for file in serving.home.glob("segments/*/items.parquet"))
    return int(SPARE * (2 * dim * len(serving) + items))


def _check_room(serving: Collection, dim: int) -> None:
    free, needed = shutil.disk_usage(serving.path).free, bytes_needed(serving, dim)
    if free < needed:
        raise UserError(
            f"{serving.path} has room for {free / 1e6:,.0f} MB and embeddings by another encoder take about "
            f"{needed / 1e6:,.0f} MB; make room, or delete a generation: python -m index generations {serving.path}"
        )
