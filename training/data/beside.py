"""What the files beside an image say of it, read when it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import PurePath
from typing import Any, Protocol

from training.data.metadata.columns import merged
from training.data.metadata.takeout import json_columns
from training.data.metadata.xmp import xmp_columns
from training.data.sidecars import READ
from training.data.source import CAPTION_COLUMNS, caption_lines, first_column, texts_of
from training.data.texts import decode_text

MOST_BYTES = 1 << 23  # of a sidecar that are read
MOST_TEXT = 1 << 16  # bytes of captions
PROBLEM = "sidecar_problem"  # the column that says why a sidecar was of no use


class Facts(Protocol):
    """What os.stat knows of a file."""

    @property
    def st_size(self) -> int: ...
    @property
    def st_mtime_ns(self) -> int: ...


class Beside:
    """The sidecars of one image. Its methods captions and metadata are what an Item may be given for its fields.

    names: as sidecars_of gives them. read: a sidecar's first bytes, by its name and how many; it may raise OSError.
    columns: what is known of the image already, which goes before what sidecars say.
    """

    def __init__(self, names: Sequence[str], read: Callable[[str, int], bytes], columns: Mapping[str, Any]):
        self.names = [name for ending in READ for name in names if PurePath(name).suffix.lower() == ending]
        self.read, self.columns = read, columns

    def stamp(self, stat: Callable[[str], Facts]) -> str:
        """Changes whenever what they say may have changed; "" if there is none that is read."""
        parts = []
        for name in self.names:
            try:
                facts = stat(name)
            except OSError:  # a link to nowhere
                continue
            parts.append(f"+{facts.st_size}:{facts.st_mtime_ns}")
        return "".join(parts)

    def captions(self) -> tuple[str, ...]:
        """Those of text files; where there are none, those of a JSON file that is not Takeout's."""
        return self._said[0]

    def metadata(self) -> dict[str, Any]:
        """The columns that they tell of, XMP before JSON."""
        return self._said[1]

    @cached_property
    def _said(self) -> tuple[tuple[str, ...], dict[str, Any]]:
        captions: list[str] = []
        found: list[Mapping[str, Any]] = [self.columns]
        problems = []
        for name in self.names:
            try:
                data = self.read(name, MOST_BYTES)
                if name.lower().endswith(".txt"):
                    captions += caption_lines(decode_text(data[:MOST_TEXT]))
                else:
                    found.append(xmp_columns(data) if name.lower().endswith(".xmp") else json_columns(data))
            except (OSError, ValueError) as error:
                problems.append(f"{name}: {getattr(error, 'strerror', None) or error}")
        columns = merged(*found)
        caption = first_column(CAPTION_COLUMNS[:3], list(columns))
        if caption:
            in_json = texts_of(columns.pop(caption))
            captions = captions or in_json
        if problems:
            columns[PROBLEM] = "; ".join(problems)
        return tuple(captions), columns
