"""Browsing: orders and groups against the same worked out row by row."""

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from index.browse import DENSE, browse
from index.build import build_collection
from index.collection import Collection
from index.retrieval.choosing import Choice
from index.retrieval.facets import FacetFilter
from index.search import SearchRequest
from index.storage.tags import tag
from tests.samples import ColourEncoder, noise_image, paint
from training.models.errors import UserError

IMAGES = [  # folder, the clock of the camera, its offset, latitude, longitude
    ("sea", "2021-07-01 09:00", "", 48.14, 11.58),
    ("sea", "2021-07-01 23:30", "+02:00", 48.12, 11.61),
    ("Alps", "2021-07-02 00:30", "+02:00", None, None),
    ("Alps", "2021-07-31 12:00", "-07:00", -33.9, 151.2),
    ("Alps/hut", "2020-01-01 08:00", "", 48.13, 11.60),
    ("", "", "", None, None),
]


def in_utc(clock: str, offset: str) -> str:
    """What a clock showed, in UTC; offset: such as "+02:00", "" for a clock that showed it."""
    if not offset:
        return clock
    return datetime.fromisoformat(f"{clock}{offset}").astimezone(UTC).isoformat(" ")[:16]


@pytest.fixture(scope="module")
def album(tmp_path_factory) -> Collection:
    """Six images of three days and of one that is not known, which changed in 2019."""
    folder = tmp_path_factory.mktemp("album")
    rows = []
    for number, (where, taken, offset, north, east) in enumerate(IMAGES):
        path = folder / "photos" / where / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise_image(number).save(path)
        time = datetime(2019, 5, 5, 12).timestamp()
        os.utime(path, (time, time))
        name = f"photos/{where}/{number}.png".replace("//", "/")
        columns = {"taken": in_utc(taken, offset), "taken_offset": offset, "latitude": north, "longitude": east}
        rows.append({"path": name, **columns})
    pd.DataFrame(rows).to_csv(folder / "album.csv", index=False)
    build_collection([folder / "album.csv"], folder / "album.gelato", ColourEncoder())
    return Collection.open(folder / "album.gelato")


def shown(collection: Collection, group: str, **request) -> dict[str, list[str]]:
    """The names of the files of each group."""
    found = browse(collection, SearchRequest(**request), group)
    names = [Path(hit.path).stem for hit in found.hits(0, len(found))]
    ends = [sum(found.counts[: at + 1]) for at in range(len(found.counts))]
    return {key: names[end - count : end] for key, count, end in zip(found.keys, found.counts, ends, strict=True)}


def clock(number: int) -> str:
    return IMAGES[number][1] or "2019-05-05 12:00"


@pytest.mark.parametrize("group", ["day", "month"])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_images_are_grouped_by_the_clock_where_they_were_taken(album, group, order):
    length = {"day": 10, "month": 7}[group]
    numbers = sorted(range(len(IMAGES)), key=clock, reverse=order == "newest")
    expected: dict[str, list[str]] = {}
    for number in numbers:
        expected.setdefault(clock(number)[:length], []).append(str(number))
    assert shown(album, group, order=order) == expected
    assert list(shown(album, group, order=order)) == list(expected)


def test_folders_are_in_the_order_of_their_names_and_the_newest_image_of_each_is_first(album):
    expected = {"photos": ["5"], "photos/Alps": ["3", "2"], "photos/Alps/hut": ["4"], "photos/sea": ["1", "0"]}
    found = shown(album, "folder")
    assert found == expected and list(found) == list(expected)


def test_places_are_within_a_tenth_of_a_degree_and_those_with_most_images_come_first(album):
    found = shown(album, "place")
    assert found == {"48.1° N, 11.6° E": ["1", "0", "4"], "33.9° S, 151.2° E": ["3"], "": ["2", "5"]}
    assert next(iter(found)).startswith("48") and list(found)[-1] == ""


def test_other_orders_have_no_groups_of_time(album):
    found = browse(album, SearchRequest(order="name"), "day")
    assert (found.group, found.counts, found.choices) == ("none", (6,), ("folder", "place", "none"))
    assert [hit.name for hit in found.hits(2, 2)] == ["2.png", "3.png"]
    assert [hit.rank for hit in found.hits(2, 2)] == [3, 4]
    assert found.hits(6, 10) == []


def test_filters_and_tags_leave_images_out_and_a_new_tag_counts_at_once(album):
    assert shown(album, "month", facets=[FacetFilter("path", contains="sea")]) == {"2021-07": ["1", "0"]}
    first, second = album.column("id").iloc[:2]
    tag(album, [first], "good")
    assert shown(album, "none", tags=["good"]) == {"": ["0"]}
    tag(album, [second], "good")
    assert shown(album, "none", tags=["good"]) == {"": ["1", "0"]}
    assert shown(album, "none", facets=[FacetFilter("path", contains="nowhere")]) == {"": []}


