"""Embed what is new or changed since last time, and let go of what is gone."""

import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import FACTS, HIDDEN, Collection, read_failures
from index.ingest.plan import Plan
from index.ingest.reading import Loaded, Seen, read_and_embed
from index.maintenance.repair import repair_collection
from index.retrieval.faiss_index import save_nearest
from index.storage.writer import Writer, legible, written
from training.data.source import Item
from training.data.sources import open_source
from training.models.encoder import Encoder

SEGMENT_SIZE = 1000  # images
SEGMENT_SECONDS = 30.0  # a segment closes after this long even if it is not full
FIRST_SEGMENT_SECONDS = 2.0  # the first one sooner, so that there is something to search

Engine = Callable[
    [Iterable[tuple[str, Item]], Encoder, Container[str], Callable[[], bool]], Iterator[list[Seen]]
]  # as read_and_embed


@dataclass(frozen=True)
class Progress:
    """How far a build is. rate: images a second; left: seconds to go, None while unknown."""

    done: int
    total: int
    failed: int
    rate: float
    left: float | None
    searchable: int


@dataclass
class BuildReport:
    """What a build did, in images. images: all that are searchable now."""

    collection: str
    encoder: str
    runtime: str
    precision: str
    images: int = 0
    added: int = 0
    updated: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    embedded: int = 0
    repaired: int = 0
    failed: int = 0
    seconds: float = 0.0
    images_per_second: float = 0.0
    stopped: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(self).items()}


def build_collection(
    sources: Sequence[str | Path],
    into: Path,
    encoder: Encoder,
    *,
    prune: bool = False,
    segment_size: int = SEGMENT_SIZE,
    progress: Callable[[Progress], object] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    repair: bool = False,
    engine: Engine = read_and_embed,
) -> BuildReport:
    """Bring the collection at into up to date with sources; images of other sources stay as they are.

    Kill it at any moment: what it published stays, and the next build goes on from there.
    prune: let more than half of a source's images go. stop: asked between batches; when it says
    so, the build publishes what it has and ends. repair: first let go of what is damaged, see
    repair_collection, so that it is made again from its images. engine: what reads and embeds: the cores
    of this machine, or `cluster.RayEngine`. UserError for a source that is missing or empty, a collection
    of another encoder, or a second build of the same collection.
    """
    opened = [open_source(source) for source in sources]
    with Writer(into, encoder) as writer:
        dropped = repair_collection(writer, [source.name for source in opened]) if repair else 0
        build = _Build(writer, encoder, segment_size, progress, stop, engine)
        build.report.repaired = dropped
        for source in opened:
            build.plan.compare(source, prune)
        return build.run()


