"""Embed what is new or changed since last time, and remove what is gone."""

from collections.abc import Callable, Sequence
from pathlib import Path

from index.ingest.build_run import BuildRun
from index.ingest.engine import Engine, embed_locally
from index.ingest.opening import open_present, outermost, rules_of, tables_of, without_effect
from index.ingest.remount import settle_name
from index.ingest.report import BuildProgress, BuildReport
from index.ingest.segment import SEGMENT_SIZE, OpenSegment
from index.maintenance.repair import repair_collection
from index.storage.layout import NAME_IN_UTF8
from index.storage.writer import Writer
from training.data.tables.options import TableOptions
from training.models.encoder import Encoder
from training.models.file_names import check_utf8


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
    check_utf8(into, NAME_IN_UTF8)
    rules = rules_of(into, exclude, include)
    opened, absent = open_present(sources, into, rules, tables)
    with Writer(into, encoder) as writer:
        repaired = repair_collection(writer, [source.name for source in opened]) if repair else 0
        moved = sum(settle_name(writer, source) for source in opened)
        build = BuildRun(writer, encoder, OpenSegment(writer, segment_size), progress)
        build.rules = rules
        build.max_megapixels = max_megapixels or writer.manifest.max_megapixels
        said = {source.name: tables_of(into, source.name, tables).as_dict() for source in opened}
        build.tables = {name: options for name, options in said.items() if options}
        build.report.repaired, build.report.moved = repaired, moved
        for name, why in absent.items():
            build.plan.absent(name, why)
        compared = outermost(opened)
        for source in compared:
            build.plan.compare(source, prune, rehash)
        if exclude or include:
            build.plan.said += without_effect(compared)
        return build.run(engine, stop)
