"""LESSONS: what each lesson of lessons.toml says, what can be moved in it, and where it is computed.

Listing them imports nothing heavy: a lesson's file, which imports torch, is imported when the lesson runs.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.models.errors import UserError
from training.models.registry import pick

if TYPE_CHECKING:
    from PIL import Image

FILE = Path(__file__).with_name("lessons.toml")
Part = dict[str, Any]  # a line of a lesson's output, see parts.py


@dataclass(frozen=True, kw_only=True)
class Control:
    """One thing to move: a number from low to high, or one of options. log: it moves by factors."""

    name: str
    label: str
    default: float | str
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    log: bool = False
    options: tuple[str, ...] = ()

    def read(self, text: str) -> float | str:
        """The value that text stands for; UserError if it is none."""
        if self.options:
            return pick(f"{self.name}", text, {option: option for option in self.options})
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not self.low <= value <= self.high:
            raise UserError(f"{self.name} is {text!r}; it is a number from {self.low:g} to {self.high:g}.")
        return value


class Settings(dict[str, float | str]):
    """The value of each control of a lesson."""

    def number(self, name: str) -> float:
        """The value of a control that is a number."""
        return float(self[name])

    def whole(self, name: str) -> int:
        """The value of a control that is a whole number."""
        return round(float(self[name]))

    def text(self, name: str) -> str:
        """The value of a control that is one of its options."""
        return str(self[name])


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A lesson. says: its sentences. look: what to look at while the first control moves. photos: how many images
    of a person's own it can use. elsewhere: what the page shows of the same elsewhere: text, tab and settings of each.
    """

    name: str
    section: str
    title: str
    says: str
    look: str
    paper: str
    controls: tuple[Control, ...]
    equation: str = ""
    photos: int = 0
    question: str = ""
    answer: str = ""
    elsewhere: tuple[dict[str, Any], ...] = field(default=())

    def settings(self, given: Mapping[str, str]) -> Settings:
        """All settings, those given read from text; UserError for an unknown name or a value out of range."""
        controls = {control.name: control for control in self.controls}
        values = Settings({name: control.default for name, control in controls.items()})
        for name, text in given.items():
            values[name] = pick("setting", name, controls).read(text)
        return values

    def run(self, given: Mapping[str, str], photos: "Sequence[Image.Image]" = ()) -> Iterator[Part]:
        """The parts of the lesson, one after another; a part that comes again takes the place of the earlier one."""
        settings = self.settings(given)
        compute: Callable[..., Iterator[Part]] = import_module(f"training.lessons.{self.name.replace('-', '_')}").parts
        return compute(settings, list(photos)[: self.photos])

    def facts(self) -> dict[str, Any]:
        """What the page needs to lay the lesson out."""
        return asdict(self)


def _read() -> dict[str, Lesson]:
    lessons = {}
    for entry in tomllib.loads(FILE.read_text(encoding="utf-8"))["lesson"]:
        controls = [Control(**{**one, "options": tuple(one.get("options", ()))}) for one in entry.pop("control", [])]
        texts: dict[str, Any] = {
            key: " ".join(value.split()) if isinstance(value, str) else value for key, value in entry.items()
        }
        texts["elsewhere"] = tuple(texts.get("elsewhere", ()))
        lessons[entry["name"]] = Lesson(**texts, controls=tuple(controls))
    return lessons


LESSONS: Mapping[str, Lesson] = _read()
