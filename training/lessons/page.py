"""docs/learn.md, made from the registry: `python -m training lesson --page docs/learn.md`."""

from itertools import groupby
from pathlib import Path

from training.lessons.lesson import LESSONS, Control, Lesson
from training.lessons.limits import IDLE, MEMORY, TIMEOUT
from training.models.atomic import write_file

HEAD = """# Learn

<!-- made by python -m training lesson --page docs/learn.md -->

The tab Learn follows a lecture on self-supervised learning and CLIP. Each lesson has something to move, and the
project's own methods, views and probes compute what follows, on real tensors and, where that helps, on your photos. The
same in a terminal:

    python -m training lesson                                    # list the lessons
    python -m training lesson nt-xent --set temperature=0.1
    python -m training lesson views --image photo.jpg --json     # the figures as lines of JSON

The page computes lessons in a process of its own, one at a time, with at most {gigabytes:g} GB of memory and
{seconds:g} seconds for a lesson; the process ends after {minutes:g} minutes without a request. Where others can reach
the page (`--host`, `--auth`, `--token`, `--share`), it computes none and names the command instead.
"""


def write_page(path: Path) -> None:
    """Write the list of lessons to path."""
    write_file(path, text().encode())


def text() -> str:
    """The page: the lessons by their sections."""
    parts = [HEAD.format(gigabytes=MEMORY, seconds=TIMEOUT, minutes=IDLE / 60)]
    for section, lessons in groupby(LESSONS.values(), lambda lesson: lesson.section):
        parts.append(f"## {section}\n")
        parts += map(_lesson, lessons)
    return "\n".join(parts)


def _lesson(lesson: Lesson) -> str:
    lines = [f"### {lesson.title}", "", f"`python -m training lesson {lesson.name}`", "", lesson.says, ""]
    if lesson.equation:
        lines += [f"    {lesson.equation}", ""]
    lines += [f"- {_control(control)}" for control in lesson.controls]
    lines += ["", f"{lesson.look} ({lesson.paper})", ""]
    return "\n".join(lines)


def _control(control: Control) -> str:
    if control.options:
        return f"`{control.name}`: {control.label.lower()}, {', '.join(f'`{one}`' for one in control.options)}"
    ends = f"{control.low:g} to {control.high:g}"
    return f"`{control.name}`: {control.label.lower()}, {ends} (at first {control.default:g})"
