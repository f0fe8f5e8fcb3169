"""How messages name the commands: as in a checkout, or as `gelato` where that is what was started."""

import os
import re
import sys
from importlib.util import find_spec

INSTALLED = (
    (re.compile(r"python app\.py"), "gelato app"),
    (re.compile(r"python -m index(?![\w.])"), "gelato index"),
    (re.compile(r"python -m training(?![\w.])"), "gelato train"),
)
LIST = re.compile(r"pip install -r requirements(?:-(\w+))?\.txt")


def as_started(text: str) -> str:
    """text with the commands that the person has; the code writes those of a checkout."""
    if os.environ.get("GELATO_COMMAND") == "gelato":
        for pattern, name in INSTALLED:
            text = pattern.sub(name, text)
        text = LIST.sub(lambda found: _installing(found[1]) or found[0], text)
    return text


def _installing(extra: str | None) -> str:
    """The command that installs what is missing of an extra, or of what is always required, into this environment.

    It names the packages and not gelato[EXTRA], since the gelato of PyPI is another project. "" if nothing is known.
    """
    from importlib import metadata  # reads mail to do so: 20 ms that a command without a mistake saves

    try:
        from packaging.requirements import Requirement

        every = map(Requirement, metadata.requires("gelato") or [])
    except (ImportError, metadata.PackageNotFoundError):
        return ""
    of_extra = (each for each in every if ("extra" in str(each.marker)) == bool(extra))
    wanted = (each for each in of_extra if not each.marker or each.marker.evaluate({"extra": extra or ""}))
    missing = [f'"{each.name}{each.specifier}"' for each in wanted if not _is_there(each.name)]
    if not missing:
        return ""
    program = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    pip = f"{program} -m pip install" if find_spec("pip") else f"uv pip install --python {program}"
    return " ".join([pip, *missing])


def _is_there(package: str) -> bool:
    from importlib import metadata

    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False
