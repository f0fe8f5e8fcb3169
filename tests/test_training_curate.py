"""A balanced set: so many pairs a query, counted, in shards that train and open_clip read."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from tests.samples import noise_image
from training.__main__ import cli
from training.data.curate import Queries
from training.data.sources import open_source
from training.models.errors import UserError


@pytest.fixture
def table(tmp_path):
    """Ten images: six dogs, two hot dogs, a cat and an image of nothing that is asked for; one file is missing."""
    captions = [f"A dog, number {n}" for n in range(6)] + ["one hot dog", "Hot dog and cat", "a cat", "concatenation"]
    for n in range(10):
        noise_image(n).save(tmp_path / f"{n}.png")
    (tmp_path / "1.png").unlink()
    pd.DataFrame({"path": [f"{n}.png" for n in range(10)], "caption": captions}).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "queries.txt").write_text("dog\nhot dog\ncat\nzebra\n")
    return tmp_path


def curate(table, *more):
    words = ["curate", table / "t.csv", "--queries", table / "queries.txt", "--into", table / "set", *more]
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_each_query_gets_so_many_pairs_and_the_report_counts_them(table):
    result = curate(table, "--per-query", 3, "--shard-size", 2, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    # dogs 0, 2, 3 (1 cannot be read) fill "dog"; 6 comes for "hot dog", 7 and 8 for "cat"
    assert (document["seen"], document["kept"], document["unreadable"]) == (10, 6, 1)
    assert (document["without_query"], document["over"], document["shards"]) == (1, 2, 3)
    assert (document["queries"], document["queries_without_pairs"]) == (4, 1)
    counts = pd.read_csv(table / "set/counts.csv", index_col="query")
    assert counts["found"].to_dict() == {"dog": 7, "hot dog": 2, "cat": 2, "zebra": 0}
    assert counts["kept"].to_dict() == {"dog": 3, "hot dog": 1, "cat": 2, "zebra": 0}
    items = list(open_source(str(table / "set/{00000..00002}.tar")))
    assert [item.caption for item in items][-2:] == ["Hot dog and cat", "a cat"]
    assert items[0].read() == (table / "0.png").read_bytes()
    assert items[0].metadata["source_path"] == "0.png"


def test_queries_are_whole_words_of_any_case():
    queries = Queries(["Dog", "hot dog", "cat"])
    assert queries.within("A HOT dog; the dog") == ["hot dog", "Dog"]
    assert queries.within("concatenated hotdogs") == []
    with pytest.raises(UserError, match="no queries"):
        Queries(["", "  "])


def test_a_folder_that_holds_something_is_left_alone(table):
    (table / "set").mkdir()
    (table / "set/mine.txt").write_text("x")
    result = curate(table)
    assert result.exit_code == 1 and "is not empty" in result.stderr
