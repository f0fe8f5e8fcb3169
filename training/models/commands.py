"""How messages name the commands: as in a checkout, or as `gelato` where that is what was started."""

import os
import re

INSTALLED = (
    (re.compile(r"python app\.py"), "gelato app"),
    (re.compile(r"python -m index(?![\w.])"), "gelato index"),
    (re.compile(r"python -m training(?![\w.])"), "gelato train"),
    (re.compile(r"(?<=pip install )-r requirements-(\w+)\.txt"), r"'gelato[\1]'"),
    (re.compile(r"(?<=pip install )-r requirements\.txt"), "gelato"),
)


def as_started(text: str) -> str:
    """text with the commands that the person has; the code writes those of a checkout."""
    if os.environ.get("GELATO_COMMAND") == "gelato":
        for pattern, name in INSTALLED:
            text = pattern.sub(name, text)
    return text
