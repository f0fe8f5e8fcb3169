"""IPTC keywords (IIM records 2:25) inside Photoshop's blocks of a JPEG, added to what is there."""

from collections.abc import Iterator, Sequence, Set

from index.export.xmp import PATH
from training.data.texts import decode_text

IPTC_BLOCK = 0x0404
DIGEST_BLOCK = 0x0425  # of the IPTC block, as Photoshop left it: programs that compare it take ours for newer
KEYWORD, CHARSET = (2, 25), (1, 90)
UTF_8 = b"\x1b%G"
LONGEST = 64  # bytes of a keyword, by the standard

Record = tuple[tuple[int, int], bytes]


def merged_iptc(blocks: bytes, keywords: Sequence[str], stale: Set[str] = frozenset()) -> bytes:
    """Photoshop's blocks with the keywords that they lack and without stale ones; blocks itself if nothing changes.

    A keyword with levels gives its last. Records that are not in UTF-8 are left alone if they hold more than ASCII:
    then nothing is added. ValueError if the blocks are damaged.
    """
    found = list(_blocks(blocks))
    place = next((i for i, (kind, _, _) in enumerate(found) if kind == IPTC_BLOCK), None)
    records = list(_records(found[place][2])) if place is not None else []
    utf_8 = any(field == CHARSET and value.startswith(UTF_8) for field, value in records)
    held = iptc_keywords(blocks)
    wanted = dict.fromkeys(_cut(keyword.rpartition(PATH)[2].strip()) for keyword in keywords)
    new = [keyword for keyword in wanted if keyword and keyword not in held]
    old = held & {_cut(keyword) for keyword in stale}
    if not (new or old) or (not utf_8 and not all(value.isascii() for _, value in records)):
        return blocks
    head = [] if utf_8 else [(CHARSET, UTF_8)]
    records = [*head, *(r for r in records if r[0] != CHARSET or utf_8), *((KEYWORD, k.encode()) for k in new)]
    records = [r for r in records if r[0] != KEYWORD or r[1].decode("utf-8", "replace") not in old]
    records.sort(key=lambda record: record[0][0])  # by groups; otherwise the order stays
    block = IPTC_BLOCK, b"\0\0", b"".join(map(_packed, records))
    if place is None:
        found.append(block)
    else:
        found[place] = block[0], found[place][1], block[2]
    return b"".join(_block(*one) for one in found if one[0] != DIGEST_BLOCK)


def iptc_keywords(blocks: bytes) -> set[str]:
    """The keywords of Photoshop's blocks. ValueError if they are damaged."""
    records = [r for kind, _, content in _blocks(blocks) if kind == IPTC_BLOCK for r in _records(content)]
    utf_8 = any(field == CHARSET and value.startswith(UTF_8) for field, value in records)
    return {value.decode("utf-8", "replace") if utf_8 else decode_text(value) for f, value in records if f == KEYWORD}


def _cut(keyword: str) -> str:
    return keyword.encode()[:LONGEST].decode("utf-8", "ignore")


def _blocks(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, name as it is stored, and content of each block."""
    at = 0
    while at < len(data):
        if data[at : at + 4] != b"8BIM" or at + 12 > len(data):
            if not data[at:].strip(b"\0"):
                return
            raise ValueError("its IPTC is damaged")
        kind, size = int.from_bytes(data[at + 4 : at + 6], "big"), data[at + 6] + 1
        size += size % 2
        name = data[at + 6 : at + 6 + size]
        at += 6 + size
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 4 + length > len(data):
            raise ValueError("its IPTC is damaged")
        yield kind, name, data[at + 4 : at + 4 + length]
        at += 4 + length + length % 2


def _block(kind: int, name: bytes, content: bytes) -> bytes:
    head = b"8BIM" + kind.to_bytes(2, "big") + name + len(content).to_bytes(4, "big")
    return head + content + b"\0" * (len(content) % 2)


def _records(data: bytes) -> Iterator[Record]:
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        field, size = (data[at + 1], data[at + 2]), int.from_bytes(data[at + 3 : at + 5], "big")
        at += 5
        if size & 0x8000 or at + size > len(data):
            raise ValueError("its IPTC is damaged")
        yield field, data[at : at + size]
        at += size
    if data[at:].strip(b"\0"):
        raise ValueError("its IPTC is damaged")


def _packed(record: Record) -> bytes:
    (group, number), value = record
    return bytes((0x1C, group, number)) + len(value).to_bytes(2, "big") + value
