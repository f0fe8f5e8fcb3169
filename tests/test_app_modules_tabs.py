"""Pure functions of the map, probe, learn and compare tabs, run in a real Chromium beside formulas in Python."""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.browsing import bare_page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def evaluate(browser) -> Iterator[Callable[..., Any]]:
    """evaluate("map/geometry.js", "m.median(a)", a=[...]): an expression over a tab's module and named values."""
    with bare_page(browser) as page:

        def run(module: str, expression: str, **values: Any) -> Any:
            names = ", ".join(values)
            script = f"async ({{ {names} }}) => {{ const m = await import('/tabs/{module}'); return {expression}; }}"
            return page.evaluate(script, values)

        yield run


def inside(x: float, y: float, polygon: list[list[float]]) -> bool:
    """Even-odd rule, a crossing at a time."""
    crossings = 0
    for (ax, ay), (bx, by) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        crossings += (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax
    return crossings % 2 == 1


def test_a_lasso_holds_the_points_that_the_even_odd_rule_says(evaluate):
    rng = np.random.default_rng(0)
    xy = rng.uniform(-1, 1, (400, 2)).astype(np.float32)
    star = [[-0.9, -0.6], [0.9, 0.1], [-0.8, 0.5], [0.4, -0.9], [0.3, 0.9]]
    script = (
        "(() => { const p = new m.Points(); p.set(Float32Array.from(xy));"
        " return p.inside(star).sort((a, b) => a - b); })()"
    )
    found = evaluate("map/points.js", script, xy=xy.ravel().tolist(), star=star)
    assert found == [row for row, (x, y) in enumerate(xy.tolist()) if inside(x, y, star)]


def test_the_nearest_point_is_the_one_of_an_exhaustive_search(evaluate):
    rng = np.random.default_rng(1)
    xy = rng.uniform(-1, 1, (500, 2)).astype(np.float32)
    places = rng.uniform(-1, 1, (20, 2))
    script = (
        "(() => { const p = new m.Points(); p.set(Float32Array.from(xy));"
        " return places.map(([x, y]) => p.nearest(x, y, 0.1)); })()"
    )
    found = evaluate("map/points.js", script, xy=xy.ravel().tolist(), places=places.tolist())
    distances = np.linalg.norm(places[:, None] - xy[None], axis=2)
    expected = [int(row.argmin()) if row.min() < 0.1 else -1 for row in distances]
    assert found == expected


def test_zooming_keeps_the_place_under_the_pointer_and_pixels_return_to_the_map(evaluate):
    script = (
        "(() => { const c = new m.Camera(); Object.assign(c, { width: 800, height: 500 });"
        " const before = c.toMap(610, 140); c.zoomBy(3, 610, 140); const after = c.toMap(610, 140);"
        " return [before, after, c.toScreen(...c.toMap(33, 44)), c.zoom]; })()"
    )
    before, after, back, zoom = evaluate("map/camera.js", script)
    assert after == pytest.approx(before) and back == pytest.approx([33, 44]) and zoom == 3


def test_the_drawing_order_visits_every_row_once(evaluate):
    for count in (0, 1, 2, 34, 55, 1000):
        order = evaluate("map/geometry.js", "[...m.shuffledRows(count)]", count=count)
        assert sorted(order) == list(range(count))
    order = evaluate("map/geometry.js", "[...m.shuffledRows(1000)]")
    assert np.mean(np.abs(np.diff(order))) > 200  # far from the order of the collection


def test_selected_rows_come_by_score_or_by_distance_from_their_median(evaluate):
    xy = [0, 0, 1, 0, 0.1, 0, 0.5, 0]
    assert evaluate("map/geometry.js", "m.sortedRows([0, 1, 2, 3], xy, null)", xy=xy)[0] == 3  # the median itself
    assert evaluate("map/geometry.js", "m.sortedRows([0, 1, 2], xy, [5, 9, 7, 0])", xy=xy) == [1, 2, 0]


def test_a_scale_runs_from_the_first_to_the_last_colour_of_its_ramp_and_unknown_is_faint(evaluate):
    table = evaluate("map/colours.js", "m.colourTable('scale', 'light')")
    ramp = evaluate("map/colours.js", "m.RAMP.light.map(m.toRgb)")
    assert table[0] == ramp[0] and table[254] == ramp[-1] and len(table) == 256
    middle = [round((a + b) / 2) for a, b in zip(ramp[1], ramp[2], strict=True)]
    assert table[127] == pytest.approx(middle, abs=1)
    assert table[255] not in (ramp[0], ramp[-1])
    assert evaluate("map/colours.js", "m.toPixel([1, 2, 3])") == 0xFF030201


def test_a_disc_covers_about_its_area(evaluate):
    mask = evaluate("map/discs.js", "m.discMask(4, 100)")
    assert sum(mask["coverage"]) / (256 * 0.9) == pytest.approx(math.pi * 4**2, rel=0.06)


def test_one_thumbnail_in_a_cell_and_labels_that_do_not_cover_each_other(evaluate):
    xy = [0.1, 0.1, 0.12, 0.11, 0.9, 0.9]
    rows = evaluate("map/thumbnails.js", "m.oneOfEachCell([0, 1, 2], xy, 0.25)", xy=xy)
    assert len(rows) == 2 and 2 in rows
    regions = [{"word": "dog", "images": 5, "x": 50, "y": 50}, {"word": "cat", "images": 9, "x": 55, "y": 55}]
    script = "m.placeLabels(regions, { width: 200, height: 100, toScreen: (x, y) => [x, y] }, [])"
    labels = evaluate("map/labels.js", script, regions=regions)
    assert [label["text"] for label in labels] == ["cat"]  # the larger region wins


def test_the_legend_counts_what_has_no_class_as_others(evaluate):
    entries = evaluate("map/legend.js", "m.legendEntries([['a', 3], ['b', 4]], 10)")
    assert entries == [[0, "a", 3], [1, "b", 4], [255, "others", 3]]


def test_addresses_of_map_and_probe_are_read_and_written(evaluate):
    found = evaluate("map/address.js", "m.parseAddress('?q=a+dog&like=1&like=-2&method=pca')")
    assert found == {"by": None, "q": "a dog", "method": "pca", "like": ["1"]}
    found = evaluate("probe/address.js", "m.parseAddress('?probe=order&i=-3&pair=nonsense&caption=a+cat')")
    assert found == {"probe": "order", "i": 3, "caption": "a cat"}
    parts = evaluate(
        "probe/address.js", "m.addressParts({ probe: 'colour', paint: 'grey', object: '', image: null, i: 4 })"
    )
    assert parts["probe"] == "colour" and parts["paint"] == "grey" and parts["i"] is None


def test_sentences_of_the_probes(evaluate):
    assert evaluate("probe/order.js", "[1, 2, 3, 4, 11, 12, 13, 21, 102].map(m.ordinal)") == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd"]
    )
    rows = [{"label": "dog", "before": 0.9, "after": 0.2}, {"label": "iPod", "before": 0.1, "after": 0.8}]
    said = evaluate("probe/typographic.js", "m.attackText(rows, 'iPod')", rows=rows)
    assert said == "“dog” becomes “iPod”: the attack succeeds"
    answer = {"labels": ["a"], "templates": ["{}", "x"], "scores": [[0.1, 0.35]], "wins": [2]}
    assert "up to 0.250" in evaluate("probe/templates.js", "m.templateText(answer)", answer=answer)
    won = evaluate("probe/pairs.js", "m.wonBy([[0.5, 0.4], [0.6, 0.7]], 0, 0)")
    assert won == {"row": True, "column": False}
    assert evaluate("probe/dot_plot.js", "[m.position(2, 1, 3), m.position(1, 1, 1)]") == [50, 50]


