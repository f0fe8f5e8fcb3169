"""The sources of a build: those that are there, and the rules for what is left out of them."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from index.collection import Collection
from index.ingest.matching import contains
from index.storage.accounts import grouped, passed_over_text, sources_beside
from index.storage.layout import MANIFEST
from index.storage.manifest import Manifest
from training.data.exclusions import Exclusions
from training.data.folder import FolderSource
from training.data.remote import ADDRESS
from training.data.source import Source
from training.data.sources import open_source
from training.data.tables.options import TableOptions
from training.models.errors import UserError


def open_present(
    specs: Sequence[str | Path], into: Path, rules: Exclusions, tables: TableOptions | None = None
) -> tuple[list[Source], dict[str, str]]:
    """The sources that are there, and why others are not, by name. tables: as `tables_of` takes them.

    UserError for one that is not there and of which the collection has no image.
    """
    opened, absent = [], {}
    for spec in specs:
        try:
            opened.append(open_source(spec, rules, tables_of(into, spec, tables)))
        except UserError as error:
            known = _names_of_sources(into)
            name = next((name for name in (str(spec), str(Path(spec).expanduser().resolve())) if name in known), None)
            if name is None or Path(name).exists():
                raise
            absent[name] = str(error)
    return opened, absent


def _names_of_sources(into: Path) -> set[str]:
    """The sources of the images of the collection at into; none if it is damaged, which the build says or repairs."""
    if (into / MANIFEST).exists():
        with suppress(UserError):
            return set(Collection.open(into).column("source").tolist())
    return set()


def check_has_images(spec: str | Path) -> None:
    """UserError, which says what else is there, unless the source that spec names has an image."""
    source = open_source(spec)
    if next(iter(source), None) is None:
        groups = grouped([*source.passed_over, *source.beside])
        found = f": {passed_over_text(groups)}" if groups else ""
        raise UserError(f"{spec} has no images in it{found}. {sources_beside(groups)}".strip())


def outermost(sources: Sequence[Source]) -> list[Source]:
    """Sources without those that another one of them contains, or that are there twice."""
    folders = {source.name: source for source in sources if isinstance(source, FolderSource)}
    return [
        source
        for source in dict((source.name, source) for source in sources).values()
        if not any(contains(other, source.name) for other in folders.values() if source.name in folders)
    ]


def without_effect(sources: Sequence[Source]) -> list[str]:
    """A sentence on the globs of the command line that no file or folder of any source matches, if there are some."""
    unused = [source.unused for source in sources if source.unused is not None]
    globs = sorted(frozenset.intersection(*unused)) if unused else []
    return [f"No file or folder matches {', '.join(globs)}."] if globs else []


def rules_of(into: Path, exclude: Sequence[str] | None = None, include: Sequence[str] | None = None) -> Exclusions:
    """The rules for the sources of the collection at into; those that are None are those of its last build."""
    stored = Manifest.read(into) if (into / MANIFEST).exists() else None
    exclude = (stored.exclude if stored else ()) if exclude is None else exclude
    include = (stored.include if stored else ()) if include is None else include
    return Exclusions.of([glob for glob in exclude if glob.strip()], [glob for glob in include if glob.strip()])


def tables_of(into: Path, spec: str | Path, given: TableOptions | None = None) -> TableOptions:
    """How to read the tables of a source of the collection at into: as given, else as in its last build."""
    stored = Manifest.read(into).tables if (into / MANIFEST).exists() else {}
    name = str(spec).rstrip("/") if ADDRESS in str(spec) else str(Path(spec).expanduser().resolve())
    return (given or TableOptions()).over(stored.get(name, {}))
