"""The report of a run: one file with all that happened in it, made at the end, and never the reason for a failure."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.samples import SMALL_TOWERS
from training.__main__ import cli
from training.models.tower_configs import TINY
from training.run_report import charts, page
from training.run_report.charts import Line, chart, decades, round_ticks, short

SMALL = ["--tower", "tiny", "--batch-size", 8, "--workers", 0, "--device", "cpu", "--log-every", 1]


def ask(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture(scope="module")
def run(captioned, tmp_path_factory) -> Path:
    """A finished run of three steps, evaluated twice."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GELATO_CACHE", str(folder / "cache"))
        patch.setitem(TINY, "tiny", SMALL_TOWERS)
        words = ["clip", "--data", captioned, "--out", folder / "run", "--steps", 4, *SMALL]
        result = ask(*words, "--evaluate", captioned, "--evaluate-every", 2)
        assert result.exit_code == 0 and f"or open {folder / 'run/report.html'}" in result.stdout, result.output
    return folder / "run"


def test_a_run_ends_with_a_report_that_needs_nothing_but_itself(run, captioned):
    text = (run / "report.html").read_text()
    assert not re.search(r"<script|https?://(?!www\.w3\.org)|<link|@import", text)
    assert all(source.startswith("data:image/") for source in re.findall(r'(?:src|href)="([^"]*)"', text))
    assert "prefers-color-scheme: dark" in text and "color-scheme: light dark" in text
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-2])
    for title in ("Loss", "Learning rate", "Temperature", "Gradient norm", "Throughput"):
        assert f"<figcaption>{title}" in text, title
    assert f"Temperature <b>{1 / last['scale']:.3g}" in text
    assert re.search('<div class="?words', text)  # a problem or none: the doctor looks at the throughput too
    assert "Evaluation</h2>" in text and text.count("<td>zero-shot") == 1
    assert text.count("data:image/webp") == 4 * (1 + page.nearest.NEIGHBOURS)  # a row a class
    assert "<td>batch_size<td>8<td>command line" in text


def test_the_command_writes_it_again_and_elsewhere(run, captioned, tmp_path):
    result = ask("report", run, "--out", tmp_path / "new/mine.html", "--data", captioned / "cat")
    assert result.exit_code == 0 and (tmp_path / "new/mine.html").is_file(), result.output
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mine.html"]
    assert ask("report", tmp_path).exit_code == 1


def test_a_run_without_held_out_images_says_how_to_give_some_and_no_report_writes_none(
    captioned, tmp_path, monkeypatch
):
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)
    words = ["simclr", "--data", captioned, "--steps", 1, *SMALL, "--out"]
    assert ask(*words, tmp_path / "none", "--no-report").exit_code == 0
    assert not (tmp_path / "none/report.html").exists()
    assert ask("report", tmp_path / "none").exit_code == 0
    assert "give the run --evaluate SOURCE" in (tmp_path / "none/report.html").read_text()


def test_a_report_that_cannot_be_made_does_not_fail_the_run(captioned, tmp_path, monkeypatch):
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)
    monkeypatch.setattr(page, "read_metrics", lambda path: 1 / 0)
    result = ask("simclr", "--data", captioned, "--steps", 1, *SMALL, "--out", tmp_path / "run")
    assert result.exit_code == 0 and f"python -m training report {tmp_path / 'run'}" in result.stderr


def test_what_data_says_is_text_and_no_markup(run, tmp_path):
    document = json.loads((run / "config.json").read_text())
    document["data"]["data"] = ["<img src=x>"]
    document["data"]["evaluate"] = []
    lines = (run / "metrics.jsonl").read_text().replace('"evaluation": {"', '"evaluation": {"<b>')
    lines += '{"step": 4, "evaluation": {"x": {"knn": {"value": null, "low": null, "high": null, "n": 3}}}}\n'
    (tmp_path / "<i>").mkdir()
    (tmp_path / "<i>/config.json").write_text(json.dumps(document))
    (tmp_path / "<i>/metrics.jsonl").write_text(lines)
    text = page.write_report(tmp_path / "<i>").read_text()
    assert "<img src=x>" not in text and "<i>" not in text and "<td><b>data" not in text and "&lt;img" in text


@pytest.mark.parametrize(
    "low, high, ticks",
    [
        (0, 1, [0, 0.25, 0.5, 0.75, 1]),
        (1.6, 2.33, [1.6, 1.8, 2, 2.2, 2.4]),
        (3, 3, [3, 4]),
        (0, 0, [0, 0.25]),
        (-1.2, 0.9, [-2, -1, 0, 1]),
    ],
)
def test_ticks_are_round_and_hold_all_values(low, high, ticks):
    assert round_ticks(low, high) == pytest.approx(ticks)


def test_large_spans_have_powers_of_ten():
    assert decades(0.02, 300) == pytest.approx([0.01, 0.1, 1, 10, 100, 1000])
    assert [short(value) for value in (1e-7, 0.25, 1000, 200000)] == ["1e-7", "0.25", "1,000", "2e5"]


def test_a_curve_runs_from_edge_to_edge_with_a_gap_where_a_value_is_missing():
    drawn = chart("Loss", [Line([(0, 0.0), (10, 1.0), (20, None), (30, 0.5), (40, 1.0)])])
    path = re.search(r'<path class="line0" d="([^"]*)"', drawn)[1]
    left, right = charts.LEFT, charts.WIDE - charts.RIGHT
    bottom, top = charts.HIGH - charts.BOTTOM, charts.TOP
    quarter = left + (right - left) / 4
    assert path.startswith(f"M{left:.1f} {bottom:.1f}L{quarter:.1f} {top:.1f}M")
    assert path.endswith(f"L{right:.1f} {top:.1f}") and "step 30: 0.500" in drawn
    assert chart("Loss", [Line([(1, 2.0)])]) == "" and "1.00</b>" in drawn
