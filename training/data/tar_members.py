"""The members of a tar file by their headers, with the bytes of those that are small texts."""

import io
import posixpath
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from training.data.folder import printable
from training.data.remote import RemotePath

TEXTS = (".txt", ".caption", ".text")  # endings of captions
METADATA, CLASS = ".json", ".cls"
SIDECARS = (*TEXTS, METADATA, CLASS)
MOST_TEXT = 1 << 20  # bytes of a member's caption or metadata that are read
MOST_HELD = 1 << 28  # bytes of all texts of a shard that are held until its samples are known
LONGEST_HEADER = 1 << 16
NO_TAR = "it is cut short or is no uncompressed tar"
COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\3\4": "zip"}


class Member(NamedTuple):
    """A file in a tar. name: without ./ before it. header: where its header begins, offset: where its bytes do.

    text: the bytes of a caption or of metadata, None where they are not held. problem: why it cannot be read.
    """

    name: str
    header: int
    offset: int
    size: int
    mtime: int
    text: bytes | None = None
    problem: str = ""


class DamagedShard(Exception):
    """A tar file that cannot be read to its end; members that were read before are good."""


class _Header(tarfile.TarInfo):
    """Reads headers of plain files at twice the speed, since nobody asks here who owns them."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        plain = len(buf) == tarfile.BLOCKSIZE and buf[156:157] == tarfile.REGTYPE
        if not plain or tarfile.nti(buf[148:156]) != 256 + sum(buf) - sum(buf[148:156]):  # type: ignore[attr-defined]
            return super().frombuf(buf, encoding, errors)
        info = cls(tarfile.nts(buf[:100], encoding, errors))  # type: ignore[attr-defined]
        if buf[345]:
            info.name = f"{tarfile.nts(buf[345:500], encoding, errors)}/{info.name}"  # type: ignore[attr-defined]
        info.size, info.mtime = tarfile.nti(buf[124:136]), tarfile.nti(buf[136:148])  # type: ignore[attr-defined]
        return info


def members_of(shard: Path | RemotePath) -> Iterator[Member]:
    """Every regular file in a shard, and the files that links in it stand for. DamagedShard if it ends too early."""
    length, held, end, junk = shard.stat().st_size, 0, 0, 0
    places: dict[str, Member] = {}  # what links may lead to
    try:
        # Uncompressed only, so that a member can be read in place.
        with shard.open("rb") as file:
            start = file.read(6)
            packed = next((name for magic, name in COMPRESSED.items() if start.startswith(magic)), None)
            if packed:
                raise DamagedShard(f"it is compressed with {packed}, and images are read in place: unpack it first")
            file.seek(0)
            if length < tarfile.BLOCKSIZE or not is_header(file.read(tarfile.BLOCKSIZE)):
                raise DamagedShard(NO_TAR)
            file.seek(0)
            # Archives that were put one behind the other, or have damage in their midst, are read on behind it.
            with tarfile.open(fileobj=file, mode="r:", tarinfo=_Header, ignore_zeros=True) as tar:
                for info in tar:
                    tar.members = []  # type: ignore[attr-defined]  # it would remember all of them
                    if end < info.offset:
                        junk = junk or junk_in(file, end, info.offset)
                    end = max(end, tar.offset)
                    if info.isdir() or not (info.isreg() or info.islnk() or info.issym()):
                        continue
                    member = _member(info, length)
                    if info.islnk() or info.issym():
                        member = _linked(member, info, places)
                    if not member.problem and member.name.lower().endswith(SIDECARS) and held < MOST_HELD:
                        file.seek(member.offset)
                        text = file.read(min(member.size, MOST_TEXT))
                        held += len(text)
                        member = member._replace(text=text)
                    places[member.name] = member._replace(text=None)
                    yield member
            junk = junk or junk_in(file, end, length)
            if not junk and length - end < tarfile.BLOCKSIZE:
                raise DamagedShard("it has no end mark, so that members may be missing")
    except (tarfile.TarError, OSError, ValueError, OverflowError) as error:
        raise DamagedShard(f"{NO_TAR}: {error}") from error
    if junk:
        raise DamagedShard(f"from byte {junk:,} on something is no tar, so that members may be missing")


def junk_in(file: IO[bytes], start: int, end: int) -> int:
    """Where something begins between two members, or behind the last, that is neither zeros nor a header; else 0."""
    at = file.tell()
    file.seek(start)
    while start < end and not any(block := file.read(min(tarfile.BLOCKSIZE, end - start))):
        start += tarfile.BLOCKSIZE
    file.seek(at)
    return 0 if start >= end or is_header(block) else start


def is_header(block: bytes) -> bool:
    """Whether a block is zeros, which end a tar, or a header by its checksum."""
    if not any(block):
        return True
    try:
        return tarfile.nti(block[148:156]) in tarfile.calc_chksums(block)  # type: ignore[attr-defined]
    except (tarfile.HeaderError, struct.error):
        return False


def _member(info: tarfile.TarInfo, length: int) -> Member:
    problem = ""
    if info.issparse():
        problem = "it is stored as a sparse file, which is not read"
    elif info.isreg() and not 0 <= info.size <= length - info.offset_data:  # a header can promise anything
        problem = "the shard ends before it does"
    return Member(member_name(info.name), info.offset, info.offset_data, info.size, int(info.mtime), None, problem)


def _linked(member: Member, info: tarfile.TarInfo, places: dict[str, Member]) -> Member:
    """The member that a link stands for, under the name of the link."""
    above = posixpath.dirname(member.name) if info.issym() else ""
    target = places.get(member_name(posixpath.normpath(posixpath.join(above, info.linkname))))
    if target is None:
        return member._replace(
            problem=f"it is a link to {printable(info.linkname)}, which is not in the shard before it"
        )
    return member._replace(offset=target.offset, size=target.size, mtime=target.mtime, problem=target.problem)


def member_name(name: str) -> str:
    """A member's name as paths and stems have it: without ./ or / before it, and valid text."""
    while name.startswith(("./", "/")):
        name = name.lstrip("/").removeprefix("./")
    return printable(name)


def name_at(shard: Path | RemotePath, header: int, offset: int) -> str:
    """The name of the member whose header begins at header and whose bytes begin at offset."""
    size = offset - header if 0 < offset - header <= LONGEST_HEADER else LONGEST_HEADER
    try:
        with tarfile.open(fileobj=io.BytesIO(read_at(shard, header, size)), mode="r:") as tar:
            info = tar.next()
    except tarfile.TarError:
        info = None
    return member_name(info.name) if info else f"at byte {offset}"


def read_at(shard: Path | RemotePath, offset: int, size: int, home: int | None = None) -> bytes:
    """size bytes of a shard from offset on. home: where the header of the sample's image is."""
    if isinstance(shard, RemotePath):
        return shard.read_part(offset, size, home)
    with shard.open("rb") as file:
        file.seek(offset)
        return file.read(size)
