"""Files that hold a gain map for HDR screens beside their image: the image is used, and the gain map is none."""

import io

import numpy as np
import pytest
from PIL import Image

from index.build import build_collection
from index.collection import Collection
from tests.heic import heic, heic_with_gain_map
from tests.test_training_decoding import photograph
from training.models.decoding import decode_image

HDRGM = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def jpeg(kind: str, *more: Image.Image, **settings) -> bytes:
    """A photograph and, in an MPO, further images."""
    out = io.BytesIO()
    photograph(320, 240).save(out, kind, quality=90, subsampling=0, append_images=list(more), **settings)
    return out.getvalue()


def ultra_hdr(mode: str = "L") -> bytes:
    """A JPEG with a gain map as the second image of its MPF, as Android writes Ultra HDR."""
    gain_map = Image.linear_gradient("L").resize((80, 60)).convert(mode)
    return jpeg("MPO", gain_map, save_all=True, xmp=HDRGM)


@pytest.mark.parametrize("min_side", [None, 32])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_primary_image_of_an_ultra_hdr_jpeg_is_used(min_side, mode):
    data = ultra_hdr(mode)
    assert data.count(b"\xff\xd8\xff") >= 2 and b"MPF\0" in data and b"hdr-gain-map" in data
    found, expected = decode_image(data, min_side), decode_image(jpeg("JPEG"), min_side)
    assert (found.width, found.height, found.warning) == (320, 240, "")
    assert np.array_equal(found.pixels, expected.pixels)


@pytest.mark.parametrize("min_side", [None, 32])
def test_the_primary_image_of_a_heic_is_used_and_not_its_gain_map(min_side):
    found, expected = decode_image(heic_with_gain_map(), min_side), decode_image(heic(), min_side)
    assert (found.width, found.height) == (128, 96) == (expected.width, expected.height)
    assert np.array_equal(found.pixels, expected.pixels)


def test_a_build_takes_each_of_them_for_one_image(tmp_path, encoder):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.jpg").write_bytes(ultra_hdr())
    (tmp_path / "images/b.heic").write_bytes(heic_with_gain_map())
    report = build_collection([tmp_path / "images"], tmp_path / "c.gelato", encoder)
    assert (report.images, report.failed, report.warnings) == (2, 0, [])
    rows = Collection.open(tmp_path / "c.gelato").items.set_index("path")
    assert rows.loc["a.jpg", ["width", "height"]].tolist() == [320, 240]
    assert rows.loc["b.heic", ["width", "height"]].tolist() == [128, 96]
