"""The segments of a JPEG file: where its pixels begin, and of what kind they are."""

from collections.abc import Iterator

START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
READ_FRAMES = {0xC0, 0xC1, 0xC2}  # baseline, extended and progressive, with Huffman codes
START_OF_SCAN = 0xDA


def segments(data: bytes, at: int = 0) -> Iterator[tuple[int, int, int]]:
    """(marker, start and end of what it holds) of every segment of the JPEG at `at`, scans' coded data passed over."""
    at += 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at = data.find(b"\xff", at)
            if at < 0:
                return
            continue
        marker = data[at + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:  # stuffing, padding, restarts
            at += 1 if marker == 0xFF else 2
            continue
        if marker == 0xD9:
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, at + 4, end
        at = end


def frame_of(data: bytes, at: int = 0) -> tuple[int, int, int, int] | None:
    """(marker, bits a sample, width, height) of the JPEG at `at`; None if no frame begins in it."""
    for marker, start, end in segments(data, at):
        if marker in START_OF_FRAME:
            if end > len(data) or end < start + 6:
                return None
            height, width = (int.from_bytes(data[start + i : start + i + 2], "big") for i in (1, 3))
            return marker, data[start], width, height
        if marker == START_OF_SCAN:
            return None
    return None


def start_of_scan(data: bytes) -> int:
    """Where the coded pixels of the first scan begin; -1 if none does."""
    return next((end for marker, _, end in segments(data) if marker == START_OF_SCAN), -1)


def scans_are_complete(data: bytes) -> bool:
    """Whether the last scan of every coefficient of every component has begun; in truncated files it may not have."""
    components: set[int] = set()
    missing: dict[int, list[int]] = {}
    for marker, start, end in segments(data):
        body = data[start:end]
        if marker in START_OF_FRAME and len(body) >= 6:
            components = {body[at] for at in range(6, len(body), 3)}
            missing = {component: [1] * 64 for component in components}
        elif marker == START_OF_SCAN and body and len(body) >= 4 + 2 * body[0]:
            first, last, low = body[-3], body[-2], body[-1] & 15
            for component in (body[1 + 2 * i] for i in range(body[0])):
                if low == 0 and component in missing:
                    missing[component][first : last + 1] = [0] * (min(last, 63) + 1 - first)
    return bool(components) and not any(any(left) for left in missing.values())


def restart_interval(data: bytes) -> int:
    """After how many blocks of pixels a restart marker follows, as last said before the end; 0 for never."""
    found = [int.from_bytes(data[start : start + 2], "big") for marker, start, _ in segments(data) if marker == 0xDD]
    return found[-1] if found else 0
