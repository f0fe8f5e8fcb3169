"""How many batches are prepared in advance, and by what, so that they fit into memory.

Worker processes hand batches over in shared memory (/dev/shm), of which a container often has 64 MB. A batch that
does not fit there ends a worker with a bus error, so batches that may not fit are prepared by threads.
"""

import os
from dataclasses import dataclass

AHEAD = 4  # batches that each worker prepares in advance, where memory allows it
SHARED_MEMORY = "/dev/shm"


@dataclass(frozen=True)
class Prefetch:
    """Workers that prepare batches in advance.

    workers: processes, or threads; 0 prepares a batch when it is asked for. ahead: batches of each in advance. pinned:
    in memory that a GPU copies from in the background. note: a sentence about what was reduced, "" if nothing was.
    """

    workers: int = 0
    ahead: int = AHEAD
    threads: bool = False
    pinned: bool = False
    note: str = ""


def plan_prefetch(batch_bytes: int, workers: int, most: int, ranks: int = 1, pinned: bool = False) -> Prefetch:
    """As many of the workers, and of AHEAD batches for each, as fit.

    batch_bytes: of one batch. most: bytes of all batches that are prepared. ranks: of this machine, which share its
    /dev/shm; at most half of what is free there is used.
    """
    if not workers:
        return Prefetch(0, pinned=pinned)
    shared = shared_memory_bytes()
    at_most = most // max(1, batch_bytes) - 1  # one more is in use
    if at_most < workers:
        fitting = max(1, at_most)
        note = (
            f"--prefetch {most >> 20} holds {fitting} batches of {_megabytes(batch_bytes)} besides the one in use, so "
            f"{fitting} of {workers} workers are used"
        )
        return _fitting(batch_bytes, fitting, 1, shared, ranks, pinned, note)
    return _fitting(batch_bytes, workers, min(AHEAD, at_most // workers), shared, ranks, pinned, "")


def _fitting(
    batch_bytes: int, workers: int, ahead: int, shared: int | None, ranks: int, pinned: bool, note: str
) -> Prefetch:
    """Less in advance if shared memory demands it, and threads if it does not hold a batch of each worker."""
    if shared is None:
        return Prefetch(workers, ahead, pinned=pinned, note=note)
    at_most = shared // 2 // ranks // max(1, batch_bytes) - 1
    if at_most >= workers:
        return Prefetch(workers, min(ahead, at_most // workers), pinned=pinned, note=note)
    needed = 2 * ranks * (workers + 1) * batch_bytes
    reason = (
        f"{SHARED_MEMORY} has {_megabytes(shared)} free, and worker processes need {_megabytes(needed)} for batches of "
        f"{_megabytes(batch_bytes)}, so threads prepare them, which is slower; give the container more, as docker run "
        f"--shm-size {-(-needed >> 30) + 1}g does, or use fewer --workers"
    )
    return Prefetch(workers, ahead, threads=True, note=". ".join(filter(None, [note, reason])))


def shared_memory_bytes() -> int | None:
    """Free bytes of /dev/shm, None where there is none."""
    try:
        found = os.statvfs(SHARED_MEMORY)
    except (OSError, AttributeError):  # Windows has neither the folder nor the call
        return None
    return found.f_bavail * found.f_frsize


def _megabytes(count: int) -> str:
    return f"{max(1, round(count / 2**20)):,} MB"