def test_days_are_chosen_where_they_are_full_and_months_where_they_are_not(album, tmp_path):
    assert browse(album, SearchRequest()).group == "month"
    for number in range(DENSE):
        paint(tmp_path / "one day" / f"{number}.png", (number, 0, 0))
    build_collection([tmp_path / "one day"], tmp_path / "day.gelato", ColourEncoder())
    found = browse(Collection.open(tmp_path / "day.gelato"), SearchRequest())
    assert found.group == "day" and found.choices == ("day", "month", "none")


def test_copies_are_one_image_with_their_number(tmp_path):
    for name in ("a", "b", "c"):
        paint(tmp_path / "images" / f"{name}.png", "red")
    paint(tmp_path / "images" / "d.png", "blue")
    build_collection([tmp_path / "images"], tmp_path / "copies.gelato", ColourEncoder())
    collection = Collection.open(tmp_path / "copies.gelato")
    found = browse(collection, SearchRequest())
    assert sorted(hit.copies for hit in found.hits(0, 9)) == [1, 3] and found.matching == 4
    assert len(browse(collection, SearchRequest(collapse="none"))) == 4


def test_an_image_stands_at_the_date_of_the_copy_that_is_shown(tmp_path):
    """A copy that a messenger saved later has another date: no month comes twice."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, (name, day) in enumerate([("a", 1), ("b", 2), ("c", 3)]):
        for size, later in ((120, 0), (60, 40 - 15 * number)):
            path = folder / f"{name}{size}.png"
            noise_image(number, (120, 90)).resize((size, size * 3 // 4)).save(path)
            time = (datetime(2021, 1, day, 12) + timedelta(days=later)).timestamp()
            os.utime(path, (time, time))
    build_collection([folder], tmp_path / "c.gelato", ColourEncoder())
    collection = Collection.open(tmp_path / "c.gelato")
    assert list(shown(collection, "month")) == ["2021-01"]
    assert shown(collection, "day", order="oldest") == {
        f"2021-01-0{n}": [f"{name}120"] for n, name in enumerate("abc", 1)
    }
    assert sum(browse(collection, SearchRequest(), "none").copies) == 6


def test_a_mistake_is_a_sentence(album, monkeypatch):
    with pytest.raises(UserError, match="cannot be ordered"):
        browse(album, SearchRequest(order="sideways"))
    monkeypatch.setattr("index.browse.MOST_GROUPS", 2)
    with pytest.raises(UserError, match="4 groups"):
        browse(album, SearchRequest(order="oldest"), "folder")


def test_every_image_is_in_one_group_whatever_the_grouping(album):
    for group in ("auto", "day", "month", "folder", "place", "none"):
        found = browse(album, SearchRequest(), group)
        assert Counter(hit.id for hit in found.hits(0, 99)) == Counter(album.column("id")), group
        assert sum(found.counts) == len(album)


def test_offsets_that_are_not_known_leave_the_clock_as_it_is():
    from index.retrieval.dates import clocks

    items = pd.DataFrame(
        {
            "modified": pd.to_datetime(["2020-01-01"] * 3),
            "taken": pd.to_datetime(["2021-01-01 23:00", "2021-01-01 23:00", None]),
            "taken_offset": ["+02:00", "nonsense", "+05:00"],
        }
    )
    expected = [datetime(2021, 1, 2, 1), datetime(2021, 1, 1, 23), datetime(2020, 1, 1)]
    assert clocks(items).tolist() == [pd.Timestamp(time) for time in expected]
    assert expected[0] - expected[1] == timedelta(hours=2)


IDS = list("abcdefgh")


@pytest.mark.parametrize(
    ("spans", "ids", "without", "expected"),
    [
        ([(0, 8)], [], [], "abcdefgh"),
        ([(1, 3), (2, 5), (7, 8)], [], ["c", "a"], "bdeh"),
        ([], ["h", "b", "h"], [], "hb"),
        ([(0, 2)], ["b", "x"], [], "abx"),
    ],
)
def test_a_choice_is_what_its_spans_hold_and_what_it_names(spans, ids, without, expected):
    assert Choice(spans, ids, without, "v").of(IDS, "v") == list(expected)


@pytest.mark.parametrize(("version", "end"), [("w", 8), ("v", 9)])
def test_places_of_a_list_that_has_changed_are_refused(version, end):
    with pytest.raises(UserError, match="has changed since these were chosen"):
        Choice([(0, end)], version="v").of(IDS, version)


def test_a_timeline_has_another_version_in_another_order(album):
    newest, again, oldest = (browse(album, SearchRequest(order=order)) for order in ("newest", "newest", "oldest"))
    assert newest.version == again.version != oldest.version
    assert newest.ids(3) == [hit.id for hit in newest.hits(0, 3)]


def test_many_rows_are_read_as_single_ones_are(album):
    rows = np.array([4, 0, 3, 0])
    assert [repr(record) for record in album.records(rows)] == [repr(album.record(row)) for row in rows]
