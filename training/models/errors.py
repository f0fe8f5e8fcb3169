"""The one kind of error that a person sees as a sentence."""

from training.models.commands import as_started


class UserError(Exception):
    """Something the user can put right: what was wrong, what was seen, what would work.

    Libraries raise it; commands print it in one line and exit 1, the page shows it.
    A mistake of the programmer is a ValueError and keeps its traceback.
    """

    def __str__(self) -> str:
        return as_started(super().__str__())
