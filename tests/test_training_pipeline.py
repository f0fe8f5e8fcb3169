"""One pipeline for builds, evaluation and evaluation during training: the same image, the same embedding."""

import threading
import time
from itertools import count, product

import numpy as np
import pytest
from PIL import Image

from index.build import build_collection
from index.collection import Collection
from tests.samples import ColourEncoder
from tests.test_training_decoding import photograph
from training.data.pipeline import IMAGES_AHEAD, PreprocessedImage, embed_stream
from training.evaluation.during_training import HeldOutImages
from training.evaluation.features import embed_source
from training.models.decoding import decode_image
from training.models.encoder import Encoder, unit
from training.models.preprocess import Preprocessing
from training.models.runtime import Batching

SIZES = ((40, 30), (31, 57), (300, 200), (700, 500), (1300, 900), (1000, 37))
FORMATS = {"jpg": {"quality": 85}, "png": {}, "webp": {"quality": 85}, "gif": {}, "bmp": {}, "tiff": {}}
EVERYDAY = [*((size, "jpg") for size in SIZES), *((size, ending) for size in SIZES[1:3] for ending in FORMATS)]


class Projection(Encoder):
    """Every pixel counts: a random projection of what `preprocessing` leaves of an image."""

    name, dim, logit_scale, runtime, precision, fingerprint = "projection", 24, 50.0, "torch", "f32", "0" * 16

    def __init__(self, size: int, mode: str):
        self.image_size, self.preprocessing = size, Preprocessing(size, mode)
        self.matrix = np.random.default_rng(0).normal(size=(size * size * 3, self.dim)).astype(np.float32)

    def embed_pixels(self, pixels):
        return unit((pixels.reshape(len(pixels), -1) - 128.0) @ self.matrix)

    def embed_text_batch(self, texts):
        raise NotImplementedError


@pytest.fixture(
    scope="module",
    params=[EVERYDAY, pytest.param([*product(SIZES, FORMATS)], marks=pytest.mark.slow)],
    ids=("some", "all"),
)
def images(request, tmp_path_factory):
    """JPEGs of each size, the other formats in two sizes, or slowly in all, and JPEGs in each orientation."""
    folder = tmp_path_factory.mktemp("images")
    for (width, height), ending in request.param:
        photograph(width, height).save(folder / f"{width}x{height}.{ending}", **FORMATS[ending])
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        if orientation in (6, 7) or request.param is not EVERYDAY:
            photograph(1300, 900).save(folder / f"large-{orientation}.jpg", exif=exif)
        photograph(90, 50).save(folder / f"small-{orientation}.jpg", exif=exif)
    photograph(80, 60).convert("CMYK").save(folder / "cmyk.jpg")
    photograph(80, 60).convert("L").save(folder / "grey.jpg")
    photograph(80, 60).convert("RGBA").save(folder / "alpha.png")
    return folder


@pytest.mark.parametrize(
    ("size", "mode"),
    [
        *((24, "squash"), (24, "longest"), (224, "shortest")),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in ((24, "shortest"), (224, "squash"), (224, "longest"))),
    ],
)
def test_an_image_has_the_same_embedding_by_build_evaluation_and_evaluation_during_training(
    images, tmp_path, monkeypatch, size, mode
):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    encoder = Projection(size, mode)
    evaluated = embed_source(encoder, str(images))
    assert len(evaluated) == len(list(images.iterdir())) and not evaluated.unreadable
    for most, times in ((0, 1), (1 << 30, 2)):  # without a cache of pixels, and with one that is then read
        held_out = HeldOutImages(most)
        for _ in range(times):
            during = held_out.embed(encoder, str(images), None, lambda done, total: None)
            assert [item.path for item in during.items] == [item.path for item in evaluated.items]
            assert np.array_equal(during.images, evaluated.images)
    build_collection([images], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    stored = dict(zip(collection.items["path"], collection.vectors.astype(np.float32), strict=True))
    for item, vector in zip(evaluated.items, evaluated.images, strict=True):
        assert np.allclose(stored[item.path], vector, atol=5e-4), item.path  # float16 on disk
        query = encoder.embed_images([decode_image(item.read(), max(size, 160)).image])[0]  # an image to search by
        assert np.allclose(query, vector, atol=1e-6), item.path


class Streams(ColourEncoder):
    """Runs as many calls at once as `streams` says, and remembers which threads embedded."""

    def __init__(self, streams: int):
        super().__init__()
        self.streams, self.threads = streams, set[str]()

    @property
    def batching(self):
        return Batching(batch_size=8, streams=self.streams)

    def embed_pixels(self, pixels):
        self.threads.add(threading.current_thread().name.partition("_")[0])
        return unit(pixels.reshape(len(pixels), -1)[:, :3].astype(np.float32) + 1)


def load(number: int) -> PreprocessedImage:
    if number % 10 == 3:
        raise OSError(5, "the disk is broken")
    if number % 10 == 4:
        raise ZeroDivisionError("of a decoder")
    return PreprocessedImage(None if number % 10 == 5 else np.full((8, 8, 3), number % 250, np.uint8))


@pytest.mark.parametrize("streams", [1, 4])
def test_every_input_comes_in_order_with_its_vector_or_the_reason(streams):
    encoder = Streams(streams)
    batches = list(embed_stream(range(500), load, encoder))
    results = [one for batch in batches for one in batch]
    assert [one.input for one in results] == list(range(500))
    assert all((one.vector is None) == (one.input % 10 in (3, 4, 5)) for one in results)
    assert {one.error for one in results} == {"", "the disk is broken", "ZeroDivisionError: of a decoder"}
    assert {sum(one.vector is not None for one in batch) for batch in batches[:-1]} == {8}
    assert encoder.threads == {"load" if streams > 1 else "embed"}


def test_inputs_without_pixels_are_given_as_they_come():
    batches = list(embed_stream(range(300), lambda number: PreprocessedImage(None), Streams(1)))
    assert sum(map(len, batches)) == 300 and max(map(len, batches)) <= IMAGES_AHEAD


def test_no_more_is_under_way_than_memory_is_bounded_for():
    taken = count()

    def slow(number: int) -> PreprocessedImage:
        time.sleep(0.0005)
        return load(0)

    stream = embed_stream(iter(lambda: next(taken), None), slow, Streams(4))
    given = sum(len(next(stream)) for _ in range(20))
    assert next(taken) - given <= IMAGES_AHEAD + 2 * 8
    stream.close()


def test_a_stopped_stream_gives_what_is_being_embedded_and_begins_nothing_else():
    begun: list[int] = []

    def counted(number: int) -> PreprocessedImage:
        begun.append(number)
        return load(0)

    results = [one for batch in embed_stream(range(10_000), counted, Streams(4), lambda: True) for one in batch]
    assert [one.input for one in results] == list(range(8)) and len(begun) <= IMAGES_AHEAD


def test_an_encoder_that_fails_fails_the_stream():
    class Broken(Streams):
        def embed_pixels(self, pixels):
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        list(embed_stream(range(100), load, Broken(4)))
