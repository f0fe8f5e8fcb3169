"""Filters over the columns of a collection: comparisons, and nothing that could run code."""

import ast
import re
import unicodedata

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.models.errors import UserError

LONGEST = 1000  # characters: no person writes more, and a parser may sink in what is deeper
QUOTED = re.compile(r"`([^`\n]+)`")
ALLOWED = (
    ast.Expression,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.Invert,
    ast.BinOp,
    ast.BitAnd,
    ast.BitOr,
    ast.Compare,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.In,
    ast.NotIn,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.List,
    ast.Tuple,
)


def matching_rows(items: pd.DataFrame, expression: str) -> NDArray[np.bool_]:
    """Which rows of items the expression holds for, [N].

    expression: pandas `query` syntax over the columns, for example `width >= 1000 and folder == "beach"`;
    a column with a space is written `` `like this` ``. UserError for anything but comparisons of columns.
    """
    _check_kinds(items, *parsed(expression, list(items.columns)))
    numbered = items.reset_index(drop=True)
    if not expression.isascii():  # é may be one character or two, as on macOS
        expression = unicodedata.normalize("NFC", expression)
        numbered = numbered.map(_composed)
    try:
        found = numbered.query(expression, engine="python").index
    except Exception as error:  # pandas raises what its parts raise: a text compared with a number, say
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"The filter {expression!r} does not work on these columns: {reason}.") from error
    rows = np.zeros(len(items), bool)
    rows[found] = True
    return rows


def _composed(cell: object) -> object:
    return unicodedata.normalize("NFC", cell) if isinstance(cell, str) else cell


def _check_kinds(items: pd.DataFrame, tree: ast.Expression, quoted: dict[str, str]) -> None:
    """UserError where a column of text is compared with a number: they are never equal, which no row would show."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        parts = [part for side in (node.left, *node.comparators) for part in ast.walk(side)]
        numbers = [repr(p.value) for p in parts if isinstance(p, ast.Constant) and type(p.value) in (int, float)]
        for part in parts if numbers else ():
            name = quoted.get(part.id, part.id) if isinstance(part, ast.Name) else None
            if name is not None and pd.api.types.infer_dtype(items[name], skipna=True) == "string":
                raise UserError(
                    f"The column {name} holds text, and {numbers[0]} is a number; compare it with a text in quotes, "
                    f'for example {name} == "{numbers[0]}".'
                )


def columns_of(expression: str, columns: list[str]) -> list[str]:
    """Those of columns that an expression compares. UserError if it does anything else."""
    tree, quoted = parsed(expression, columns)
    return list(dict.fromkeys(quoted.get(node.id, node.id) for node in ast.walk(tree) if isinstance(node, ast.Name)))


def parsed(expression: str, columns: list[str]) -> tuple[ast.Expression, dict[str, str]]:
    """An expression as a tree, and the columns that names in it stand for where these are not its own."""
    hint = f"Compare columns, for example: width > 1000 or folder == 'beach'. The columns are {', '.join(columns)}."
    if len(expression) > LONGEST:
        raise UserError(f"The filter is {len(expression):,} characters long; the most is {LONGEST:,}.")
    known = set(columns)
    quoted: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        quoted[f"_quoted_{len(quoted)}"] = match.group(1)
        return f"_quoted_{len(quoted) - 1}"

    try:
        tree = ast.parse(QUOTED.sub(stand_in, expression.strip()), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(f"The filter {expression!r} cannot be read. {hint}") from error
    if not isinstance(tree.body, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.BinOp):
        raise UserError(f"The filter {expression!r} compares nothing. {hint}")
    if not any(isinstance(node, ast.Name) for node in ast.walk(tree)):
        raise UserError(f"The filter {expression!r} names no column. {hint}")
    for node in ast.walk(tree):
        if not isinstance(node, ALLOWED):
            raise UserError(f"The filter {expression!r} does more than compare columns. {hint}")
        if isinstance(node, ast.Name) and quoted.get(node.id, node.id) not in known:
            raise UserError(f"There is no column called {quoted.get(node.id, node.id)!r}. {hint}")
    return tree, quoted
