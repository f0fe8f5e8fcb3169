"""What a collection is searched by beside its segments: made from them, and made again when they change."""

from index.collection import Collection
from index.copies.groups import QUICK, save_copies
from index.retrieval.faiss_index import save_nearest
from index.retrieval.text_index import save_text_index
from training.models.encoder import Encoder


def save_derived(collection: Collection, encoder: Encoder | None = None) -> None:
    """Make and store the FAISS index, the text index and the copies of a collection, where missing or stale.

    The copies of a large collection, which take seconds, are made when they are first asked for.
    """
    save_nearest(collection, encoder)
    save_text_index(collection)
    if len(collection) <= QUICK:
        save_copies(collection)
