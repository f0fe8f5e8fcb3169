"""What a page does on the screen of this computer: it shows the folder of an image in the file manager."""

import os
import subprocess
import sys
from pathlib import Path

from app.language.current import _
from training.models.errors import UserError


def has_screen() -> bool:
    """Whether this process can open windows."""
    if os.name == "nt" or sys.platform == "darwin":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def show_in_folder(file: Path) -> None:
    """Open the folder of a file in the file manager. UserError where there is none."""
    if not has_screen():
        raise UserError(_("The folder cannot be opened: Gelato runs without a screen; copy the path instead."))
    try:
        subprocess.Popen(_command(file), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise UserError(
            _("The folder cannot be opened: {value}; copy the path instead.", value=error.strerror or error)
        ) from error


def _command(file: Path) -> list[str]:
    if os.name == "nt":
        return ["explorer", f"/select,{file}"]
    return ["open", "-R", str(file)] if sys.platform == "darwin" else ["xdg-open", str(file.parent)]