LESSON: dict[str, Any] = {
    "name": "views",
    "controls": [
        {"name": "crop", "default": 0.2, "low": 0.05, "high": 1, "options": []},
        {"name": "encoder", "default": "starter", "options": ["starter", "zoo/clip"]},
    ],
}


def test_a_lesson_and_what_was_moved_in_it_are_in_the_address(evaluate):
    given = evaluate("learn/address.js", "m.parseAddress('?lesson=views&set=crop=0.5&set=encoder=x&image=7')")
    assert given == {"lesson": "views", "settings": {"crop": "0.5", "encoder": "x"}, "image": "7"}
    settings = evaluate("learn/address.js", "m.settingsOf(l, g)", l=LESSON, g=given["settings"])
    assert settings == {"crop": 0.5, "encoder": "starter"}  # what there is not gives way to the default
    parts = evaluate("learn/address.js", "m.addressParts(l, s, null)", l=LESSON, s=settings)
    assert parts == {"lesson": "views", "set": ["crop=0.5"], "image": None}
    command = evaluate("learn/address.js", "m.commandOf(l, s)", l=LESSON, s={**settings, "encoder": "zoo/clip"})
    assert command == "python -m training lesson views --set crop=0.5 --set encoder=zoo/clip"


def test_a_slider_by_factors_and_the_texts_of_figures(evaluate):
    ends = {"low": 0.02, "high": 2}
    assert evaluate("learn/controls.js", "[m.placeOf(0.2, e), m.valueAt(50, e), m.valueAt(100, e)]", e=ends) == (
        [50, 0.2, 2]
    )
    assert evaluate(
        "learn/figures/matrix.js", "[m.cellText(-0.001, ''), m.cellText(-0.5, ''), m.cellText(.5, 'percent')]"
    ) == (["0.00", "−0.50", "50"])
    assert evaluate("learn/figures/matrix.js", "m.endsOf({ values: [[null, 2], [1, null]], low: 0 })") == [0, 2]
    assert evaluate("../ui/plots/chart.js", "m.logTicks(0.02, 2)") == pytest.approx([0.03, 0.1, 0.3, 1])
    scales = "m.scalesOf([{ points: [[1, 0], [100, 1]] }], { log: true })"
    script = f"(({{ x, valueAt }}) => [x(1), x(100), valueAt(x(10))])({scales})"
    assert evaluate("../ui/plots/chart.js", script) == pytest.approx([44, 292, 10])


