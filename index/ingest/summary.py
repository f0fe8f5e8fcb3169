"""What a build did, in sentences: for the terminal, and for the note of a job on the page."""

from typing import TYPE_CHECKING

from index.storage.accounts import passed_over_text, sources_beside

if TYPE_CHECKING:
    from index.ingest.report import BuildReport


def summary(report: "BuildReport") -> list[str]:
    """A sentence a line: images, every file by what became of it, and what is out of reach."""
    repaired = f" {report.repaired:,} damaged ones were removed and made again." if report.repaired else ""
    moved = f", {report.moved:,} moved" if report.moved else ""
    lines = [
        f"{report.images:,} images searchable: {report.added:,} added, {report.updated:,} updated{moved}, "
        f"{report.removed:,} removed, {report.unchanged:,} unchanged.{repaired}"
    ]
    if report.files:
        lines.append(_files(report))
        lines += filter(None, [sources_beside(report.passed_over)])
    lines += report.notes
    if report.warnings:
        more = f" and {len(report.warnings) - 1:,} more" if len(report.warnings) > 1 else ""
        lines.append(f"Read with a warning: {report.warnings[0]}{more}.")
    lines.append(f"{report.embedded:,} embedded in {report.seconds:.1f} s ({report.images_per_second:.0f} a second).")
    return lines


def _files(report: "BuildReport") -> str:
    files, passed = report.files, passed_over_text(report.passed_over)
    copies = files["duplicate"] - sum(group.files for group in report.passed_over if group.kind == "duplicate")
    counts = f"{files['embedded']:,} embedded, {files['unchanged']:,} unchanged"
    counts += f", {copies:,} exact {'copy' if copies == 1 else 'copies'}" if copies else ""
    listed = f" (see {report.collection}/failures.csv)" if passed else ""
    return f"Of {files['total']:,} files: {counts}{', ' + passed if passed else ''}{listed}."
