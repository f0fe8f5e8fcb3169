"""One run of a build: read and embed what was planned, and publish it segment by segment."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from index.ingest.accounting import SourceAccounts
from index.ingest.engine import Embedded, Engine
from index.ingest.identities import Identities, Sighting
from index.ingest.pixel_hash import PixelHash, coded_of
from index.ingest.plan import LosesImages, Plan
from index.ingest.report import BuildProgress, BuildReport
from index.ingest.rows import item_row, says_the_same
from index.ingest.segment import OpenSegment
from index.maintenance.generations import notes
from index.retrieval.derived import save_derived
from index.storage.errors import write_errors
from index.storage.layout import Place
from index.storage.writer import Writer
from training.data.exclusions import Exclusions
from training.models.decoding import MOST_MEGAPIXELS
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.estimates import record_speed

TELLING = 200  # images of a build whose speed says something of the next one's


class BuildRun:
    """A plan, and the segments, accounts and report that come of it."""

    def __init__(
        self, writer: Writer, encoder: Encoder, segment: OpenSegment, progress: Callable[[BuildProgress], object]
    ):
        self.writer, self.encoder, self.segment, self.progress = writer, encoder, segment, progress
        self.report = BuildReport(str(writer.path), encoder.name, encoder.runtime, encoder.precision)
        self.started = time.monotonic()
        self.stored = writer.before.stored
        self.plan = Plan(self.stored, writer.manifest.mounts)
        self.accounts = SourceAccounts(writer, self.plan)
        self.rules = Exclusions()
        self.max_megapixels: float | None = None
        self.tables: dict[str, dict[str, str]] = {}
        self.embedded: set[Place] = set()

    def run(self, engine: Engine, stop: Callable[[], bool]) -> BuildReport:
        """Do what was planned. UserError if every source is out of reach."""
        if not self.plan.sources:
            self.segment.publish(offline=self.accounts.offline())
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
                self._check_losses()
                self.segment.dropped += [self._place(row) for row in sorted(self.plan.gone)]
                self.report.removed = len(self.plan.gone)
            facts = {} if self.report.stopped else self.accounts.facts()
            rules = {"exclude": self.rules.exclude, "include": self.rules.include}
            tables = {**self.writer.manifest.tables, **self.tables}
            kept = {**rules, "tables": tables, "max_megapixels": self.max_megapixels}
            self._publish(self.accounts.all_failures(), **facts, **kept)
        self._finish(done)
        return self.report

    def _check_losses(self) -> None:
        """LosesImages if a source lost over half of its images; what was embedded is published before."""
        try:
            self.plan.check_unreadable()
        except LosesImages:
            self._publish()
            raise

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
            return self.accounts.fail(planned, embedded.error, embedded.unsupported)
        if image.warning:
            self.report.warnings.append(f"{planned.item.path}: {image.warning}")
        if vector is not None and not np.isfinite(vector).all():
            return self.accounts.fail(planned, "the encoder gave no finite vector for it")
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

    def _finish(self, done: int) -> None:
        now = self.writer.before.refreshed()
        ids = now.column("id")
        self.writer.forget_thumbnails(self.stored["id"].tolist(), ids.tolist())
        with write_errors(self.writer.path):
            save_derived(now, self.encoder)
        self.report.images, self.report.failed = len(now), now.manifest.failed
        if not self.report.stopped:
            self.accounts.fill_in(self.report, now, self.embedded)
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
        self.progress(BuildProgress(done, self.total, self.accounts.failed, rate, left, searchable))
