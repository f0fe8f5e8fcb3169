"""What the colours of a map say, worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from index.projection.colouring import MOST_CLASSES, UNKNOWN, by_column, by_score, by_words, colourable, first_column
from training.models.errors import UserError


@pytest.fixture
def items() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": list("abcdef"),
            "path": list("abcdef"),
            "width": [10, 20, 30, 40, 50, 60],
            "kind": ["cat", "dog", "cat", None, "dog", "cat"],
            "same": ["x"] * 6,
            "taken": pd.to_datetime(["2020-01-01", "2021-01-01", None, "2022-01-01", "2023-01-01", "2024-01-01"]),
        }
    )


def test_columns_that_tell_images_apart_are_offered_classes_first(items):
    assert colourable(items) == ["kind", "width", "taken"] and first_column(items) == "kind"
    assert first_column(items.assign(label=[0, 1, 0, 1, 0, 1]).drop(columns="kind")) == "label"
    nearly_one = items.assign(author=["OpenMoji"] * 5 + ["NASA"])[["id", "author", "kind"]]
    assert first_column(nearly_one) == "kind"  # it tells more images apart
    assert first_column(items[["id", "width"]]) == ""


def test_classes_come_most_frequent_first_and_what_is_not_known_is_grey(items):
    found = by_column(items, "kind")
    assert found.kind == "classes" and found.classes == (("cat", 3), ("dog", 2))
    assert found.codes.tolist() == [0, 1, 0, UNKNOWN, 1, 0]


def test_more_classes_than_colours_leaves_the_rare_ones_grey():
    names = [f"c{i}" for i in range(20) for _ in range(21 - i)]
    found = by_column(pd.DataFrame({"kind": names}), "kind")
    assert [name for name, _ in found.classes] == [f"c{i}" for i in range(MOST_CLASSES)]
    assert (found.codes[np.array(names) == "c15"] == UNKNOWN).all()


def test_numbers_and_dates_that_a_table_holds_as_text_are_scales():
    table = pd.DataFrame({"age": [str(i) for i in range(40)], "day": [f"2024-01-{i % 28 + 1:02d}" for i in range(40)]})
    assert colourable(table) == ["age", "day"] and first_column(table) == ""
    assert by_column(table, "age").kind == by_column(table, "day").kind == "scale"


def test_dates_run_from_first_to_last_and_say_so(items):
    found = by_column(items, "taken")
    assert found.kind == "scale" and found.codes[2] == UNKNOWN
    known = found.codes[[0, 1, 3, 4, 5]].astype(int)
    assert known[0] == 0 and known[-1] == 254 and (np.diff(known) > 0).all()
    assert found.high.endswith("2023") and found.low.endswith("2020")


def test_a_column_that_is_not_there_is_refused(items):
    for name in ("same", "id", "__class__"):
        with pytest.raises(UserError, match="no column"):
            by_column(items, name)


def test_scores_begin_at_the_median_and_the_best_are_named():
    found = by_score(np.array([0.0, 0.1, 0.2, 0.3, 0.4]), marked=2)
    assert found.codes.tolist() == [0, 0, 0, 127, 254]
    assert found.best == ((4, 3),)


def test_each_image_gets_its_best_word():
    found = by_words(np.array([[0.9, 0.1], [0.2, 0.3], [0.8, 0.1]]), ["cat", "dog"], marked=1)
    assert found.codes.tolist() == [0, 1, 0]
    assert found.classes == (("cat", 2), ("dog", 1)) and found.best == ((0,), (1,))
    with pytest.raises(UserError, match="11 words"):
        by_words(np.zeros((1, 11)), [str(i) for i in range(11)])
