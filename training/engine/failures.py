"""Every way in which a run can fail, as one sentence; the traceback goes to a file of the run."""

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from training.engine.distributed import World
from training.models.errors import UserError

ERROR_FILE = "error.txt"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
LOST_RANK = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "NCCL", "heartbeat")


@contextmanager
def failures_as_sentences(run: Path | None, world: World) -> Iterator[None]:
    """Within the `with`, an exception of any kind becomes a UserError, and its traceback is written to the run."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        where = ""
        if run is not None:
            name = ERROR_FILE if world.size == 1 else f"error-rank-{world.rank}.txt"
            with suppress(OSError):
                (run / name).write_text(traceback.format_exc(), encoding="utf-8")
                where = f" The traceback is in {run / name}."
        raise UserError(f"{_sentence(error, run, world)}{where}") from error


def _sentence(error: Exception, run: Path | None, world: World) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    if isinstance(error, OSError) and error.errno in FULL:
        return f"{run} cannot be written ({error.strerror}); make room, then: python -m training resume {run}."
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in reason:
        return f"Memory ran out ({reason}); use a smaller --batch-size, or --micro-batch, which computes the same."
    if world.size > 1 and any(words in str(error) for words in LOST_RANK):
        return f"Rank {world.rank} lost another rank, whose own message says why ({reason})."
    return f"The run ended at an error that it does not know: {type(error).__name__}: {reason}."
