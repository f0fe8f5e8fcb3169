"""The relevance threshold: computed from the collection's null distribution, not from the size of a cosine."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.relevance import best_recall, with_table
from index.retrieval.relevance import ABOVE_COLLECTION, ABOVE_IMAGE, TRUSTED, NullDistribution, null_distribution
from training.models.encoder import Encoder, unit
from training.models.zero_shot import everyday_words

DIM = 128


class TopicEncoder(Encoder):
    """Every text is a fixed random direction; an image shows topics and likes all texts by an amount of its own."""

    name, dim, image_size, logit_scale = "topics", DIM, 8, 50.0
    fingerprint, runtime, precision = "topics", "torch", "f32"

    def preprocess(self, image):
        raise NotImplementedError

    def embed_pixels(self, pixels):
        raise NotImplementedError

    def embed_text_batch(self, texts):
        words = [phrase.removeprefix("a photo of a ") for phrase in texts]
        return unit(np.stack([direction(word) for word in words]))


def direction(word: str) -> np.ndarray:
    own = np.random.default_rng(abs(hash_of(word))).standard_normal(DIM)
    own[0] = 8.0  # texts share a direction, as the texts of real encoders do
    return own


def hash_of(word: str) -> int:
    return sum((i + 1) * ord(c) for i, c in enumerate(word)) * 7919


class Shown:
    """What `null_distribution` needs of a collection."""

    def __init__(self, topics: list[str], seed: int = 0):
        random = np.random.default_rng(seed)
        hub = random.uniform(0, 3, len(topics))  # how much an image likes any text
        rows = np.stack([direction(topic) + 0.8 * random.standard_normal(DIM) for topic in topics])
        rows[:, 0] = 8 * hub
        self.vectors = unit(rows).astype(np.float16)
        self.dim = DIM

    def derived(self, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        return make()

    def __len__(self) -> int:
        return len(self.vectors)


@pytest.fixture(scope="module")
def shown() -> Shown:
    words = everyday_words()
    return Shown([words[i % 40] for i in range(400)])  # forty things, ten images of each


def normalised_scores(null: NullDistribution, shown: Shown, word: str) -> np.ndarray:
    return null.normalised_scores(unit(direction(word)), np.asarray(shown.vectors, np.float32))


def test_images_of_what_is_asked_lie_above_the_line_and_others_below(shown):
    null = null_distribution(shown, TopicEncoder())
    words = everyday_words()
    for at in range(0, 40, 5):
        likely = np.flatnonzero(normalised_scores(null, shown, words[at]) > 1)
        assert set(likely % 40) <= {at}
        assert len(likely) >= 3


def test_things_that_no_image_shows_have_no_likely_match(shown):
    null = null_distribution(shown, TopicEncoder())
    absent = [f"thing number {i}" for i in range(50)]
    alarms = sum((normalised_scores(null, shown, word) > 1).any() for word in absent)
    assert alarms <= 5  # a tenth


def test_a_image_that_likes_every_text_is_not_stronger_for_it(shown):
    null = null_distribution(shown, TopicEncoder())
    query = unit(direction("a thing that is nowhere"))
    rows = np.asarray(shown.vectors, np.float32)
    liking = rows @ unit(null.bank.mean(axis=0))
    assert np.corrcoef(liking, rows @ query)[0, 1] > 0.8  # the cosine follows the liking
    assert abs(np.corrcoef(liking, null.normalised_scores(query, rows))[0, 1]) < 0.5


def test_a_strength_is_the_deviations_above_the_images_answers_or_the_collections(shown):
    null = null_distribution(shown, TopicEncoder())
    query, rows = unit(direction("zebra")), np.asarray(shown.vectors, np.float32)
    by_image = []
    for row in rows:
        answers = [float(row @ word) for word in null.bank]
        by_image.append((row @ query - np.mean(answers)) / np.std(answers))
    by_image = (by_image - np.median(by_image)) / null.image_threshold
    by_collection = (rows @ query - np.mean(rows @ query)) / np.std(rows @ query) / null.collection_threshold
    np.testing.assert_allclose(null.normalised_scores(query, rows), np.maximum(by_image, by_collection), atol=1e-3)


def test_one_image_has_a_line_of_its_own():
    null = null_distribution(Shown(["cat"]), TopicEncoder())
    assert np.isfinite(null.normalised_scores(unit(direction("cat")), null.sample)).all()


def test_the_histogram_counts_every_image(shown):
    null = null_distribution(shown, TopicEncoder())
    drawn = null.histogram(unit(direction("cat")), len(shown), 9.0)
    assert sum(drawn.counts) == len(shown)
    assert drawn.low < 0 < 1 < drawn.high


def test_the_page_about_search_shows_the_stored_figures_and_the_default_follows_them():
    root = Path(__file__).parent.parent
    result = json.loads((root / "benchmarks/results/relevance.json").read_text())
    text = (root / "docs/search.md").read_text()
    assert with_table(text, result) == text, "run: python benchmarks/relevance.py"
    assert result["trusted"] == (result["encoder"] in TRUSTED)
    assert result["lines"] == [ABOVE_IMAGE, ABOVE_COLLECTION]


def test_the_best_recall_takes_no_query_whose_images_cost_more_precision_than_they_are_worth():
    scores = np.array([[4, 3, 2, 1], [4, 3, 2, 1]], np.float32).T
    truth = np.array([[True, True, False, False], [False, False, False, True]]).T
    assert best_recall(scores, truth).tolist() == [1, 0], "the second needs three false images for one that is right"
