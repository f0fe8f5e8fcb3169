"""What `gelato doctor` reports: one line a thing that was looked at, and the remedy if something is wrong."""

import re
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

PATH = re.compile(r"(?<![\w/:.<~-])(?:[A-Za-z]:\\|\\\\|/|~/)[^\s'\",;:()]+")  # an absolute path in a sentence


@dataclass(frozen=True)
class Finding:
    """What was found.

    state: a "note" is a thing to know, with which everything works; a "fault" is to be put right.
    path: the file or folder that the sentences name, if they do.
    """

    section: str
    name: str
    text: str
    state: Literal["ok", "note", "fault"] = "ok"
    remedy: str = ""
    path: str = ""

    def without_paths(self) -> "Finding":
        """The same for a bug report: no folder of the user, nor the name of one."""
        text, remedy = (hidden(sentence, self.path) for sentence in (self.text, self.remedy))
        return replace(self, text=text, remedy=remedy, path="")


def hidden(text: str, path: str = "") -> str:
    """text with paths replaced by <path>: that path, and what looks like one, as in the message of an exception."""
    text = text.replace(path, "<path>") if path else text
    folders = (Path.cwd(), Path(tempfile.gettempdir()), Path.home())
    for folder in sorted({str(each) for each in folders if len(each.parts) > 1}, key=len, reverse=True):
        text = text.replace(folder, "~")  # these may hold spaces
    return PATH.sub("<path>", text)


def document(findings: list[Finding], paths: bool) -> dict[str, object]:
    """What --json prints: "sound" is whether nothing is broken."""
    shown = findings if paths else [each.without_paths() for each in findings]
    return {"sound": is_sound(findings), "findings": [asdict(each) for each in shown]}


def screen(findings: list[Finding]) -> str:
    """A line a finding, under the title of its section; remedies below what they are for."""
    width = max(len(each.name) for each in findings)
    lines: list[str] = []
    section = ""
    for each in findings:
        if each.section != section:
            section = each.section
            lines += ["", section] if lines else [section]
        mark = {"ok": " ", "note": "-", "fault": "!"}[each.state]
        lines.append(f"{mark} {each.name:<{width}}  {each.text}")
        if each.remedy:
            lines.append(f"  {'':<{width}}  -> {each.remedy}")
    faults = sum(each.state == "fault" for each in findings)
    end = "Nothing is broken." if not faults else f"{faults} {'fault' if faults == 1 else 'faults'}, marked with !."
    return "\n".join([*lines, "", end])


def is_sound(findings: list[Finding]) -> bool:
    """Whether there is no fault among them."""
    return all(each.state != "fault" for each in findings)
