"""The filters of a request as conditions in SQL that hold for the same rows.

A filter expression is in pandas query syntax. What pandas says of missing values is said to the database too: no
comparison holds for one, but "is not" does.
"""

import ast
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from index.retrieval.facets import TAGS, FacetFilter, limit
from index.retrieval.filters import parsed
from index.retrieval.request import SearchRequest
from training.data.metadata.columns import LISTS, SEPARATOR
from training.models.errors import UserError

COMPARED = {ast.Eq: "=", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


def condition_of(request: SearchRequest, schema: pa.Schema) -> str:
    """What a row has to meet for every filter of a request, "" for nothing. UserError for a filter without sense."""
    parts = [_expression(request.filter, schema)] if request.filter else []
    parts += [_facet(one, schema) for one in request.facets]
    parts += [f"array_has({TAGS}, {quoted(name)})" for name in request.tags]
    return " AND ".join(f"({part})" for part in parts)


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def any_of(column: str, values: Sequence[str]) -> str:
    """That a column has one of some texts."""
    return f"{named(column)} IN ({', '.join(map(quoted, values))})" if values else "false"


def named(column: str) -> str:
    return f"`{column}`"


def _expression(expression: str, schema: pa.Schema) -> str:
    """A filter expression; pandas checks it first, on no rows, so that both refuse the same."""
    tree, stand_ins = parsed(expression, schema.names)
    return _Translator(schema, stand_ins, expression).of(tree.body)


class _Translator:
    def __init__(self, schema: pa.Schema, stand_ins: dict[str, str], expression: str):
        self.schema, self.stand_ins, self.expression = schema, stand_ins, expression

    def of(self, node: ast.expr) -> str:
        """A condition that is true or false, never unknown."""
        if isinstance(node, ast.BoolOp):
            word = " AND " if isinstance(node.op, ast.And) else " OR "
            return word.join(f"({self.of(value)})" for value in node.values)
        if isinstance(node, ast.BinOp):
            word = " AND " if isinstance(node.op, ast.BitAnd) else " OR "
            return f"({self.of(node.left)}){word}({self.of(node.right)})"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
            return f"NOT ({self.of(node.operand)})"
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            links = zip(node.ops, sides[:-1], sides[1:], strict=True)
            return " AND ".join(f"({self._compared(op, left, right)})" for op, left, right in links)
        if isinstance(node, ast.Name) and pa.types.is_boolean(self._type(node)):
            return f"coalesce({self._value(node, None)}, false)"
        raise self._refused()

    def _compared(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> str:
        kind = next((self._type(side) for side in (left, right) if isinstance(side, ast.Name)), None)
        one = self._value(left, kind)
        if isinstance(op, ast.In | ast.NotIn) and isinstance(right, ast.List | ast.Tuple):
            values = ", ".join(self._value(value, kind) for value in right.elts)
            found = f"coalesce({one} IN ({values}), false)" if values else "false"
            return found if isinstance(op, ast.In) else f"NOT ({found})"
        if type(op) not in COMPARED:
            raise self._refused()
        if isinstance(right, ast.List | ast.Tuple):  # pandas reads `width == [1, 2]` as one of them
            raise self._refused()
        missing = "true" if isinstance(op, ast.NotEq) else "false"
        return f"coalesce({one} {COMPARED[type(op)]} {self._value(right, kind)}, {missing})"

    def _value(self, node: ast.expr, kind: pa.DataType | None) -> str:
        if isinstance(node, ast.Name):
            return named(self._column(node))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return f"-{self._value(node.operand, kind)}"
        if not isinstance(node, ast.Constant):
            raise self._refused()
        return _constant(node.value, kind, self.expression)

    def _column(self, node: ast.Name) -> str:
        return self.stand_ins.get(node.id, node.id)

    def _type(self, node: ast.expr) -> pa.DataType:
        assert isinstance(node, ast.Name)
        return self.schema.field(self._column(node)).type

    def _refused(self) -> UserError:
        return UserError(
            f"The filter {self.expression!r} is more than a database is asked here: compare columns with values, "
            f"joined by and, or, not."
        )


def _constant(value: object, kind: pa.DataType | None, expression: str) -> str:
    text = kind is not None and (pa.types.is_string(kind) or pa.types.is_large_string(kind))
    if text and type(value) in (int, float):  # the same sentence as over a collection, see retrieval.filters
        raise UserError(f"The filter {expression!r} compares a column of text with the number {value!r}; quote it.")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str) and kind is not None and pa.types.is_timestamp(kind):
        return _time(limit(_empty(kind), value, "low"))
    if isinstance(value, str) and (kind is None or text):
        return quoted(value)
    raise UserError(f"The filter {expression!r} does not work on these columns: {value!r} is of another kind.")


def _time(moment: Any) -> str:
    """A moment in the clock of its column, which the database keeps in UTC."""
    moment = pd.Timestamp(moment)
    utc = moment.tz_convert("UTC").tz_localize(None) if moment.tz is not None else moment
    return f"timestamp {quoted(utc.isoformat(sep=' ', timespec='nanoseconds'))}"


def _empty(kind: pa.DataType) -> pd.Series:
    return pa.array([], kind).to_pandas()


def _facet(one: FacetFilter, schema: pa.Schema) -> str:
    """A filter over one column, as `Facets.rows` reads it."""
    if one.column == TAGS:
        return " OR ".join(f"array_has({TAGS}, {quoted(name)})" for name in one.values or ()) or "false"
    if one.column not in schema.names:
        raise UserError(f"There is no column called {one.column!r} to filter by.")
    column, kind = named(one.column), schema.field(one.column).type
    text = column if pa.types.is_string(kind) else f"cast({column} AS string)"
    if one.values is not None and one.column in LISTS:
        held = f"string_to_array(coalesce({column}, ''), {quoted(SEPARATOR)})"
        return " OR ".join(f"array_has({held}, {quoted(value)})" for value in one.values) or "false"
    if one.values is not None:
        return _has_value(one.column, kind, one.values)
    if one.contains is not None:
        return f"contains(lower(coalesce({text}, '')), {quoted(one.contains.lower())})"
    if one.low is None and one.high is None:
        raise UserError(f"The filter on {one.column!r} has no condition; give values, a part of the text, or limits.")
    empty = _empty(kind).rename(one.column)
    parts = []
    for value, end, sign in ((one.low, "low", ">="), (one.high, "high", "<=")):
        if value is not None:
            found = limit(empty, value, end)
            parts.append(f"coalesce({column} {sign} {found if isinstance(found, float) else _time(found)}, false)")
    return " AND ".join(parts)


def _has_value(column: str, kind: pa.DataType, values: Sequence[str]) -> str:
    """That a cell, as text, is one of values; "" stands for a missing one."""
    name = named(column)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return f"coalesce({name}, '') IN ({', '.join(map(quoted, values))})" if values else "false"
    parts = [f"{name} IS NULL"] if "" in values else []
    if pa.types.is_boolean(kind):
        parts += [f"coalesce({name} = {value.lower()}, false)" for value in values if value in ("True", "False")]
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = [float(value) for value in values if _is_number_text(value, kind)]
        parts += [f"coalesce({name} = {number!r}, false)" for number in numbers]
    else:
        raise UserError(f"A database is not asked for values of {column!r} one by one; give limits.")
    return " OR ".join(parts) or "false"


def _is_number_text(value: str, kind: pa.DataType) -> bool:
    """Whether a number of that kind is written like this: 3 for whole ones, 3.0 for others."""
    try:
        return value == str(int(value) if pa.types.is_integer(kind) else float(value))
    except ValueError:
        return False
