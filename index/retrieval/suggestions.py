"""Suggestions: the everyday words that the images of a collection have the highest scores for."""

import numpy as np

from index.collection import Collection
from training.models.encoder import Encoder
from training.models.everyday import SENTENCE, everyday_embeddings
from training.models.zero_shot import everyday_words

COUNT = 6
SAMPLE = 2000  # images looked at: more do not change the words


def suggestions(collection: Collection, encoder: Encoder) -> list[str]:
    """Up to COUNT everyday words, each the best word for images of its own; none for an image-only encoder.

    Each image votes for the word that stands out most for it, by how much it stands out.
    """
    if not encoder.reads_text or not len(collection):
        return []
    words = everyday_words()
    bank = everyday_embeddings(encoder, SENTENCE)
    rows = np.random.default_rng(0).permutation(len(collection))[:SAMPLE]
    scores = np.asarray(collection.vectors[np.sort(rows)], np.float32) @ bank.T  # [images, words]
    if len(scores) > 1:  # words that like every image say nothing about any
        scores = scores - scores.mean(axis=0)
    best = scores.argmax(axis=1)
    votes = np.bincount(best, weights=np.maximum(scores.max(axis=1), 1e-6), minlength=len(words))
    chosen: list[int] = []
    for word in np.argsort(-votes):
        if votes[word] <= 0 or len(chosen) == COUNT:
            break
        if all(bank[word] @ bank[other] < 0.8 for other in chosen):  # "cat" beside "kitten" is one suggestion
            chosen.append(int(word))
    return [words[word] for word in chosen]
