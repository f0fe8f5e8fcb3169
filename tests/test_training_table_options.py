"""What a user says of tables holds in every command that takes a SOURCE."""

import json

import pytest
from click.testing import CliRunner

from index.__main__ import cli as index
from index.collection import Collection
from index.maintenance.on_disk import find_differences
from tests.samples import ColourEncoder, paint
from training.__main__ import cli as training
from training.data.config import DataConfig
from training.evaluation.during_training import HeldOutImages
from training.evaluation.subject import Subject

SAID = ("--path-column", "thumbnail", "--caption-column", "remark", "--separator", "~")


@pytest.fixture
def table(tmp_path):
    """A table of which content alone would choose the other columns, and no separator."""
    rows = ["file~thumbnail~caption~remark~label"]
    for name in ("red", "green", "blue"):
        for number in range(4):
            paint(tmp_path / f"large/{name}{number}.png", "grey")
            paint(tmp_path / f"small/{name}{number}.png", name)
            rows.append(f"large/{name}{number}.png~small/{name}{number}.png~none~{name} {number}~{name}")
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path / "t.csv"


def run(monkeypatch, command, *words):
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())
    monkeypatch.setattr("training.comparison.measure.load_encoder", lambda *_: ColourEncoder())
    done = CliRunner().invoke(command, [*map(str, words), *SAID])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_evaluate_compare_and_bench_read_the_columns_that_are_named(table, monkeypatch, tmp_path):
    words = ("evaluate", "x", "--data", table, "--suite", "retrieval,knn", "--json")
    assert json.loads(run(monkeypatch, training, *words))["knn"]["value"] == 1  # in the other column all are grey
    words = ("compare", "x", "--data", table, "--suite", "knn", "--out", tmp_path / "c", "--json")
    assert '"value": 1.0' in run(monkeypatch, training, *words)
    run(monkeypatch, index, "bench", "build", table, "--json")


def test_curate_and_build_read_the_columns_that_are_named(table, monkeypatch, tmp_path):
    (tmp_path / "queries.txt").write_text("red\nblue\n", encoding="utf-8")
    words = ("curate", table, "--queries", tmp_path / "queries.txt", "--into", tmp_path / "set", "--json")
    assert json.loads(run(monkeypatch, training, *words))["kept"] == 8
    run(monkeypatch, index, "build", table, "--into", tmp_path / "c.gelato")
    collection = Collection.open(tmp_path / "c.gelato")
    assert set(collection.column("path").str.partition("/")[0]) == {"small"}
    assert "red 0" in set(collection.column("caption"))
    assert find_differences(collection.path) == []  # reads the table as the build did


def test_what_a_run_evaluates_on_is_read_as_what_it_trains_on(table):
    data = DataConfig(path_column="thumbnail", caption_column="remark", separator="~")
    held_out = HeldOutImages(most=1 << 20)
    subject = Subject(ColourEncoder(), str(table), tables=data.tables, embed=held_out.embed)
    assert next(item.path for item in subject.test.items) == "small/red0.png"
    assert subject.test.items[0].caption == "red 0"


@pytest.mark.parametrize(
    "command, words",
    [(index, ("build",)), (index, ("bench", "build")), (training, ("clip",))]
    + [(training, (name,)) for name in ("evaluate", "compare", "curate")],
)
def test_every_command_that_takes_a_source_has_the_same_options_for_tables(command, words):
    help = CliRunner().invoke(command, [*words, "--help"]).output
    for option in ("--path-column", "--caption-column", "--separator", "--csv-img-key", "--csv-separator"):
        assert option in help
