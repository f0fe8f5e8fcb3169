"""Images that visitors upload to search with: in memory only."""

import secrets
import threading

from PIL import Image

from training.models.decoding import decode_image
from training.models.errors import UserError
from training.models.lru_cache import LRUCache

CAPACITY = 48  # images in memory
SIDE = 768  # pixels of the longer side of an uploaded image, as stored


class Uploads:
    """Uploaded images, found by a token; the least recently used goes first."""

    def __init__(self, capacity: int = CAPACITY):
        self._images: LRUCache[str, Image.Image] = LRUCache(capacity)
        self._decoding = threading.Lock()  # one at a time: the largest takes half a gigabyte

    def add(self, image: Image.Image) -> str:
        """Store an image; returns the token that requests name it by."""
        small = image.copy()
        small.thumbnail((SIDE, SIDE))
        token = secrets.token_hex(12)
        self._images[token] = small
        return token

    def read(self, data: bytes) -> tuple[str, int, int]:
        """Decode and store an image; returns its token, width and height. UserError if it cannot be read."""
        try:
            with self._decoding:
                read = decode_image(data, SIDE)
        except UserError as error:
            raise UserError(f"That file cannot be used as an image: {error}.") from error
        return self.add(read.image), read.width, read.height

    def get(self, token: str) -> Image.Image:
        """The image, which the caller must not change; UserError once it was dropped."""
        image = self._images.get(token)
        if image is None:
            raise UserError("That uploaded image is no longer stored; upload it again.")
        return image
