"""What the inspector says of an image: one date, one place, stars."""

import pandas as pd
import pytest

from app.ui.inspector.metadata import shown_columns, shown_date

NAN = float("nan")


DAY = pd.Timestamp("2021-05-06 22:08:09")


@pytest.mark.parametrize(
    "record, date, date_of",
    [
        ({}, "1 February 2020", "changed"),
        ({"modified": pd.Timestamp(0)}, "", "changed"),
        ({"taken": pd.NaT}, "1 February 2020", "changed"),
        ({"taken": DAY, "taken_offset": None}, "6 May 2021, 22:08", "taken"),
        ({"taken": DAY, "taken_offset": "+02:00"}, "7 May 2021, 00:08 (UTC+02:00)", "taken"),
        ({"taken": "in summer"}, "in summer", "taken"),
    ],
)
def test_there_is_one_date_with_its_time_zone(record, date, date_of):
    assert shown_date({"modified": pd.Timestamp("2020-02-01 10:00"), **record}) == {"date": date, "date_of": date_of}


@pytest.mark.parametrize(
    "record, shown",
    [
        ({"taken": DAY, "taken_offset": "+02:00", "orientation": 6, "keywords": "cat; dog"}, {"keywords": "cat; dog"}),
        (
            {"latitude": 52.51, "longitude": 13.405, "altitude": NAN, "rating": 4.0},
            {"place": "52.51000, 13.40500", "rating": "★★★★☆"},
        ),
        ({"latitude": NAN, "longitude": NAN, "rating": NAN}, {}),
        (
            {"latitude": -1.0, "longitude": 2.0, "altitude": 34.5, "rating": 8.5},
            {"place": "-1.00000, 2.00000, 34.5 m", "rating": "8.5"},
        ),
    ],
)
def test_place_and_rating_have_one_row_each(record, shown):
    assert shown_columns({"id": "a", "width": 3, "modified": DAY, **record}) == shown
