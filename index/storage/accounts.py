"""What became of every file of a source, in counts that add up, and in words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pandas as pd

from training.data.file_kinds import ARCHIVE, TABLE
from training.data.source import PASSED_OVER_KINDS, PassedOver, PassedOverKind

LISTED = ("unreadable", "unsupported format", "excluded", "video", "duplicate", "other file")  # in failures.csv
_WORDS = {
    "unsupported format": ("of an unsupported format", "of an unsupported format"),
    "sidecar": ("sidecar", "sidecars"),
    "video": ("video", "videos"),
    "duplicate": ("duplicate", "duplicates"),
    "other file": ("other file", "other files"),
}


@dataclass(frozen=True)
class Group:
    """Files that were passed over alike. reason: the rule of excluded files, the ending of a format, else often ""."""

    kind: PassedOverKind
    reason: str
    files: int

    def as_dict(self) -> dict[str, str | int]:
        return {"kind": self.kind, "reason": self.reason, "files": self.files}


Groups = tuple[Group, ...]


def grouped(passed_over: Iterable[PassedOver]) -> Groups:
    """Files by kind and, where that has few values, by reason."""
    counts: Counter[tuple[PassedOverKind, str]] = Counter()
    for one in passed_over:
        says_more = one.kind in ("excluded", "unsupported format") or one.reason in (TABLE, ARCHIVE)
        counts[one.kind, one.reason if says_more else ""] += one.files
    order = PASSED_OVER_KINDS.index
    found = sorted(counts.items(), key=lambda item: (order(item[0][0]), -item[1], item[0][1]))
    return tuple(Group(kind, reason, files) for (kind, reason), files in found if files)


def groups_of(stored: Iterable[Mapping[str, str | int]]) -> Groups:
    """What a manifest says of one source."""
    return tuple(Group(cast(PassedOverKind, one["kind"]), str(one["reason"]), int(one["files"])) for one in stored)


def listed(source: str, passed_over: Iterable[PassedOver]) -> list[dict[str, str]]:
    """Rows of failures.csv: all but sidecars, of which there may be as many as images."""
    return [
        {
            "source": source,
            "path": one.path,
            "kind": one.kind,
            "reason": one.reason + (f" ({one.files:,} files)" if one.files > 1 else ""),
        }
        for one in passed_over
        if one.kind in LISTED
    ]


def count_files(rows: pd.DataFrame, embedded: set[tuple[str, str]], groups: Iterable[Group]) -> dict[str, int]:
    """Every file of some sources in exactly one count, and their total.

    rows: source, path and hash of all rows of the collection, and whether each is `counted`: of these sources and not
    offline. embedded: source and path of the rows that were embedded. A copy of another row is a duplicate, whether it
    was embedded or not.
    """
    copies = rows["hash"].duplicated() & rows["counted"]
    rest = rows[rows["counted"] & ~copies]
    now = sum(place in embedded for place in zip(rest["source"], rest["path"], strict=True)) if embedded else 0
    counts = Counter({"embedded": now, "unchanged": len(rest) - now, "duplicate": int(copies.sum())})
    for group in groups:
        counts[group.kind] += group.files
    return {"total": counts.total()} | {kind: counts[kind] for kind in ("embedded", "unchanged", *PASSED_OVER_KINDS)}


def merged(groups: Mapping[str, Groups]) -> Groups:
    """The groups of all sources as one."""
    return grouped(
        PassedOver("", group.kind, group.reason, group.files) for source in groups.values() for group in source
    )


def passed_over_text(groups: Sequence[Group]) -> str:
    """For example: 3 unreadable, 14 excluded (12 by @eaDir/, 2 by hidden files), 1 video. "" where there is none."""
    parts = []
    for kind in PASSED_OVER_KINDS:
        of_kind = [group for group in groups if group.kind == kind]
        files = sum(group.files for group in of_kind)
        if not files:
            continue
        text = f"{files:,} {_WORDS.get(kind, (kind, kind))[files != 1]}"
        if kind == "excluded":
            text += f" ({', '.join(f'{group.files:,} by {group.reason}' for group in of_kind)})"
        if kind == "unsupported format":
            text += f" ({', '.join(f'{group.files:,}: {group.reason}' for group in of_kind)})"
        parts.append(text)
    return ", ".join(parts)


def sources_beside(groups: Sequence[Group]) -> str:
    """The sentence on tables and archives that lie among the images, or ""."""
    counts = {name: sum(group.files for group in groups if group.reason == name) for name in (TABLE, ARCHIVE)}
    words = [f"{count:,} {name.partition(' ')[2]}{'s' if count > 1 else ''}" for name, count in counts.items() if count]
    one = sum(counts.values()) == 1
    return (
        f"{' and '.join(words)} {'lies' if one else 'lie'} here too; name {'it' if one else 'them'} as "
        + ("a source of its own." if one else "sources of their own.")
        if words
        else ""
    )
