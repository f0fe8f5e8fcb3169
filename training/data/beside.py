"""What the files beside an image say of it, read when it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import Any, Protocol

from training.data.sidecars import READ
from training.data.source import caption_lines
from training.data.texts import decode_text

MOST_BYTES = 1 << 23  # of a sidecar that are read
MOST_TEXT = 1 << 16  # bytes of captions


@dataclass(frozen=True)
class Described:
    """What sidecars say of an image. captions: none is empty. metadata: columns, see metadata.columns."""

    captions: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


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
        return self._described.captions

    def metadata(self) -> dict[str, Any]:
        return {**self._described.metadata, **self.columns}

    @cached_property
    def _described(self) -> Described:
        captions: list[str] = []
        for name in self.names:
            try:
                data = self.read(name, MOST_BYTES)
            except OSError:
                continue
            if name.lower().endswith(".txt"):
                captions += caption_lines(decode_text(data[:MOST_TEXT]))
        return Described(tuple(captions))
