"""What of a source is out of reach rather than gone: an unplugged drive leaves an empty folder, or none."""

from collections.abc import Iterable, Mapping, Sequence

from training.data.source import Source

EVERYTHING = ""  # the prefix of all paths of a source
Offline = Mapping[str, Sequence[str]]  # of each source the folders that are out of reach, each ending in "/"


def folders_out_of_reach(source: Source, mounts: Sequence[str]) -> dict[str, str]:
    """The folders of a source, each ending in "/", that a drive is missing from, and how that shows.

    mounts: the folders in which a drive began at the last build.
    """
    found = {folder: "the folder is empty now" for folder in source.empty}
    return found | {folder: "no drive is there now" for folder in mounts if folder not in source.mounts}


def offline_rows(offline: Offline, sources: Sequence[str], paths: Sequence[str], rows: Iterable[int]) -> set[int]:
    """Those of rows that lie in a folder that is out of reach."""
    found = set()
    for row in rows:
        folders = offline.get(sources[row])
        if folders and paths[row].startswith(tuple(folders)):
            found.add(row)
    return found
