"""Images that visitors upload to search with: in memory only."""

import secrets
import threading
from dataclasses import dataclass

from PIL import Image

from app.language.current import _
from training.models.decoding import decode_image
from training.models.errors import UserError
from training.models.lru_cache import LRUCache

LARGEST = 160 * 2**20  # bytes of a file: a RAW file of 61 megapixels without compression, or a 16-bit TIFF of 24
CAPACITY = LARGEST + 192 * 2**20  # bytes in memory: the largest, and some dozen photographs
SIDE = 768  # pixels of the longer side of an uploaded image, as shown and explained


@dataclass(frozen=True)
class _Upload:
    """data: the file, from which it is embedded. image: the same in at most SIDE pixels."""

    data: bytes
    image: Image.Image

    @property
    def size(self) -> int:
        return len(self.data) + 3 * self.image.width * self.image.height


class Uploads:
    """Uploaded images, found by a token; the least recently used goes first. capacity: bytes."""

    def __init__(self, capacity: int = CAPACITY):
        self._uploads: LRUCache[str, _Upload] = LRUCache(capacity, lambda upload: upload.size)
        self._decoding = threading.Lock()  # one at a time: the largest takes half a gigabyte

    def __len__(self) -> int:
        return len(self._uploads)

    @property
    def memory(self) -> int:
        """The memory that they take."""
        return self._uploads.total

    def read(self, data: bytes) -> tuple[str, int, int]:
        """Decode and store an image; returns its token, width and height. UserError if it cannot be read."""
        try:
            with self._decoding:
                read = decode_image(data, SIDE)
        except UserError as error:
            raise UserError(_("That file cannot be used as an image: {error}.", error=error)) from error
        image = read.image
        image.thumbnail((SIDE, SIDE))
        token = secrets.token_hex(12)
        self._uploads[token] = _Upload(data, image)
        return token, read.width, read.height

    def get(self, token: str) -> Image.Image:
        """The image to show, which the caller must not change; UserError once it was dropped."""
        return self._get(token).image

    def data(self, token: str) -> bytes:
        """The file as it was uploaded, to embed; UserError once it was dropped."""
        return self._get(token).data

    def _get(self, token: str) -> _Upload:
        upload = self._uploads.get(token)
        if upload is None:
            raise UserError(_("That uploaded image is no longer stored; upload it again."))
        return upload
