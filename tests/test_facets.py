"""Filters: what is offered, what remains, and what is refused."""

import pandas as pd
import pytest

from index.facets import facets, rows_of
from training.models.errors import UserError


@pytest.fixture
def items() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": list("abcd"),
            "folder": ["beach", "beach", "city", None],
            "width": [100, 200, 300, 300],
            "modified": pd.to_datetime(
                ["2024-01-05", "2025-06-01 12:00", "2025-06-02", "2026-01-01"], format="ISO8601"
            ),
            "caption": ["A red boat", "blue sea", "a Red bus", ""],
            "one": ["same"] * 4,
        }
    )


def test_columns_are_offered_with_their_values_and_counts(items):
    offered = {facet["column"]: facet for facet in facets(items)}
    assert offered["folder"] == {"column": "folder", "kind": "values", "values": [["beach", 2], ["city", 1]]}
    assert offered["width"] == {"column": "width", "kind": "range", "low": 100, "high": 300}
    assert offered["modified"]["counts"] == [[2024, 1], [2025, 2], [2026, 1]]
    assert "id" not in offered and "one" not in offered  # nothing to choose between


def test_counts_follow_the_rows_that_are_left(items):
    folder = next(
        f for f in facets(items, rows_of(items, [{"column": "width", "low": 200}])) if f["column"] == "folder"
    )
    assert folder["values"] == [["beach", 1], ["city", 1]]


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ([], [0, 1, 2, 3]),
        ([{"column": "folder", "values": ["beach"]}], [0, 1]),
        ([{"column": "folder", "values": ["beach", "city"]}, {"column": "width", "low": 200}], [1, 2]),
        ([{"column": "width", "low": 200, "high": 299}], [1]),
        ([{"column": "caption", "contains": "red"}], [0, 2]),
        ([{"column": "caption", "contains": "(.*"}], []),
        ([{"column": "modified", "low": "2025-06-01", "high": "2025-06-01"}], [1]),
        ([{"column": "modified", "high": "2024-12-31"}], [0]),
    ],
)
def test_rows_that_pass_every_filter_are_left(items, filters, left):
    assert rows_of(items, filters).tolist() == left


def test_a_text_column_of_many_values_is_searched_by_a_part_of_it():
    items = pd.DataFrame({"caption": [f"picture {i}" for i in range(200)]})
    assert facets(items) == [{"column": "caption", "kind": "text"}]


@pytest.mark.parametrize(
    "bad", [{"column": "nowhere", "values": []}, {"column": "width"}, {"column": "width", "low": "wide"}, {}]
)
def test_a_filter_that_makes_no_sense_says_so(items, bad):
    with pytest.raises(UserError):
        rows_of(items, [bad])