def test_two_collections_of_the_same_images_are_compared_unless_others_are_wanted(evaluate):
    def one(key: str, encoder: str, *ids: str) -> dict[str, Any]:
        return {"key": key, "encoder": encoder, "samples": [{"id": id} for id in ids]}

    collections = [one("a", "x", "1"), one("other", "y", "9"), one("same", "x", "1"), one("best", "y", "1")]
    script = "m.chooseSides(collections, wanted, 'a')"
    assert evaluate("compare/address.js", script, collections=collections, wanted={}) == {"a": "a", "b": "best"}
    wanted = {"a": "other", "b": "same"}
    assert evaluate("compare/address.js", script, collections=collections, wanted=wanted) == wanted


def test_ticks_are_round_and_runs_are_grouped_into_charts(evaluate):
    assert evaluate("../ui/plots/chart.js", "m.ticks(0, 100)") == [0, 50, 100]
    assert evaluate("../ui/plots/chart.js", "[0, 0.00012, 3.14159, 12345, 2e6].map(m.shortNumber)") == (
        ["0", "1e-4", "3.14", "12k", "2.0M"]
    )
    assert evaluate("compare/ranking.js", "m.shiftOf({ rank: 2, other: 5 })")["sign"] == "↑ 3"
    runs = [
        {"name": "r1", "method": "clip", "curves": {"loss": [[1, 2]], "evaluation/knn": [[1, 0.5]]}},
        {"name": "r2", "method": "simclr", "curves": {"loss": [[1, 3]], "evaluation/knn": [[1, 0.4]]}},
    ]
    charts = evaluate("compare/runs.js", "m.chartsOf(runs, () => 'red')", runs=json.loads(json.dumps(runs)))
    assert [(chart["title"], len(chart["lines"])) for chart in charts] == [
        ("knn", 2),
        ("loss, clip", 1),
        ("loss, simclr", 1),
    ]


