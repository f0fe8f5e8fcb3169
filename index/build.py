"""Embed what is new or changed since last time, and remove what is gone."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from index.collection import Collection, read_failures
from index.ingest.engine import Embedded, Engine, PlannedImage, embed_locally
from index.ingest.identities import Identities, Sighting
from index.ingest.opening import open_present, outermost, rules_of, tables_of
from index.ingest.pixel_hash import PixelHash, coded_of
from index.ingest.plan import Plan
from index.ingest.remount import settle_name
from index.ingest.rows import item_row, says_the_same
from index.ingest.segment import SEGMENT_SIZE, OpenSegment
from index.maintenance.generations import notes
from index.maintenance.repair import repair_collection
from index.retrieval.derived import save_derived
from index.storage.accounts import Groups, count_files, grouped, listed, merged, passed_over_text
from index.storage.errors import write_errors
from index.storage.items import escape_surrogates
from index.storage.layout import FAILURE_COLUMNS, Place
from index.storage.writer import Writer
from training.data.exclusions import Exclusions
from training.data.source import PassedOver
from training.data.tables.options import TableOptions
from training.models.decoding import MOST_MEGAPIXELS
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.estimates import record_speed

TELLING = 200  # images of a build whose speed says something of the next one's


@dataclass(frozen=True)
class BuildProgress:
    """How far a build is. rate: images a second; left: seconds to go, None while unknown."""

    done: int
    total: int
    failed: int
    rate: float
    left: float | None
    searchable: int


@dataclass
class BuildReport:
    """What a build did, in images. images: all that are searchable now.

    files: every file of the sources of this build in exactly one count, and their total; empty if it was stopped.
    passed_over: those that gave no image, by kind and reason. problems: a sentence for each source without one image.
    offline: images that are searchable and out of reach. notes: what else to tell, a sentence each.
    warnings: the files that were read although something is wrong with them, and what.
    """

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
    files: dict[str, int] = field(default_factory=dict)
    passed_over: Groups = ()
    offline: int = 0
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(self).items()}


def build_collection(
    sources: Sequence[str | Path],
    into: Path,
    encoder: Encoder,
    *,
    prune: bool = False,
    segment_size: int = SEGMENT_SIZE,
    progress: Callable[[BuildProgress], object] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    repair: bool = False,
    engine: Engine = embed_locally,
    exclude: Sequence[str] | None = None,
    include: Sequence[str] | None = None,
    rehash: bool = False,
    tables: TableOptions | None = None,
    max_megapixels: float | None = None,
) -> BuildReport:
    """Bring the collection at into up to date with sources; images of other sources stay as they are.

    Kill it at any moment: what it published stays, and the next build goes on from there.
    prune: let more than half of a source's images go. stop: asked between batches; when it says
    so, the build publishes what it has and ends. repair: first remove what is damaged, see
    repair_collection, so that it is made again from its images. engine: what reads and embeds: the cores
    of this machine, or `ray_engine.RayEngine`. UserError for a source that is missing or empty, a collection
    of another encoder, or a second build of the same collection. exclude, include: globs of what is left out of
    folders, see training.data.exclusions; None for those of the last build.
    rehash: read every file, also where size and time say that it is unchanged. tables: how to read the tables of
    sources, remembered for later builds; what is None there is as it was in the last build. max_megapixels: larger
    images are failures; None for the limit of the last build.
    """
    rules = rules_of(into, exclude, include)
    opened, absent = open_present(sources, into, rules, tables)
    with Writer(into, encoder) as writer:
        repaired = repair_collection(writer, [source.name for source in opened]) if repair else 0
        moved = sum(settle_name(writer, source) for source in opened)
        build = _Build(writer, encoder, OpenSegment(writer, segment_size), progress)
        build.rules = rules
        build.max_megapixels = max_megapixels or writer.manifest.max_megapixels
        said = {source.name: tables_of(into, source.name, tables).as_dict() for source in opened}
        build.tables = {name: options for name, options in said.items() if options}
        build.report.repaired, build.report.moved = repaired, moved
        for name, why in absent.items():
            build.plan.absent(name, why)
        for source in outermost(opened):
            build.plan.compare(source, prune, rehash)
        return build.run(engine, stop)


class _Build:
    """One run of build_collection: a plan, and the segment, failures and report that come of it."""

    def __init__(
        self, writer: Writer, encoder: Encoder, segment: OpenSegment, progress: Callable[[BuildProgress], object]
    ):
        self.writer, self.encoder, self.segment, self.progress = writer, encoder, segment, progress
        self.report = BuildReport(str(writer.path), encoder.name, encoder.runtime, encoder.precision)
        self.started = time.monotonic()
        self.stored = writer.before.stored
        self.plan = Plan(self.stored, writer.manifest.mounts)
        self.rules = Exclusions()
        self.max_megapixels: float | None = None
        self.tables: dict[str, dict[str, str]] = {}
        self.failures: dict[str, list[PassedOver]] = {}  # by source
        self.embedded: set[Place] = set()

    def run(self, engine: Engine, stop: Callable[[], bool]) -> BuildReport:
        """Do what was planned. UserError if every source is out of reach."""
        if not self.plan.sources:
            self.segment.publish(offline=self._offline())
            raise UserError(" ".join(self.plan.problems))
        self.total = self.plan.begin()
        self.report.unchanged = max(0, self.plan.unchanged - self.report.moved)
        self._show_progress(0)
        done = 0
        with Identities(self.writer.path, self.stored) as self.identities:
            most = self.max_megapixels or MOST_MEGAPIXELS
            known = self.plan.rows_by_content if self.total else {}
            for batch in engine(self.plan.drain(), self.encoder, known, stop, most):
                for embedded in batch:
                    self._take(embedded)
                    if self.segment.due:
                        self._publish()
                done += len(batch)
                self._show_progress(done)
            self.report.stopped = done < self.total
            if not self.report.stopped:
                self.segment.dropped += [self._place(row) for row in sorted(self.plan.gone)]
                self.report.removed = len(self.plan.gone)
            facts = {} if self.report.stopped else self._passed_over()
            rules = {"exclude": self.rules.exclude, "include": self.rules.include}
            tables = {**self.writer.manifest.tables, **self.tables}
            kept = {**rules, "tables": tables, "max_megapixels": self.max_megapixels}
            self._publish(self._all_failures(), **facts, **kept)
        self._finish(done)
        return self.report

    def _publish(self, failures: pd.DataFrame | None = None, **facts: Any) -> None:
        self.identities.store()
        self.segment.publish(failures, **facts)

    def _place(self, row: int) -> Place:
        return str(self.stored["source"].iat[row]), str(self.stored["path"].iat[row])

    def _pixel_hash(self, row: int) -> PixelHash | None:
        return PixelHash.read(self.stored["pixel_hash"].iat[row]) if "pixel_hash" in self.stored else None

    def _shown_by(self, row: int) -> tuple[str, str]:
        """Id and coded part of the image of a stored row."""
        return str(self.stored["id"].iat[row]), coded_of(self._pixel_hash(row))

    def _take(self, embedded: Embedded) -> None:
        """Make a row of an image, or a failure."""
        planned, image, vector = embedded.input, embedded.image, embedded.vector
        if image is None:
            return self._fail(planned, embedded.error, embedded.unsupported)
        if image.warning:
            self.report.warnings.append(f"{planned.item.path}: {image.warning}")
        if vector is not None and not np.isfinite(vector).all():
            return self._fail(planned, "the encoder gave no finite vector for it")
        change = self.plan.change(planned, image, embedded=vector is not None)
        copy = change.copy_of
        if copy is not None and image.pixel_hash is None:
            image = replace(image, pixel_hash=self._pixel_hash(copy))
        seen = Sighting(
            place=(planned.source, planned.item.path),
            file=image.hash,
            coded=coded_of(image.pixel_hash),
            perceptual=image.perceptual,
            copy_of="" if copy is None else str(self.stored["id"].iat[copy]),
            before=None if change.row is None else self._shown_by(change.row),
        )
        id, replaced = self.identities.image_of(seen), None if change.row is None else self._place(change.row)
        if vector is not None:
            self.report.embedded += 1
            self.embedded.add((planned.source, planned.item.path))
            self.writer.thumbnail(id, image.thumbnail)
            row = item_row(id, planned, image, image.size)
            self.segment.add(row, vector, replaced)
        else:  # the collection holds these pixels already
            assert copy is not None
            size = int(self.stored["width"].iat[copy]), int(self.stored["height"].iat[copy])
            row = item_row(id, planned, image, size)
            self.segment.add(row, self.writer.before.vectors[copy], replaced)
        same = change.kind == "unchanged" and says_the_same(row, self.stored.iloc[change.row].to_dict())
        kind = "updated" if change.kind == "unchanged" and not same else change.kind
        setattr(self.report, kind, getattr(self.report, kind) + 1)

    def _fail(self, planned: PlannedImage, reason: str, unsupported: bool = False) -> None:
        self.plan.fail(planned)
        reason = escape_surrogates(" ".join(reason.split()))
        failures = self.failures.setdefault(planned.source, [])
        failures.append(PassedOver(planned.item.path, "unsupported format" if unsupported else "unreadable", reason))

    def _passed_over_in(self, source: str) -> list[PassedOver]:
        return [*self.failures.get(source, ()), *self.plan.passed_over[source]]

    def _passed_over(self) -> dict[str, Any]:
        """The field of the manifest: of sources that this build did not look at as it was."""
        before = self.writer.manifest.passed_over
        now = {name: [g.as_dict() for g in grouped(self._passed_over_in(name))] for name in sorted(self.plan.sources)}
        mounts = {name: list(folders) for name, folders in self.plan.mounts.items() if folders}
        return {"passed_over": {**before, **now}, "offline": self._offline(), "mounts": mounts}

    def _offline(self) -> dict[str, list[str]]:
        """The field of the manifest: of every source the folders that are out of reach."""
        now = {name: list(folders) for name, folders in self.plan.offline().items()}
        before = {name: list(folders) for name, folders in self.writer.manifest.offline.items()}
        return {name: folders for name, folders in (before | now).items() if folders}

    def _all_failures(self) -> pd.DataFrame:
        """The files that gave no image, and those of sources that this build did not look at."""
        before = read_failures(self.writer.path)
        rows = before[~before["source"].isin(self.plan.sources)].to_dict("records")
        for source in sorted(self.plan.sources):
            rows += listed(source, self._passed_over_in(source))
        return pd.DataFrame(rows, columns=list(FAILURE_COLUMNS))

    def _count_files(self, now: Collection) -> None:
        """Fill in what became of every file; a source in which nothing could be read is a problem."""
        rows = now.frame(["source", "path", "hash"])
        places, others = self.plan.places, set[tuple[str, str]]()
        for name in set(places.names) - self.plan.sources:  # a folder inside this one, or around it, may have some
            others |= {(name, places.paths[row]) for row in self.plan.seen.intersection(places.of(name))}
        rows["counted"] = rows["source"].isin(self.plan.sources) & ~now.offline
        if others:
            shared = [place in others for place in zip(rows["source"], rows["path"], strict=True)]
            rows["counted"] |= np.array(shared, bool)
        self.report.offline = int(now.offline.sum())
        self.report.notes, self.report.problems = self.plan.notes(self.writer.path), list(self.plan.problems)
        passed_over = {source: grouped(self._passed_over_in(source)) for source in self.plan.sources}
        self.report.passed_over = merged(passed_over)
        self.report.files = count_files(rows, self.embedded, self.report.passed_over)
        for source in sorted(self.plan.sources.difference(rows["source"].unique())):
            if source not in self.failures:
                continue
            first = self.failures[source][0]
            counts = passed_over_text(passed_over[source])
            why = f"the first: {first.path}: {first.reason}"
            self.report.problems.append(f"No file of {source} could be read as an image: {counts}; {why}.")

    def _finish(self, done: int) -> None:
        now = self.writer.before.refreshed()
        ids = now.column("id")
        self.writer.forget_thumbnails(self.stored["id"].tolist(), ids.tolist())
        with write_errors(self.writer.path):
            save_derived(now, self.encoder)
        self.report.images, self.report.failed = len(now), now.manifest.failed
        if not self.report.stopped:
            self._count_files(now)
        self.report.seconds = time.monotonic() - self.started
        self.report.images_per_second = self.report.embedded / max(self.report.seconds, 1e-9)
        if self.report.embedded >= TELLING and self.encoder.cache_texts:  # a model of open_clip
            record_speed(self.encoder, self.report.images_per_second)
        self.report.notes += notes(self.writer.path)
        self._show_progress(done)

    def _show_progress(self, done: int) -> None:
        seconds = time.monotonic() - self.started
        rate = done / seconds if done else 0.0
        left = (self.total - done) / rate if rate else None
        searchable = self.writer.manifest.images
        self.progress(BuildProgress(done, self.total, sum(map(len, self.failures.values())), rate, left, searchable))
