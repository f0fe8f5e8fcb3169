"""Filters: what is offered, what remains, what comes first, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from index.retrieval.facets import FacetFilter, Facets
from training.models.errors import UserError


def facets_over(items: pd.DataFrame) -> Facets:
    return Facets(list(items), len(items), items.__getitem__)


@pytest.fixture
def facets() -> Facets:
    days = ("2024-01-05", "2025-06-01 12:00", "2025-06-02", "2026-01-01")
    return facets_over(
        pd.DataFrame(
            {
                "id": list("abcd"),
                "path": ["x/C.jpg", "b.jpg", "x/a.jpg", "y/B.jpg"],
                "folder": ["beach", "beach", "city", None],
                "width": [100, 200, 300, 300],
                "height": [100, 100, 50, 200],
                "modified": [pd.Timestamp(day) for day in days],
                "caption": ["A red boat", "blue sea", "a Red bus", ""],
                "one": ["same"] * 4,
            }
        )
    )


def test_columns_are_offered_with_their_values_and_counts(facets):
    offered = {facet["column"]: facet for facet in facets.counted()}
    assert offered["folder"] == {"column": "folder", "kind": "values", "values": [["beach", 2], ["city", 1]]}
    assert offered["width"] == {"column": "width", "kind": "range", "low": 100, "high": 300}
    assert offered["modified"]["counts"] == [[2024, 1], [2025, 2], [2026, 1]]
    assert "id" not in offered and "one" not in offered  # nothing to choose between


def test_counts_follow_the_rows_that_are_left(facets):
    wide = facets.rows([FacetFilter("width", low=200)])
    folder = next(facet for facet in facets.counted(wide) if facet["column"] == "folder")
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
        ([{"column": "tags", "values": ["print"]}], [1, 3]),
    ],
)
def test_rows_that_pass_every_filter_are_left(facets, filters, left):
    assert facets.rows([FacetFilter(**one) for one in filters], {"print": np.array([1, 3])}).tolist() == left


def test_tags_are_counted_like_a_column(facets):
    tagged = {"print": np.array([1, 3]), "sea": np.array([0, 1, 2])}
    assert facets.counted(np.array([2, 3]), tagged)[0]["values"] == [["print", 1], ["sea", 1]]


@pytest.mark.parametrize(
    ("by", "first"),
    [
        ("best", [3, 0, 2, 1]),
        ("newest", [3, 2, 1, 0]),
        ("oldest", [0, 1, 2, 3]),
        ("largest", [3, 1, 2, 0]),
        ("name", [2, 3, 1, 0]),
    ],
)
def test_rows_are_sorted_by_what_was_asked(facets, by, first):
    assert facets.ordered(np.array([3, 0, 2, 1]), by).tolist() == first


def test_a_text_column_of_many_values_is_searched_by_a_part_of_it():
    items = pd.DataFrame({"caption": [f"image {i}" for i in range(200)]})
    assert facets_over(items).counted() == [{"column": "caption", "kind": "text"}]


@pytest.mark.parametrize(
    "bad", [{"column": "nowhere", "values": []}, {"column": "width"}, {"column": "width", "low": "wide"}]
)
def test_a_filter_that_makes_no_sense_says_so(facets, bad):
    with pytest.raises(UserError):
        facets.rows([FacetFilter(**bad)])


def test_an_order_that_is_not_known_says_so(facets):
    with pytest.raises(UserError, match="choose from best, newest"):
        facets.ordered(np.arange(4), "colour")


def test_a_column_of_several_values_is_filtered_by_each_of_them():
    items = pd.DataFrame({"id": list("abcd"), "keywords": ["cat; dog", None, "dog", "cat; a bird"]})
    facets = facets_over(items)
    [offered] = facets.counted(np.array([0, 2]))
    assert offered == {"column": "keywords", "kind": "values", "values": [["dog", 2], ["cat", 1], ["a bird", 0]]}
    for one, rows in (
        ({"values": ["cat"]}, [0, 3]),
        ({"values": ["a bird", "dog"]}, [0, 2, 3]),
        ({"contains": "AT"}, [0, 3]),
    ):
        assert facets.rows([FacetFilter("keywords", **one)]).tolist() == rows


def test_the_only_value_of_a_column_is_offered_where_some_rows_lack_it():
    favorites = facets_over(pd.DataFrame({"id": list("ab"), "favorite": [True, None]}))
    assert favorites.counted() == [{"column": "favorite", "kind": "values", "values": [["True", 1]]}]


def test_images_are_ordered_by_when_they_were_taken_else_by_when_their_file_changed():
    days = [pd.Timestamp(day) for day in ("2020-01-01", "2024-01-01", "2022-01-01")]
    items = pd.DataFrame({"id": list("abc"), "modified": days, "taken": [pd.Timestamp("2023-01-01"), None, None]})
    for orders, rows in (("newest", [1, 0, 2]), ("oldest", [2, 0, 1])):
        assert facets_over(items).ordered(np.arange(3), orders).tolist() == rows


def test_only_the_columns_of_a_request_are_read():
    items, read = pd.DataFrame({"id": list("ab"), "width": [1, 2], "caption": ["x", "y"]}), []
    facets = Facets(list(items), len(items), lambda name: read.append(name) or items[name])
    assert facets.rows([FacetFilter("width", low=2)]).tolist() == [1] and read == ["width"]
