"""The strings of a script, each with what calls it and what stands before it: a scanner of JavaScript.

Babel's own reader of scripts passes over messages within the arguments of others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# In the order in which they are tried. A slash after a value divides, after anything else it begins a pattern.
TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<template>`)
    |(?P<name>[A-Za-z_$][\w$]*)
    |(?P<space>\s+)
    |(?P<pattern>/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
OPENING, CLOSING = "([{", ")]}"


@dataclass(frozen=True)
class Literal:
    """A string or a template, whose expressions are {}. calls: the functions it is an argument of, innermost last."""

    line: int
    text: str
    calls: tuple[str, ...]
    before: str  # the two tokens before it, such as "title:"


def literals(source: str) -> list[Literal]:
    """Every string and template of a script, in their order; the strings within a template's expressions too."""
    return list(Scanner(source).scan(0, None))


class Scanner:
    """One pass over a script. The stack holds, for each open bracket, the name before it or ""."""

    def __init__(self, source: str):
        self.source = source
        self.stack: list[str] = []
        self.end = 0  # where the last scan ended
        self.line, self.counted = 1, 0  # the number of the line that holds the last token, and where that begins

    def scan(self, at: int, until: str | None) -> Iterator[Literal]:
        """From at to the end, or to the bracket that closes what was open before."""
        depth, recent = len(self.stack), ["", ""]
        while at < len(self.source):
            found = TOKEN.match(self.source, at)
            assert found
            kind, value = found.lastgroup, found[0]
            if kind == "pattern" and (recent[-1][-1:].isalnum() or recent[-1] in (")", "]")):
                value = "/"  # a division
            line = self.line_of(at)
            at += len(value)
            if kind in ("comment", "space"):
                continue
            if kind == "string":
                yield Literal(line, _unescaped(value[1:-1]), self.calls(), "".join(recent))
            elif kind == "template":
                text, inner, at = self.template(at)
                yield Literal(line, text, self.calls(), "".join(recent))
                yield from inner
            elif value in OPENING:
                self.stack.append(recent[-1] if value == "(" and recent[-1].isidentifier() else "")
            elif value in CLOSING:
                if value == until and len(self.stack) == depth:
                    break
                self.stack.pop()
            recent = [recent[-1], value]
        self.end = at

    def template(self, at: int) -> tuple[str, list[Literal], int]:
        """The text of a template that began before at, the literals of its expressions, and where it ends."""
        text = ""
        inner: list[Literal] = []
        while self.source[at] != "`":
            if self.source[at] == "\\":
                text, at = text + self.source[at + 1], at + 2
            elif self.source.startswith("${", at):
                inner += self.scan(at + 2, "}")
                text, at = text + "{}", self.end
            else:
                text, at = text + self.source[at], at + 1
        return text, inner, at + 1

    def line_of(self, at: int) -> int:
        """The number of the line of a place that is not before the last one asked for."""
        self.line += self.source.count("\n", self.counted, at)
        self.counted = at
        return self.line

    def calls(self) -> tuple[str, ...]:
        return tuple(name for name in self.stack if name)


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})|\\(.)", lambda m: chr(int(m[1], 16)) if m[1] else m[2], text)
