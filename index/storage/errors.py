"""Errors of a collection's files, as sentences that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.models.errors import UserError


def damaged_segment(path: Path, error: Exception) -> UserError:
    """The error for a segment of the collection at path that is not what was published."""
    return UserError(
        f"{path} has lost or damaged a segment ({str(error).splitlines()[0]}). To repair it from its images: "
        f"python -m index build SOURCE --into {path} --repair"
    )


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """A disk that is full or may not be written, as a sentence. What was published before stays as it was."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise UserError(
            f"{path} cannot be written: {why}. What was published stays; once that is put right, "
            f"the same command goes on from there."
        ) from error