@dataclass
class _Segment:
    """Rows that are not published yet."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    vectors: list[NDArray] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)


def moment(seconds: float) -> pd.Timestamp:
    """Seconds since 1970 as a date in UTC, without saying so: filters compare it with plain dates."""
    try:
        return pd.Timestamp(seconds, unit="s").floor("s")
    except (ValueError, OverflowError):  # a tar's header may hold any number
        return pd.Timestamp(0, unit="s")


def _drained(todo: list[tuple[str, Item]]) -> Iterator[tuple[str, Item]]:
    """What is to be done, in its order; what was given is kept no longer."""
    todo.reverse()
    while todo:
        yield todo.pop()


class _Build:
    """One run of build_collection."""

    def __init__(
        self,
        writer: Writer,
        encoder: Encoder,
        segment_size: int,
        progress: Callable[[Progress], object],
        stop: Callable[[], bool],
        engine: Engine,
    ):
        self.writer, self.encoder, self.segment_size = writer, encoder, segment_size
        self.progress, self.stop, self.engine = progress, stop, engine
        self.report = BuildReport(str(writer.path), encoder.name, encoder.runtime, encoder.precision)
        self.started = time.monotonic()
        stored = writer.before.stored
        self.old = stored
        self.plan = Plan(stored)
        self.ids = set(stored["id"])
        self.failures: list[dict[str, str]] = []
        self.segment = _Segment()

    def run(self) -> BuildReport:
        """Do what was planned."""
        self.movable = self.plan.movable()
        self.report.unchanged = self.plan.unchanged
        self.planned = len(self.plan.todo)
        self._tell(0)
        done = 0
        for batch in self.engine(_drained(self.plan.todo), self.encoder, self.plan.by_hash, self.stop):
            for seen in batch:
                self._take(seen.source, seen.item, seen.loaded, seen.vector)
                if self._full():
                    self._publish()
            done += len(batch)
            self._tell(done)
        self.report.stopped = done < self.planned
        if not self.report.stopped:
            self._let_go()
        self._publish(failures=self._all_failures())
        self._finish(done)
        return self.report

    def _take(self, name: str, item: Item, loaded: Loaded, vector: NDArray | None) -> None:
        """Make a row of what was read, or a failure."""
        if loaded.reason:
            self._fail(name, item, loaded.reason)
        elif vector is None:
            self._reuse(name, item, loaded)
        elif not np.isfinite(vector).all():
            self._fail(name, item, "the encoder gave no finite vector for it")
        else:
            self.report.embedded += 1
            row = self.plan.at.get((name, item.path))
            self.report.updated += row is not None
            self.report.added += row is None
            id = self._new_id(loaded.hash)
            self.writer.thumbnail(id, loaded.thumbnail)
            self._add(name, item, loaded, id, loaded.size, vector, replaces=row)

    def _reuse(self, name: str, item: Item, loaded: Loaded) -> None:
        """An image whose content the collection already holds: touched, moved or copied; not embedded again."""
        same = self.plan.by_hash[loaded.hash]
        row = self.plan.at.get((name, item.path))
        moved = None if row is not None else next((r for r in same if r in self.movable), None)
        twin = self.old.iloc[same[0]]
        if row is not None and row in same:  # only its date or its caption changed
            id = self.old["id"].iat[row]
            caption_changed = self.old["caption"].iat[row] != item.caption
            self.report.updated += caption_changed
            self.report.unchanged += not caption_changed
        elif moved is not None:
            id, row = self.old["id"].iat[moved], moved
            self.movable.discard(moved)
            self.plan.gone.discard(moved)
            self.report.moved += 1
        else:
            id = self._new_id(loaded.hash)
            self.report.updated += row is not None
            self.report.added += row is None
        size = (int(twin["width"]), int(twin["height"]))
        self._add(name, item, loaded, id, size, self.writer.before.vectors[same[0]], replaces=row)

    def _add(
        self,
        name: str,
        item: Item,
        loaded: Loaded,
        id: str,
        size: tuple[int, int],
        vector: NDArray,
        replaces: int | None,
    ) -> None:
        facts = {
            "id": id,
            "source": name,
            "path": item.path,
            "width": size[0],
            "height": size[1],
            "bytes": loaded.length,
            "modified": moment(item.modified),
            "hash": loaded.hash,
            "caption": legible(item.caption),
            "stamp": legible(item.stamp),
        }
        # What the source itself calls width, id, ... stays readable beside what we measured.
        reserved = FACTS + HIDDEN
        metadata = {(f"source_{k}" if k in reserved else legible(str(k))): v for k, v in item.metadata.items()}
        if item.further:
            metadata["captions"] = "\n".join(" ".join(legible(text).split()) for text in item.captions)
        self.segment.rows.append(facts | {**loaded.exif, **metadata})  # what the source says of a date goes first
        self.segment.vectors.append(np.asarray(vector, np.float16))
        if replaces is not None:
            self.segment.dropped.append(self.old["id"].iat[replaces])

    def _new_id(self, content: str) -> str:
        """A prefix of the content's hash; copies of an image are told apart by -2, -3, ..."""
        id, copy = content[:16], 1
        while id in self.ids:
            copy += 1
            id = f"{content[:16]}-{copy}"
        self.ids.add(id)
        return id

    def _fail(self, name: str, item: Item, reason: str) -> None:
        self.failures.append({"source": name, "path": item.path, "reason": legible(" ".join(reason.split()))})
        row = self.plan.at.get((name, item.path))
        if row is not None:  # it was an image once and is none now
            self.plan.gone.add(row)

    def _let_go(self) -> None:
        self.segment.dropped += [self.old["id"].iat[row] for row in sorted(self.plan.gone)]
        self.report.removed = len(self.plan.gone)

    def _full(self) -> bool:
        seconds = SEGMENT_SECONDS if self.writer.manifest.segments else FIRST_SEGMENT_SECONDS
        rows = len(self.segment.rows)
        return rows >= self.segment_size or (rows > 0 and time.monotonic() - self.segment.started > seconds)

    def _publish(self, failures: pd.DataFrame | None = None) -> None:
        """Show readers what has gathered. Rows and the rows they replace change places in one step."""
        segment, self.segment = self.segment, _Segment()
        # An image that kept its id is in both lists; the old row goes by name before the new one is written.
        self.writer.publish(segment.rows, np.asarray(segment.vectors), segment.dropped, failures)

    def _all_failures(self) -> pd.DataFrame:
        """This build's failures, and those of sources it did not look at."""
        before = read_failures(self.writer.path)
        others = before[~before["source"].isin(self.plan.sources)].to_dict("records")
        return pd.DataFrame([*others, *self.failures], columns=["source", "path", "reason"])

    def _finish(self, done: int) -> None:
        now = Collection.open(self.writer.path)
        ids = now.column("id")
        self.writer.forget_thumbnails(set(self.old["id"]) - set(ids), ids)
        with written(self.writer.path):
            save_nearest(now, self.encoder)
        self.report.images, self.report.failed = len(now), now.manifest.failed
        self.report.seconds = time.monotonic() - self.started
        self.report.images_per_second = self.report.embedded / max(self.report.seconds, 1e-9)
        self._tell(done)

    def _tell(self, done: int) -> None:
        seconds = time.monotonic() - self.started
        rate = done / seconds if done else 0.0
        left = (self.planned - done) / rate if rate else None
        searchable = self.writer.manifest.images
        self.progress(Progress(done, self.planned, len(self.failures), rate, left, searchable))
