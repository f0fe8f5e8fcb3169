"""What becomes of every file of the sources of a build: in failures.csv, in the manifest and in the report."""

from typing import Any

import numpy as np
import pandas as pd

from index.collection import Collection
from index.ingest.engine import PlannedImage
from index.ingest.plan import Plan
from index.ingest.report import BuildReport
from index.storage.accounts import count_files, grouped, listed, merged, passed_over_text
from index.storage.failures import read_failures
from index.storage.items import escape_surrogates
from index.storage.layout import FAILURE_COLUMNS, Place
from index.storage.writer import Writer
from training.data.source import PassedOver


class SourceAccounts:
    """The files that gave no image, by source: those that the plan passed over, and those that could not be read.

    What the collection says of sources that this build did not look at stays as it was.
    """

    def __init__(self, writer: Writer, plan: Plan):
        self.writer, self.plan = writer, plan
        self.failures: dict[str, list[PassedOver]] = {}  # by source

    @property
    def failed(self) -> int:
        """How many files could not be read so far."""
        return sum(map(len, self.failures.values()))

    def fail(self, planned: PlannedImage, reason: str, unsupported: bool = False) -> None:
        """Note a file that gave no image. unsupported: since no decoder knows its format."""
        self.plan.fail(planned)
        reason = escape_surrogates(" ".join(reason.split()))
        failures = self.failures.setdefault(planned.source, [])
        failures.append(PassedOver(planned.item.path, "unsupported format" if unsupported else "unreadable", reason))

    def _passed_over_in(self, source: str) -> list[PassedOver]:
        return [*self.failures.get(source, ()), *self.plan.passed_over[source]]

    def facts(self) -> dict[str, Any]:
        """The fields of the manifest that say what was passed over, what is out of reach, and where drives begin."""
        before = self.writer.manifest.passed_over
        now = {name: [g.as_dict() for g in grouped(self._passed_over_in(name))] for name in sorted(self.plan.sources)}
        mounts = {name: list(folders) for name, folders in self.plan.mounts.items() if folders}
        return {"passed_over": {**before, **now}, "offline": self.offline(), "mounts": mounts}

    def offline(self) -> dict[str, list[str]]:
        """The field of the manifest: of every source the folders that are out of reach."""
        now = {name: list(folders) for name, folders in self.plan.offline().items()}
        before = {name: list(folders) for name, folders in self.writer.manifest.offline.items()}
        return {name: folders for name, folders in (before | now).items() if folders}

    def all_failures(self) -> pd.DataFrame:
        """The rows of failures.csv."""
        before = read_failures(self.writer.path)
        rows = before[~before["source"].isin(self.plan.sources)].to_dict("records")
        for source in sorted(self.plan.sources):
            rows += listed(source, self._passed_over_in(source))
        return pd.DataFrame(rows, columns=list(FAILURE_COLUMNS))

    def fill_in(self, report: BuildReport, now: Collection, embedded: set[Place]) -> None:
        """Say in a report what became of every file; a source in which nothing could be read is a problem.

        now: the collection after the build. embedded: the places whose images it embedded.
        """
        rows = now.frame(["source", "path", "hash"])
        places, others = self.plan.places, set[tuple[str, str]]()
        for name in set(places.names) - self.plan.sources:  # a folder inside this one, or around it, may have some
            others |= {(name, places.paths[row]) for row in self.plan.seen.intersection(places.of(name))}
        rows["counted"] = rows["source"].isin(self.plan.sources) & ~now.offline
        if others:
            shared = [place in others for place in zip(rows["source"], rows["path"], strict=True)]
            rows["counted"] |= np.array(shared, bool)
        report.offline = int(now.offline.sum())
        report.notes, report.problems = self.plan.notes(self.writer.path), list(self.plan.problems)
        passed_over = {source: grouped(self._passed_over_in(source)) for source in self.plan.sources}
        report.passed_over = merged(passed_over)
        report.files = count_files(rows, embedded, report.passed_over)
        for source in sorted(self.plan.sources.difference(rows["source"].unique())):
            if source not in self.failures:
                continue
            first = self.failures[source][0]
            counts = passed_over_text(passed_over[source])
            why = f"the first: {first.path}: {first.reason}"
            report.problems.append(f"No file of {source} could be read as an image: {counts}; {why}.")
