"""python -m training lesson: a section of the lecture, computed on real tensors."""

import sys
from pathlib import Path

import click

from training.lessons import LESSONS
from training.lessons.lesson import Lesson, Part
from training.lessons.limits import IDLE, MEMORY
from training.models.console import answer, say
from training.models.errors import UserError
from training.models.registry import pick
from training.models.strict_json import json_text


@click.command()
@click.argument("name", required=False)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="What to move; may be given several times.")
@click.option(
    "--image",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="An image of your own; may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the parts of the figures as lines of JSON.")
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), help="Write the list of lessons to this file.")
@click.option("--serve", is_flag=True, help="Answer requests on stdin, as the Learn tab sends them.")
@click.option("--idle", default=IDLE, show_default=True, help="Seconds without a request after which --serve ends.")
@click.option("--memory", default=MEMORY, show_default=True, help="Gigabytes that --serve may take.")
def lesson(
    name: str | None,
    settings: tuple[str, ...],
    files: tuple[Path, ...],
    as_json: bool,
    page: Path | None,
    serve: bool,
    idle: float,
    memory: float,
) -> None:
    """Compute a lesson of the lecture, as the Learn tab shows it; without NAME, list the lessons.

    \b
      python -m training lesson nt-xent --set temperature=0.1
      python -m training lesson views --image photo.jpg --json
    """
    if serve:
        from training.lessons.serve import Server

        Server(sys.stdin, sys.stdout, idle, int(memory * 2**30)).serve()
    elif page is not None:
        from training.lessons.page import write_page

        write_page(page)
        say(f"Written to {page}.", err=True)
    elif name is None:
        lines = [f"{one.name:20} {one.title}" for one in LESSONS.values()]
        answer(as_json, [one.facts() for one in LESSONS.values()], "\n".join(lines))
    else:
        _run(pick("lesson", name, LESSONS), dict(map(_setting, settings)), files, as_json)


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--set takes KEY=VALUE, not {text!r}.")
    return key, value


def _run(chosen: Lesson, settings: dict[str, str], files: tuple[Path, ...], as_json: bool) -> None:
    from training.models.decoding import decode_image

    if len(files) > chosen.photos:
        takes = f"takes {chosen.photos} at most" if chosen.photos else "takes none"
        raise UserError(f"{chosen.name} {takes}; {len(files)} images were given.")
    photos = [decode_image(file.read_bytes()).image.convert("RGB") for file in files]
    last: dict[str, Part] = {}
    for part in chosen.run(settings, photos):
        last[part["part"]] = part
        if as_json:
            click.echo(json_text(part, indent=None))
    if not as_json:
        say(
            "\n".join([chosen.title, "", chosen.says, "", *(line for part in last.values() for line in lines_of(part))])
        )


def lines_of(part: Part) -> list[str]:
    """A part in words: sentences, and the numbers of bars, matrices and the ends of curves."""
    if part["kind"] in ("sentence", "remark"):
        return [part["text"], ""]
    found = [part.get("title", "")]
    for row in part.get("rows", []) if part["kind"] == "bars" else []:
        found.append(f"  {row['name']:24} {row['text'] or row['value']}")
    for row in part.get("values", []):
        found.append("  " + " ".join("     ." if value is None else f"{value:6.2f}" for value in row))
    for line in part.get("lines", []):
        found.append(f"  {line['name']:24} {line['points'][0]} ... {line['points'][-1]}")
    for box in part.get("boxes", []):
        found += [f"  {box['title']}", *(f"    {line}" for line in box["lines"])]
    return [*found, ""]
