"""Completion of a query, against what a small album holds."""

import pandas as pd
import pytest

from index.build import build_collection
from index.collection import Collection
from index.retrieval.completion import completions
from index.search import SearchRequest, matching
from index.storage.tags import tag
from tests.samples import ColourEncoder, noise_image

ROWS = [  # path, city, camera, keywords
    ("2021/Alps/hut/a.png", "Chamonix", "Canon EOS R5", "snow; family"),
    ("2021/Alps/b.png", "Chamonix", "Canon EOS R5", "snow"),
    ("2021/sea/c.png", "Rio de Janeiro", "Pixel 8", ""),
    ("d.png", "", "", "family"),
]


@pytest.fixture(scope="module")
def album(tmp_path_factory) -> Collection:
    folder = tmp_path_factory.mktemp("album")
    for number, (path, *_) in enumerate(ROWS):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        noise_image(number).save(folder / path)
    pd.DataFrame(ROWS, columns=["path", "city", "camera", "keywords"]).to_csv(folder / "album.csv", index=False)
    build_collection([folder / "album.csv"], folder / "album.gelato", ColourEncoder())
    collection = Collection.open(folder / "album.gelato")
    tag(collection, [collection.items["id"][0]], "Canoeing")
    return collection


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("can", [("camera", "Canon EOS R5", 2), ("tag", "Canoeing", 1)]),
        ("a dog in rio de", [("place", "Rio de Janeiro", 1)]),
        ("red - ALP", [("folder", "2021/Alps", 2), ("folder", "2021/Alps/hut", 1)]),
        ("fam", [("tag", "family", 2)]),
        ("eos", [("camera", "Canon EOS R5", 2)]),
        ("", []),
        ("nothing here", []),
    ],
)
def test_words_are_completed_by_what_the_collection_holds(album, text, expected):
    found = completions(album, text)
    assert [(one.kind, one.text, one.images) for one in found] == expected
    for one in found:
        assert text.endswith(one.typed)
        assert len(matching(album, SearchRequest(facets=[one.filter]))) == one.images
