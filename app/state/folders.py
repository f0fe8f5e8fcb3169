"""The folders that a person may choose from: those below its roots, where only this computer reaches the page."""

from pathlib import Path

from app.state.library import Library

MOST = 200  # folders that are offered at a time


def subfolders(library: Library, typed: str) -> list[str]:
    """What a path that is being typed may go on with: the folders beside its last part, in the spelling of its start.

    Hidden folders and symbolic links are left out. Empty for a path outside the roots, also if a link leads
    there, and for everyone where others can reach the page.
    """
    start = typed[: typed.rfind("/") + 1] or "~/"
    if not library.local:
        return []
    try:
        folder = Path(start).expanduser().resolve()
        if not any(folder.is_relative_to(root.expanduser().resolve()) for root in library.roots):
            return []
        names = (
            entry.name
            for entry in folder.iterdir()
            if not entry.name.startswith(".") and entry.is_dir() and not entry.is_symlink()
        )
        return [start + name for name in sorted(names, key=str.casefold)[:MOST]]
    except (OSError, RuntimeError, ValueError):  # it is not there or not readable, no such user, a null character
        return []
