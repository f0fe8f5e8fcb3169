"""Images at the size of a window, made when they are first looked at and held up to a limit."""

from collections.abc import Hashable

from app.language.current import _
from app.state.errors import NotFound
from app.state.open_collection import OpenCollection
from index.viewing import Original, original_of, resized
from training.models.lru_cache import LRUCache

CAPACITY = 128 * 2**20  # bytes of all images that are held


class Views:
    """JPEGs of originals, by file and side. Safe from any thread."""

    def __init__(self) -> None:
        self._held: LRUCache[Hashable, bytes] = LRUCache(CAPACITY, len)

    def of(self, opened: OpenCollection, original: Original, side: int) -> bytes:
        """An original with its longer side at most side pixels. UserError if it cannot be shown."""
        most = opened.published().max_megapixels

        def make() -> bytes:
            return resized(original.read(), side, most)

        return self._held.get_or_make((original.key, side), make)


def find_original(opened: OpenCollection, id: str) -> Original:
    """The original of a stored image. NotFound for another id; UserError if its file may not be shown."""
    try:
        return original_of(opened.published(), id)
    except KeyError as error:
        raise NotFound(_("There is no such image in the collection any more; search again.")) from error
