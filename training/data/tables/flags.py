"""The options of a command that takes a SOURCE, for its tables: the same for all of them."""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Any

import click

from training.data.tables.options import TableOptions


def table_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `TableOptions`, which it gets as its parameter tables."""

    @wraps(command)
    def with_tables(**given: Any) -> None:
        said = {field.name: given.pop(field.name) for field in fields(TableOptions)}
        command(tables=TableOptions(**said), **given)

    for field in reversed(fields(TableOptions)):
        name = f"--{field.name.replace('_', '-')}"
        help = field.metadata["help"]
        with_tables = click.option(name, *field.metadata["flags"], field.name, help=f"{help[0].upper()}{help[1:]}")(
            with_tables
        )
    return with_tables
