"""The folders of this computer that the page offers and writes into: those below the roots of the library."""

from pathlib import Path

from app.language.current import _
from app.state.library import Library
from training.models.errors import UserError


def below_roots(library: Library, typed: str) -> Path:
    """The folder that a person typed, without symbolic links; it need not be there. UserError outside the roots."""
    try:
        place = Path(typed.strip()).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(_("{typed} is no folder of this computer.", typed=typed[:200])) from error
    if not typed.strip() or not any(place.is_relative_to(root.expanduser().resolve()) for root in library.roots):
        roots = ", ".join(map(str, library.roots))
        raise UserError(_("Name a folder below {roots}; python app.py --roots FOLDER allows others.", roots=roots))
    return place
