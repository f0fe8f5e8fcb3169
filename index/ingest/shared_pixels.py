"""The engine for several encoders after one another: each image is read and decoded once.

Small encoders take less time for an image than its decoding does, and those of the zoo see the same pixels.
"""

from collections.abc import Callable, Container, Iterable, Iterator

from index.ingest.engine import Embedded, LoadedImage, PlannedImage, load_planned
from training.data.pipeline import embed_stream
from training.models.decoding import MOST_MEGAPIXELS
from training.models.encoder import Encoder
from training.models.lru_cache import LRUCache

HELD = 256 << 20  # bytes of pixels: 21,000 images of 64 x 64


class SharedPixels:
    """The engine of one machine, which holds preprocessed images for the next encoder with the same preprocessing.

    Of HELD bytes of pixels at most. A collection that needs more gains nothing and is embedded all the same.
    """

    def __init__(self) -> None:
        self.held: LRUCache[tuple[object, ...], LoadedImage] = LRUCache(HELD, _bytes)

    def __call__(
        self,
        images: Iterable[PlannedImage],
        encoder: Encoder,
        stored: Container[str],
        stop: Callable[[], bool] = lambda: False,
        most_megapixels: float = MOST_MEGAPIXELS,
    ) -> Iterator[list[Embedded]]:
        """Every image in order, a batch at a time."""

        def load(planned: PlannedImage) -> LoadedImage:
            def make() -> LoadedImage:
                return load_planned(planned, encoder, stored, most_megapixels)

            if encoder.preprocessing is None or planned.known is None:
                return make()
            item = planned.item
            key = planned.source, item.path, item.stamp, planned.known, encoder.preprocessing, most_megapixels
            return self.held.get_or_make(key, make)

        return embed_stream(images, load, encoder, stop)


def _bytes(image: LoadedImage) -> int:
    return 0 if image.pixels is None else image.pixels.nbytes
