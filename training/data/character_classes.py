"""[[:alpha:]] and the like in patterns of file names, as git has them; pathspec does not know them.

They stand for ASCII characters without "/", and without case, since names are compared without it.
"""

import re

CLASSES = {
    **dict.fromkeys(("alpha", "upper", "lower"), "a-z"),
    **{"digit": "0-9", "alnum": "a-z0-9", "xdigit": "0-9a-f", "blank": " \t", "space": " \t\n\v\f\r"},
    **{"cntrl": "\x00-\x1f\x7f", "graph": '"-.0-~!', "print": " -.0-~", "punct": "!\"#$%&'()*+,.:;<=>?@[\\^_`{|}~"},
}
CLASS = re.compile(r"\[:(\w*):\]")
BRACKETS = re.compile(r"(?<!\\)\[([!^]?)(\]?(?:\[:\w*:\]|[^\]])*)\]")


def without_classes(pattern: str) -> str:
    """A pattern with the characters of classes in their place. ValueError for a class that there is not."""
    return BRACKETS.sub(_spelt_out, pattern) if "[:" in pattern else pattern


def _spelt_out(brackets: re.Match[str]) -> str:
    negation, body = brackets.groups()
    unknown = [name for name in CLASS.findall(body) if name not in CLASSES]
    if unknown:
        raise ValueError(f"there is no class [:{unknown[0]}:]")
    spelt = CLASS.sub(lambda known: CLASSES[known[1]], body.removeprefix("]"))
    punctuation = "[:punct:]" in body  # two of its characters have a place of their own
    first, last = "]" * (punctuation or body.startswith("]")), "-" * (punctuation and not body.endswith("-"))
    return f"[{negation}{first}{spelt}{last}]"
