"""A collection exported to LanceDB answers as it does itself: one table of requests, asked of both.

FAISS searches so few vectors exhaustively, so that its answers are the exact ones.
"""

import sys
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.database.conditions import condition_of
from index.database.connecting import first_line
from index.database.database import Database
from index.database.export import read_facts
from index.export.export import ExportRequest, export
from index.export.selection import Selection
from index.maintenance.remove import remove_images
from index.query import Term, parse_query
from index.retrieval.facets import FacetFilter
from index.search import SearchRequest, search
from index.storage.tags import tag
from index.storage.writer import Writer
from tests.samples import ColourEncoder
from training.models.encoder import unit
from training.models.errors import UserError

# It is imported where it is used, so that to collect the tests takes no seconds for it.
pytestmark = [
    pytest.mark.skipif(not find_spec("lancedb"), reason="LanceDB is not installed: requirements-database.txt"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

N, DIM = 400, 16
LENSES = ["50 mm", None, "it's a lens", ""]


class Drawn(ColourEncoder):
    """Vectors of DIM numbers; a text is a seed."""

    name, dim, fingerprint = "drawn", DIM, "0" * 16

    def embed_text_batch(self, texts):
        return unit(np.stack([np.random.default_rng(len(text)).standard_normal(DIM) for text in texts]))


def row(number, folder):
    """A row as builds write it; every tenth is a copy of the one before, of more bytes."""
    content = number - 1 if number % 10 == 9 else number
    missing = number % 7 == 0
    return {
        "id": f"{content:016x}",
        "source": "/photos",
        "path": f"{folder}/image {number:03d}.jpg",
        "width": 100 + number % 5,
        "height": 80,
        "bytes": 1000 + number,
        "modified": pd.Timestamp("2020-01-01") + pd.Timedelta(number, "D"),
        "hash": f"{content:064x}",
        "caption": f"image {number}",
        "stamp": str(number),
        "folder": folder,
        "iso": None if missing else float(number),
        "taken": pd.NaT if missing else pd.Timestamp("2021-06-01 12:00") + pd.Timedelta(number, "h"),
        "lens": LENSES[number % 4],
        "keywords": "sea; sand" if number % 3 == 0 else None,
        "favorite": number % 2 == 0,
        "my.column": number % 4,
    }


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A collection with copies, tags and missing cells, and the database it was exported to after some of it went."""
    folder = tmp_path_factory.mktemp("both")
    vectors = unit(np.random.default_rng(3).standard_normal((N, DIM)).astype(np.float32))
    vectors[9::10] = vectors[8::10]
    with Writer(folder / "c.gelato", Drawn()) as writer:
        for start in range(0, N, 100):
            rows = [row(number, f"album {number % 3}") for number in range(start, start + 100)]
            writer.publish(rows, vectors[start : start + 100])
    opened = Collection.open(folder / "c.gelato")
    tag(opened, [f"{number:016x}" for number in (1, 2, 5)], "best")
    tag(opened, [f"{number:016x}" for number in (2, 18)], "to print")
    export_to(opened, folder / "db")
    with Writer(folder / "c.gelato", Drawn()) as writer:  # the database is brought up to date with all of this
        writer.publish([row(1000, "late")], vectors[:1], dropped=[("/photos", "album 1/image 001.jpg")])
    opened = Collection.open(folder / "c.gelato")
    tag(opened, [f"{5:016x}"], "best", on=False)
    tag(opened, [f"{1000:016x}"], "to print")
    export_to(opened, folder / "db")
    return opened, Database.open(folder / "db")


def export_to(collection, out):
    return export(Selection.of(collection), ExportRequest("lancedb", out))


def connected(path):
    import lancedb

    return lancedb.connect(path)


REQUESTS = [
    SearchRequest(parse_query("a dog")),
    SearchRequest(parse_query("a dog + 2:snow - trees"), collapse="none"),
    SearchRequest([Term(image_id=f"{8:016x}")]),
    SearchRequest(parse_query("IMAGE 012.JPG")),
    SearchRequest(parse_query("a dog"), offset=7, count=5),
    SearchRequest(parse_query("a dog"), count=1000),
    SearchRequest([], filter="bytes < 1020"),
    SearchRequest([], filter="bytes < 1020", collapse="none", offset=3, count=4),
    *(
        SearchRequest(parse_query("snow"), filter=text, count=1000)
        for text in (
            'folder == "album 1"',
            'folder == "album 1" and not iso > 100',
            "iso != 30",
            "100 < iso <= 150 or width == 103",
            "(iso > 100) & (favorite == True)",
            "not favorite and iso >= -1",
            "favorite and width > 101",
            'lens == "it\'s a lens"',
            'lens != "50 mm"',
            'lens in ["50 mm", ""]',
            'lens not in ["50 mm"]',
            'taken >= "2021-06-10"',
            'taken < "2021-06-10 18:30" and modified > "2020-02-01"',
            "width < iso",
            "iso == 12345",
        )
    ),
    *(
        SearchRequest(parse_query("snow"), facets=[one], count=1000)
        for one in (
            FacetFilter("folder", values=("album 0", "late")),
            FacetFilter("lens", values=("", "50 mm")),
            FacetFilter("iso", values=("30.0", "31.0", "32")),
            FacetFilter("width", values=("101", "104")),
            FacetFilter("favorite", values=("True",)),
            FacetFilter("keywords", values=("sand",)),
            FacetFilter("tags", values=("best", "to print")),
            FacetFilter("path", contains="ALBUM 2/IMAGE 1"),
            FacetFilter("iso", low=100, high=120),
            FacetFilter("taken", low="2021-06-05", high="2021-06-08"),
        )
    ),
    SearchRequest(parse_query("snow"), tags=["to print"], count=1000),
    SearchRequest(parse_query("snow"), tags=["to print", "best"], filter="bytes > 0"),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_the_database_answers_as_the_exact_search_of_the_collection(both, request_):
    collection, database = both
    request_ = SearchRequest(**{**vars(request_), "text_ranking": False, "threshold": "off"})
    true, found = search(collection, Drawn(), request_), search(database, Drawn(), request_)
    facts = [(result.total, result.matching, result.distinct, result.collapse) for result in (true, found)]
    assert facts[0] == facts[1]
    assert [hit.rank for hit in found.hits] == [hit.rank for hit in true.hits]
    pairs = list(zip(true.hits, found.hits, strict=True))
    if request_.terms:
        np.testing.assert_allclose([hit.score for _, hit in pairs], [hit.score for hit, _ in pairs], atol=1e-6)
    # Exact copies have equal scores, so that without collapsing either may come first.
    key = (lambda hit: (round(-hit.score, 5), hit.path)) if request_.collapse == "none" and request_.terms else None
    one, other = (sorted(result.hits, key=key) if key else list(result.hits) for result in (true, found))
    assert [hit.path for hit in other] == [hit.path for hit in one]
    assert [(hit.id, hit.caption, hit.tags, hit.copies, hit.matched) for hit in other] == [
        (hit.id, hit.caption, hit.tags, hit.copies, hit.matched) for hit in one
    ]
    for mine, theirs in zip(one, other, strict=True):
        renamed = {"my_column" if name == "my.column" else name: cell for name, cell in mine.columns.items()}
        assert {name: theirs.columns[name] for name in renamed} == renamed


def test_a_second_export_writes_only_what_changed(both, tmp_path):
    collection, _ = both
    first = export_to(collection, tmp_path / "db")
    again = export_to(collection, tmp_path / "db")
    assert (first.written, first.unchanged) == (N, 0)
    assert (again.written, again.updated, again.unchanged) == (0, 0, N)
    assert "The column my.column is called my_column." in again.notes
    table = connected(tmp_path / "db").open_table("images")
    table.delete("gelato_segment = '000002' AND gelato_offset > 40")  # as if an export had been killed
    mended = export_to(collection, tmp_path / "db")
    assert mended.written == 100 and len(Database.open(tmp_path / "db")) == N


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"order": "newest"}, "Only a collection orders by newest"),
        ({"likely_only": True}, "Only a collection knows likely images"),
        ({"filter": "nothing == 1"}, "no column called 'nothing'"),
        ({"filter": "folder == 3"}, "compares a column of text"),
        ({"filter": "width == 'wide'"}, "of another kind"),
        ({"filter": "(width > 1) == favorite"}, "more than a database is asked"),
        ({"facets": [FacetFilter("taken", low="soon")]}, "is no limit"),
    ],
)
def test_what_a_database_cannot_answer_is_said_in_a_sentence(both, fields, words):
    with pytest.raises(UserError, match=words):
        search(both[1], Drawn(), SearchRequest(parse_query("a dog"), **fields))


def test_a_text_of_a_filter_stays_a_text(both):
    evil = "x' OR 'a' = 'a"
    for request in (SearchRequest(tags=[evil]), SearchRequest(facets=[FacetFilter("folder", values=(evil,))])):
        assert search(both[1], None, request).matching == 0
        assert "''" in condition_of(request, both[1].table.schema)


def test_the_commands_export_and_search_a_database(squares, tmp_path, encoder, monkeypatch):
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: encoder)
    build_collection([squares], tmp_path / "c.gelato", encoder)

    def run(*words):
        return CliRunner().invoke(cli, [str(word) for word in words])

    done = run("export", tmp_path / "c.gelato", tmp_path / "db", "--format", "lancedb")
    assert done.exit_code == 0 and "Of 5 images: 5 written" in done.output
    found = run("search", tmp_path / "db", "red", "-k", 2)
    assert found.exit_code == 0 and [line.split()[2].rpartition("/")[2] for line in found.output.splitlines()] == [
        "red.png",
        "orange.webp",
    ]
    refused = run("export", tmp_path / "c.gelato", tmp_path / "db", "--format", "lancedb", "--where", "width > 40")
    assert refused.exit_code == 1 and "exports whole collections" in refused.output
    remove_images(tmp_path / "c.gelato", ids=[Collection.open(tmp_path / "c.gelato").column("id").iat[0]])
    run("export", tmp_path / "c.gelato", tmp_path / "db", "--format", "lancedb")
    assert len(Database.open(tmp_path / "db")) == 4
    nothing = run("search", "s3:/", "red")
    assert nothing.exit_code == 1 and "Traceback" not in nothing.output


def test_a_database_of_another_encoder_is_not_overwritten(both, squares, tmp_path, encoder):
    build_collection([squares], tmp_path / "c.gelato", encoder)
    export_to(both[0], tmp_path / "db")
    with pytest.raises(UserError, match="was exported with drawn, and c was made with colour"):
        export_to(Collection.open(tmp_path / "c.gelato"), tmp_path / "db")


def test_many_vectors_are_searched_by_a_structure_whose_recall_is_measured(both, tmp_path, monkeypatch):
    monkeypatch.setattr("index.database.effort.EXACT", 300)
    export_to(both[0], tmp_path / "db")
    facts = read_facts(connected(tmp_path / "db"))["search"]
    assert facts["kind"] == "IVF_RQ" and facts["probes"] <= facts["lists"] and facts["recall_at_10"] >= 0.98
    request = SearchRequest(parse_query("a dog"), count=10, text_ranking=False, threshold="off")
    true, found = search(both[0], Drawn(), request), search(Database.open(tmp_path / "db"), Drawn(), request)
    assert len({hit.id for hit in true.hits} & {hit.id for hit in found.hits}) >= 9


def test_without_the_package_the_sentence_says_what_to_install(both, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lancedb", None)  # as if it were not there
    with pytest.raises(UserError, match=r"pip install -r requirements-database\.txt"):
        export_to(both[0], tmp_path / "db")


@pytest.mark.parametrize(
    "raised, said",
    [
        ("Table 'nope' was not found", "Table 'nope' was not found"),
        ("no disk, /home/ana/.cargo/registry/src/lance-1.0/io.rs:31:7\nmore", "no disk"),
        ("no disk, src/table.rs:250", "no disk"),
        ("the folder /root/photos is full", "the folder /root/photos is full"),
        ("", "ValueError"),
    ],
)
def test_an_error_of_the_database_is_told_without_the_place_in_its_source(raised, said):
    assert first_line(ValueError(raised)) == said
