"""Class embeddings and classifiers of every open collection, cached so that classifying another image takes no text."""

from collections.abc import Hashable

from app.state.open_collection import OpenCollection
from index.labels.classifier import Classifier, make_classifier
from index.labels.labelling import collection_classifier
from index.labels.request import LabelRequest
from index.storage.corrections import read_corrections
from training.models.encoder import Encoder
from training.models.lru_cache import LRUCache
from training.models.zero_shot import ClassEmbeddings, embedding_cache

CACHE_BYTES = 64 * 2**20  # of classifiers: forty of a thousand classes of 384 dimensions
OVERHEAD = 4096  # bytes of a classifier beside its arrays, at least


class Classifiers:
    """One cache for the page, the REST API and gradio_client. Safe from any thread."""

    def __init__(self) -> None:
        self._class_embeddings = embedding_cache()
        self._by_encoder: LRUCache[int, ClassEmbeddings] = LRUCache(16)
        self._classifiers: LRUCache[Hashable, Classifier] = LRUCache(CACHE_BYTES, size=lambda c: c.nbytes + OVERHEAD)

    def embeddings(self, encoder: Encoder) -> ClassEmbeddings:
        """The class embeddings of an encoder; those of all encoders share one cache."""
        return self._by_encoder.get_or_make(id(encoder), lambda: ClassEmbeddings(encoder, self._class_embeddings))

    def classifier(self, opened: OpenCollection, encoder: Encoder, request: LabelRequest) -> Classifier:
        """For images beside a collection, calibrated on its ground truth as it is now."""
        collection, embeddings = opened.collection, self.embeddings(encoder)
        if collection is None or not len(collection):  # its first build is running, and teaches nothing yet
            return make_classifier(request, embeddings)
        corrections = read_corrections(collection.path)
        key = (id(encoder), str(opened.path), collection.revision, hash(tuple(corrections.items())), request)
        return self._classifiers.get_or_make(
            key, lambda: collection_classifier(request, embeddings, collection, corrections)
        )
