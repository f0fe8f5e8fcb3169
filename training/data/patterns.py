"""Several files as one source: shards/*.tar and shards/{000..012}.tar, as shells and webdataset have them."""

import glob
import os
import re
from collections import Counter
from pathlib import Path

from training.data.remote import ADDRESS
from training.models.errors import UserError

RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
CHOICE = re.compile(r"\{([^{}]*,[^{}]*)\}")
ONE_SOURCE = (".tar", ".parquet")  # files of which several are one source


def names_several(spec: str) -> bool:
    """Whether spec names files by a pattern: it has braces, or * ? [ ] and is no path itself."""
    if RANGE.search(spec) or CHOICE.search(spec):
        return True
    return ADDRESS not in spec and glob.has_magic(spec) and not os.path.lexists(os.path.expanduser(spec))


def expand_braces(spec: str) -> list[str]:
    """`shards/{00000..00099}.tar` as its hundred names, `{a,b}.tar` as both; a name without braces as itself."""
    if match := RANGE.search(spec):
        first, last = match.groups()
        within = [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
        if not within:
            raise UserError(f"{match[0]} of {spec} names nothing, since it counts down; write the lower number first.")
    elif match := CHOICE.search(spec):
        within = match[1].split(",")
    else:
        return [spec]
    return [rest for name in within for rest in expand_braces(spec[: match.start()] + name + spec[match.end() :])]


def matched(spec: str) -> list[str]:
    """The names that a pattern stands for, in order. UserError if nothing lies there, or no shards or tables do."""
    names = expand_braces(spec)
    if ADDRESS not in spec:
        names = [os.path.abspath(os.path.expanduser(name)) for name in names]
        found = [sorted(glob.glob(name, recursive=True)) if glob.has_magic(name) else [name] for name in names]
        names = [name for of_one in found for name in of_one]
    if not names:
        raise UserError(f"Nothing matches {spec}.")
    endings = Counter(Path(name).suffix.lower() for name in names)
    if len(endings) > 1 or not endings.keys() <= set(ONE_SOURCE):
        kinds = ", ".join(ending or "folders" for ending in sorted(endings))
        fixed = re.split(r"[*?\[{]", spec)[0]
        folder = os.path.dirname(fixed) or "."
        raise UserError(
            f"{spec} matches {len(names):,} names ({kinds}), and a pattern stands for .tar or for .parquet files; name "
            f"the folder {folder} or each source by itself."
        )
    return names


def check_single(spec: str) -> None:
    """UserError for what other programs take for several sources, or for the output of a command."""
    if not spec.strip():
        raise UserError("The name of a source is empty.")
    if spec.startswith("pipe:"):
        raise UserError(f"{spec} is a command; name the shards or their address instead, such as s3://bucket/folder.")
    for separator in ("::", ",", " "):
        parts = [part.strip() for part in spec.split(separator)]
        if len(parts) > 1 and all(parts) and all(os.path.lexists(os.path.expanduser(part)) for part in parts):
            raise UserError(f"{spec} names {len(parts)} sources; give each by itself.")
