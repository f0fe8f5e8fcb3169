"""What the README says exists, and its figures are those that were stored."""

import re
from pathlib import Path

import click
import pytest

from benchmarks import scale_page
from benchmarks.tables import TABLES, with_table

ROOT = Path(__file__).parent.parent
DOCS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))
PAGES = ("README.md", "CONTRIBUTING.md", "benchmarks/README.md", "training/models/starter.md", *DOCS)


def command(module: str) -> click.Command:
    if module == "app.py":
        from app.command import main

        return main
    if module == "index":
        from index.__main__ import cli
    else:
        from training.__main__ import cli
    return cli


@pytest.mark.parametrize("page", PAGES)
def test_every_command_on_a_page_exists_with_its_options(page):
    text = (ROOT / page).read_text()
    found = re.findall(r"python (?:-m (index|training) ([a-z][a-z0-9-]*)|(app\.py))([^\n`#]*)", text)
    for module, name, app, rest in found:
        group = command(module or app)
        if name:
            assert isinstance(group, click.Group)
            found_command = group.get_command(click.Context(group), name)
            assert found_command is not None, f"python -m {module} {name}"
            group = found_command
            words = rest.split()
            if isinstance(group, click.Group) and words and words[0] in group.commands:
                group = group.commands[words[0]]
        parameters = group.get_params(click.Context(group))
        options = {flag for parameter in parameters for flag in parameter.opts}
        passed_on = group.context_settings.get("ignore_unknown_options", False)  # to torchrun and the method
        assert passed_on or set(re.findall(r"--[a-z-]+", rest)) <= options | {"--help"}, rest


def test_every_word_that_is_given_to_make_is_a_target():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {word for page in PAGES for word in re.findall(r"^    make ([a-z-]+)", (ROOT / page).read_text(), re.M)}
    assert named and named <= targets


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_leads_to_is_there(page):
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / page).read_text())
    assert all((ROOT / page).parent.joinpath(link).exists() for link in links), links


@pytest.mark.parametrize("page", TABLES, ids=lambda page: page.parent.name)
def test_the_tables_of_figures_are_made_from_the_stored_results(page):
    text = page.read_text()
    assert with_table(text, TABLES[page]) == text, "run: python benchmarks/tables.py"


def test_the_figures_of_scaling_are_those_of_the_stored_results():
    text = scale_page.PAGE.read_text(encoding="utf-8")
    assert scale_page.filled(text) == text, "run: python benchmarks/scale_page.py"


def test_every_requirement_has_a_range_and_a_reason():
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            assert re.fullmatch(r"[\w-]+[<>=~][^ #;]+(; [^#]+)? +# \S.*", line), line