def test_a_table_is_copied_as_markdown_csv_and_latex(evaluate):
    rows = [["a", "b|c"], ["x_1", "5 %, −1"]]
    assert (
        evaluate("compare/formats.js", "m.asMarkdown(rows)", rows=rows)
        == "| a | b\\|c |\n|---|---|\n| x_1 | 5 %, −1 |\n"
    )
    assert evaluate("compare/formats.js", "m.asCsv(rows)", rows=rows) == 'a,b|c\r\nx_1,"5 %, −1"\r\n'
    latex = evaluate("compare/formats.js", "m.asLatex(rows)", rows=rows)
    assert latex.startswith("\\begin{tabular}{lr}\n") and "x\\_1 & 5 \\%, $-$1 \\\\\n" in latex


def test_rows_of_a_comparison_end_with_the_differences_from_the_first_encoder(evaluate):
    figure = {"value": 0.5, "low": 0.4, "high": 0.6}
    less = {"value": -0.1, "low": -0.2, "high": -0.05}
    answer = {
        "encoders": ["one", "two"],
        "metrics": ["mAP"],
        "figures": [{"mAP": figure}, {"mAP": figure}],
        "differences": [{"mAP": figure}, {"mAP": less}],
    }
    rows = evaluate("compare/labelled.js", "m.rowsOf(a)", a=answer)
    assert rows[0] == ["Encoder", "mAP"] and rows[1] == ["one", "50.0 (40.0 – 60.0)"]
    assert rows[3] == ["two − one", "−10.0 (−20.0 – −5.0)"]
    assert evaluate("compare/labelled.js", "[m.direction(a), m.direction(b)]", a=less, b={"low": -1, "high": 1}) == [
        -1,
        0,
    ]


def test_a_thousand_classes_are_found_by_name_and_shown_a_page_at_a_time(evaluate):
    names = [f"class {i}" for i in range(1000)]
    first = evaluate("classify/found_classes.js", "m.shownOf(names, '', m.PAGE)", names=names)
    assert first == {"shown": list(range(60)), "more": 940}
    found = evaluate("classify/found_classes.js", "m.shownOf(names, ' CLASS 99 ', 5)", names=names)
    assert found == {"shown": [99, 990, 991, 992, 993], "more": 6}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (0.1, 0.02, "lowers"),
        (0.02, 0.1, "raises"),
        (0.0004, 0.0001, "at 0.0 %"),
        (0.123, 0.123, "at 12.3 %"),
        (0.1234, 0.1226, "at 12.3 %"),
    ],
)
def test_calibration_is_said_to_help_where_the_figures_below_show_it(evaluate, before, after, said):
    measured = {"before": {"error": before}, "after": {"error": after}}
    assert said in evaluate("classify/reliability.js", "m.effectText(measured)", measured=measured)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([[1, 0], [0, 1]], "Each image is nearer to its own caption. Each caption is nearer to its own image."),
        ([[0, 1], [1, 0]], "Both images are nearer to the wrong caption. Both captions are nearer to the wrong image."),
        (
            [[2, 1], [4, 3]],
            "The second image is nearer to the wrong caption. The first caption is nearer to the wrong image.",
        ),
        (
            [[1, 1], [0, 1]],
            "The first image is as near to one caption as to the other. "
            "The second caption is as near to one image as to the other.",
        ),
        (
            [[1, 1], [2, 1]],
            "The second image is nearer to the wrong caption. The first image is as near to one caption as to the "
            "other. The first caption is nearer to the wrong image. The second caption is as near to one image as to "
            "the other.",
        ),
    ],
)
def test_what_a_pair_shows_is_said_of_each_image_and_each_caption(evaluate, scores, said):
    assert evaluate("probe/verdict_texts.js", "m.verdictText(scores)", scores=scores) == said
