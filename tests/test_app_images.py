"""An image that a request names, by id or upload token, as pixels or as an embedding: one place for all of them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.server.api.probe import probe
from app.server.api.schemas import ImageSchema, ProbeSchema
from app.state.errors import NotFound
from app.state.images import ImageReference, embedding_of, image_of
from app.state.library import Library
from app.state.search_requests import SearchFields, run_search
from app.tabs.probe.pairs import own_pair
from index.build import build_collection
from tests.samples import PALETTE, ColourEncoder, png_bytes
from training.models.errors import UserError


@pytest.fixture
def library(squares: Path, tmp_path: Path) -> Library:
    for name in ("one", "two"):
        build_collection([squares], tmp_path / f"{name}.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder())
    library.add(tmp_path / "one.gelato")
    library.add(tmp_path / "two.gelato")
    return library


def id_of(library: Library, key: str, file: str) -> str:
    items = library.collection(key).published().items
    return str(items["id"][items["path"].str.endswith(file)].iat[0])


def test_a_stored_image_has_its_stored_embedding_and_its_thumbnail(library):
    reference = ImageReference(id=id_of(library, "one", "red.png"), collection="one")
    opened = library.collection("one")
    stored = embedding_of(library, reference, opened, ColourEncoder())
    assert np.array_equal(stored, opened.published().vector(reference.id))
    assert image_of(library, reference).mode == "RGB"


def test_an_image_of_another_collection_is_embedded_from_its_thumbnail(library):
    reference = ImageReference(id=id_of(library, "one", "red.png"), collection="one")
    encoder = ColourEncoder()
    found = embedding_of(library, reference, library.collection("two"), encoder)
    assert np.array_equal(found, encoder.embed_images([image_of(library, reference)])[0])


def test_an_upload_is_embedded_from_its_pixels(library):
    image = Image.new("RGB", (20, 20), "blue")
    token, _, _ = library.uploads.read(png_bytes(image))
    found = embedding_of(library, ImageReference(token=token), library.collection("one"), ColourEncoder())
    assert np.array_equal(found, ColourEncoder().embed_images([image])[0])


class CornerEncoder(ColourEncoder):
    """Sees the first 8 x 8 pixels alone, which show whether an image was reduced before."""

    def preprocess(self, image: Image.Image) -> np.ndarray:
        return np.asarray(image.convert("RGB").crop((0, 0, 8, 8)))


def test_a_large_upload_has_the_embedding_that_a_build_gives_the_file(tmp_path):
    encoder = CornerEncoder()
    image = Image.new("RGB", (1600, 1200), "blue")
    image.paste("red", (0, 0, 8, 8))
    (tmp_path / "images").mkdir()
    (tmp_path / "images/corner.png").write_bytes(png_bytes(image))
    build_collection([tmp_path / "images"], tmp_path / "corner.gelato", encoder)
    library = Library(lambda name: encoder)
    opened = library.add(tmp_path / "corner.gelato")
    built = opened.published().vector(opened.published().items["id"].iat[0])
    token, _, _ = library.uploads.read(png_bytes(image))
    uploaded = embedding_of(library, ImageReference(token=token), opened, encoder)
    assert uploaded == pytest.approx(np.asarray(built), abs=1e-3)
    [hit] = run_search(library, SearchFields(image=[token]))[2].hits
    assert hit.score == pytest.approx(1, abs=1e-3)


def test_an_unknown_id_is_not_found_and_an_unknown_token_is_a_mistake(library):
    with pytest.raises(NotFound, match="no image 'x' in one"):
        image_of(library, ImageReference(id="x"))
    with pytest.raises(UserError, match="no longer stored"):
        image_of(library, ImageReference(token="x"))
    with pytest.raises(NotFound, match="no image"):
        embedding_of(library, ImageReference(id="../x"), library.collection("one"), ColourEncoder())


def test_a_request_names_one_image_or_none():
    assert ImageReference.read({}) is None and ImageReference.read(None) is None
    assert ImageReference.read({"id": "a", "collection": "b"}) == ImageReference(id="a", collection="b")
    assert ImageReference.read({"image": "token"}, "b") == ImageReference(token="token", collection="b")
    with pytest.raises(UserError, match="one image"):
        ImageReference()


def test_a_pair_has_one_score_by_the_page_and_by_rest(library):
    id = id_of(library, "one", "red.png")
    token, _, _ = library.uploads.read(png_bytes(Image.new("RGB", (900, 900), PALETTE["blue"])))
    captions = ["red", "blue"]
    by_rest = probe(library, ProbeSchema(images=[ImageSchema(id=id), ImageSchema(image=token)], captions=captions))
    by_page = own_pair(library, {"images": [{"id": id}, {"token": token}], "captions": captions})
    assert np.allclose(by_page["scores"], by_rest.scores, atol=1e-5)
    assert by_page["wins"] == by_rest.model_dump(include={"text", "image", "group"}) and by_rest.group
