"""The ranks of one machine watch each other, so that none waits for one that has failed or was killed."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from training.models.last_words import claim, said_in, shared_folder, speaks
from training.models.processes import is_running

POLL_SECONDS = 0.5
GRACE_SECONDS = 8.0  # for a rank to find out by itself that another is gone, and to end as it ends at any error
SUFFIX = ".rank"


@contextmanager
def watched(rank: int) -> Iterator[None]:
    """Within the `with`, this process ends with exit code 1 some seconds after another rank of this machine failed.

    A collective of NCCL would wait for it until its timeout. Nothing happens without torchrun.
    """
    folder = shared_folder()
    if folder is None or not folder.is_dir():
        yield
        return
    own = folder / f"{rank}{SUFFIX}"
    own.write_text(str(os.getpid()), encoding="ascii")
    over = threading.Event()
    threading.Thread(target=_watch, args=(folder, rank, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        own.unlink(missing_ok=True)


def end_in_time(sentence: str) -> None:
    """Have this process end within seconds, even if leaving the other ranks should take for ever."""

    def end() -> None:
        _say(sentence)
        os._exit(1)

    timer = threading.Timer(GRACE_SECONDS, end)
    timer.daemon = True
    timer.start()


def _watch(folder: Path, rank: int, over: threading.Event) -> None:
    while not over.wait(POLL_SECONDS):
        if said_in(folder) is not None or _any_gone(folder):
            if not over.wait(GRACE_SECONDS):
                sentence = lost_rank(rank, "it does not answer")
                claim(sentence, effect=True)
                _say(sentence)
                os._exit(1)
            return


def _any_gone(folder: Path) -> bool:
    """Whether a rank has ended without a word. One that ends in order deletes its file first."""
    for file in folder.glob(f"*{SUFFIX}"):
        with suppress(OSError, ValueError):
            if not is_running(int(file.read_text(encoding="ascii"))):
                return file.exists()
    return False


def _say(sentence: str) -> None:
    if speaks(sentence):
        click.echo(f"Error: {sentence}", err=True)


def lost_rank(rank: int, reason: str) -> str:
    """What a rank says that cannot go on without another."""
    return f"Rank {rank} lost another rank, whose own message says why ({reason})."
