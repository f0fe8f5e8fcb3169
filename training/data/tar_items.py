"""A sample of a tar file as an item, the same whether its shard was listed or indexed."""

import json
import os
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from training.data.blocks import PIECE
from training.data.remote import RemotePath
from training.data.source import CAPTION_COLUMNS, Item, caption_lines, first_column, texts_of
from training.data.tar_members import CLASS, METADATA, MOST_TEXT, Member, read_at
from training.data.texts import decode_text

KINDS = {METADATA: 2, CLASS: 3}  # of sidecars by ending; all others are captions
CAPTION = 1


@dataclass
class Description:
    """What sidecars say of an image. unreadable: how many of them are no JSON."""

    captions: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    unreadable: int = 0


def kind_of(member: Member) -> int:
    """What a sidecar is, as a number."""
    return KINDS.get(os.path.splitext(member.name)[1].lower(), CAPTION)


def describe(sidecars: Iterable[tuple[int, bytes]]) -> Description:
    """What sidecars say, given as their kinds and bytes. Captions of their own go before those in the metadata."""
    found, in_metadata = Description(), list[str]()
    for kind, data in sidecars:
        text = decode_text(data)
        if kind == CAPTION:
            found.captions += caption_lines(text)
        elif kind == KINDS[CLASS]:
            found.metadata["cls"] = text.strip()
        else:
            try:
                loaded = json.loads(text)
            except (ValueError, RecursionError):
                found.unreadable += 1
                continue
            if isinstance(loaded, dict):
                found.metadata |= loaded
            else:  # a caption, or several
                in_metadata += [one for one in texts_of(loaded) if isinstance(one, str)]
    column = first_column(CAPTION_COLUMNS, list(found.metadata))
    if column:
        in_metadata += texts_of(found.metadata.pop(column))
    found.captions = [text.strip() for text in found.captions or in_metadata]
    found.metadata = {name: value for name, value in found.metadata.items() if value is not None}
    return found


def text_of_member(shard: Path | RemotePath, member: Member) -> bytes:
    """The bytes of a sidecar, which may be held already."""
    return read_at(shard, member.offset, min(member.size, MOST_TEXT)) if member.text is None else member.text


def sample_item(shard: Path | RemotePath, label: str, image: Member, described: Description) -> Item:
    """The item of an image in a shard. label: what paths of its members begin with."""
    modified = shard.stat().st_mtime
    return Item(
        path=f"{label}/{image.name}",
        stamp=f"{image.size}:{image.mtime}:{image.offset}:{modified}",
        modified=float(image.mtime or modified),
        read=partial(read_at, shard, image.offset, image.size, image.header),
        captions=tuple(described.captions),
        metadata=described.metadata,
        block=block_of(shard, image.header),
    )


def block_of(shard: Path | RemotePath, header: int) -> Hashable:
    """The piece of a shard in which a header, at this place, and mostly its image are."""
    return str(shard), header // PIECE
