"""Every way in which a run can fail, as one sentence; the traceback goes to a file of the run."""

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from training.engine.distributed import World, join, leave
from training.engine.peers import end_in_time, lost_rank, watched
from training.models.errors import UserError
from training.models.last_words import claim

ERROR_FILE = "error.txt"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
LOST_RANK = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "NCCL", "heartbeat")


class LostRank(UserError):
    """Another rank is gone, so that this one cannot go on."""


@contextmanager
def joined(device: str) -> Iterator[World]:
    """The ranks of a run, left at the end of the `with`.

    What fails within is recorded before this rank leaves, so that it is known which failed first.
    """
    world = join(device)
    try:
        with watched(world.rank):
            yield world
    except Exception as error:
        sentence = " ".join(str(error if isinstance(error, UserError) else _unknown(error)).split())
        claim(sentence, effect=isinstance(error, LostRank))
        if world.size > 1:
            end_in_time(sentence)
        if world.size > 1 and not isinstance(error, UserError) and _is_lost_rank(error):
            raise LostRank(lost_rank(world.rank, _first_line(error))) from error
        raise
    finally:
        leave()


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
        kind = LostRank if world.size > 1 and _is_lost_rank(error) else UserError
        raise kind(f"{_sentence(error, run, world)}{where}") from error


def _sentence(error: Exception, run: Path | None, world: World) -> str:
    reason = _first_line(error)
    if isinstance(error, OSError) and error.errno in FULL:
        return f"{run} cannot be written ({error.strerror}); make room, then: python -m training resume {run}."
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in reason:
        return f"Memory ran out ({reason}); use a smaller --batch-size, or --micro-batch, which computes the same."
    if world.size > 1 and _is_lost_rank(error):
        return lost_rank(world.rank, reason)
    return _unknown(error)


def _unknown(error: Exception) -> str:
    return f"The run ended at an error that it does not know: {type(error).__name__}: {_first_line(error)}."


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _is_lost_rank(error: Exception) -> bool:
    return any(words in str(error) for words in LOST_RANK)
