"""Everyday words as an encoder embeds them: what images are compared with where no texts are given."""

from training.models.encoder import Encoder, Vectors, unit
from training.models.lru_cache import LRUCache
from training.models.text_cache import embed_texts_cached
from training.models.zero_shot import everyday_words

SENTENCE = "a photo of a {}."

_embeddings: LRUCache[tuple[str, str, str, str], Vectors] = LRUCache(4)


def everyday_embeddings(encoder: Encoder, template: str = "a photo of a {}") -> Vectors:
    """[M, dim], unit rows: each of `everyday_words` in the template. Takes a second the first time."""
    prompts = [template.replace("{}", word) for word in everyday_words()]
    key = (encoder.fingerprint, encoder.runtime, encoder.precision, template)
    return _embeddings.get_or_make(key, lambda: unit(embed_texts_cached(encoder, prompts)))
