"""The limit on the size of images that a build was given holds wherever its images are decoded."""

import importlib
import os

import pytest

from index.build import build_collection
from index.collection import Collection
from index.export.export import ExportRequest, export
from index.export.selection import Selection
from index.ingest.engine import embed_locally, load_image
from index.query import Term
from index.search import SearchRequest, search
from tests.samples import noise_image
from training.data.pipeline import decode, embed_bytes
from training.models.decoding import MOST_MEGAPIXELS, decode_image


@pytest.mark.parametrize(
    "ending", ["png", "gif", "bmp", "tga", "tif", "webp", "jp2", "ppm", "ico", "jpg", "mpo", "avif"]
)
def test_every_place_that_decodes_keeps_the_limit_that_a_build_was_given(tmp_path, encoder, monkeypatch, ending):
    """The usual limit is made smaller than the image, so that none has to be large."""
    for name in ("image", "pillow", "readers"):
        module = importlib.import_module(f"training.models.decoding.{name}")
        if hasattr(module, "MOST_MEGAPIXELS"):
            monkeypatch.setattr(module, "MOST_MEGAPIXELS", 1e-4)
    for function in (decode_image, decode, load_image, embed_bytes, embed_locally):
        usual = [1e-4 if value == MOST_MEGAPIXELS else value for value in function.__defaults__]
        monkeypatch.setattr(function, "__defaults__", tuple(usual))
    monkeypatch.setattr("index.ingest.build_run.MOST_MEGAPIXELS", 1e-4)
    into = tmp_path / "c.gelato"
    file = tmp_path / f"images/a.{ending}"
    file.parent.mkdir()
    noise_image(1, (48, 40)).save(file)
    refused = build_collection([file.parent], into.with_name("small.gelato"), encoder)
    assert (refused.images, refused.failed) == (0, 1)
    report = build_collection([file.parent], into, encoder, max_megapixels=0.01)
    assert (report.images, report.failed) == (1, 0)
    os.utime(file, (1, 1))
    assert build_collection([file.parent], into, encoder, rehash=True).failed == 0  # the limit is remembered
    file.write_bytes(file.read_bytes() + b"\0")  # as good as before
    os.utime(file, (2, 2))
    collection = Collection.open(into)
    done = export(Selection.of(collection), ExportRequest("folders", tmp_path / "out"))
    assert (done.written, done.not_exported) == (1, [])
    query = SearchRequest([Term(image_bytes=file.read_bytes())])
    assert search(collection, encoder, query).hits[0].path == file.name
