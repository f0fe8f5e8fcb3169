"""Texts of many threads through one tower: what each gets, and how often the tower is called."""

import threading
import time

import numpy as np
import pytest
from PIL import Image

from app.state.library import Library
from app.state.memory import MemoryAtRest
from app.state.shared_encoder import SharedEncoder
from app.state.text_batcher import TextBatcher
from index.build import build_collection
from tests.samples import PALETTE, ColourEncoder
from training.models.encoder import BATCH, Encoder
from training.models.errors import UserError


class Tower:
    """Counts its calls, and how many run at once; a text's vector is its length and its first letter."""

    def __init__(self, seconds: float = 0.0):
        self.seconds, self.calls, self.running, self.most = seconds, [], 0, 0

    def __call__(self, texts):
        self.running += 1
        self.most = max(self.most, self.running)
        time.sleep(self.seconds)
        self.calls.append(list(texts))
        self.running -= 1
        if "bad" in texts:
            raise UserError("bad cannot be read")
        return self.oracle(texts)

    @staticmethod
    def oracle(texts):
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32)


def in_threads(function, given):
    answers: dict = {}

    def work(one):
        try:
            answers[one] = function([one])
        except Exception as error:
            answers[one] = error

    threads = [threading.Thread(target=work, args=(one,)) for one in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert set(answers) == set(given)
    return answers


def test_everybody_gets_the_rows_of_their_own_texts_from_few_calls_of_which_none_overlap():
    tower = Tower(0.02)
    batcher = TextBatcher(tower)
    texts = [f"{chr(97 + i)}{'x' * i}" for i in range(20)]
    answers = in_threads(batcher, texts)
    for text in texts:
        assert (answers[text] == tower.oracle([text])).all()
    assert tower.most == 1 and len(tower.calls) <= 6  # the first goes alone, those who waited go together
    assert sorted(text for call in tower.calls for text in call) == texts


def test_a_text_that_was_asked_before_costs_nothing_until_it_is_forgotten():
    tower = Tower()
    batcher = TextBatcher(tower, capacity=2)
    batcher(["one", "two", "one"])
    batcher(["two"])
    assert tower.calls == [["one", "two"]]
    batcher(["three"])
    batcher(["two"])  # used later than "one", so it is still known
    batcher(["one"])
    assert tower.calls == [["one", "two"], ["three"], ["one"]]


def test_a_long_list_goes_in_parts_and_does_not_push_questions_out():
    tower = Tower()
    batcher = TextBatcher(tower, capacity=3)
    batcher(["question"])
    many = [f"class {i}" for i in range(2 * BATCH + 5)]
    assert (batcher(many) == tower.oracle(many)).all()
    assert [len(call) for call in tower.calls] == [1, BATCH, BATCH, 5]
    batcher(["question"])
    assert len(tower.calls) == 4


def test_a_text_that_cannot_be_read_fails_for_those_alone_who_asked_for_it():
    answers = in_threads(TextBatcher(Tower(0.02)), ["good", "bad", "fine", "well"])
    assert isinstance(answers.pop("bad"), UserError)
    for text, rows in answers.items():
        assert (rows == Tower.oracle([text])).all()


def test_what_a_caller_does_to_its_rows_stays_with_it():
    batcher = TextBatcher(Tower())
    batcher(["one"])[:] = 0
    assert (batcher(["one"]) == Tower.oracle(["one"])).all()


def test_the_encoders_of_the_library_batch_texts_and_are_otherwise_unchanged(tmp_path, squares):
    build_collection([squares], tmp_path / "squares.gelato", ColourEncoder())
    own = ColourEncoder()
    methods = dict(vars(own))
    library = Library(lambda name: own)
    library.add(tmp_path / "squares.gelato")
    encoder = library.encoder(library.collection(None))
    assert isinstance(encoder, SharedEncoder) and encoder.loaded
    assert vars(own) == methods  # nothing was patched into it
    texts = [f"a photo of something {name}" for name in PALETTE] * 3
    assert (encoder.embed_texts(texts) == ColourEncoder().embed_texts(texts)).all()
    assert encoder.embed_texts([]).shape == (0, 3)
    library.stop()


def test_a_shared_encoder_has_every_attribute_and_method_of_the_encoder_it_shares():
    own = ColourEncoder()
    shared = SharedEncoder(own, ColourEncoder)
    for name in Encoder.__annotations__:
        assert getattr(shared, name) == getattr(own, name)
    public = {name for name, value in vars(Encoder).items() if not name.startswith("_") and callable(value)}
    assert public | {"batching"} <= set(vars(SharedEncoder))  # a method it inherits would run without the encoder
    images = [Image.new("RGB", (8, 8), name) for name in ("red", "blue")]
    assert (shared.embed_images(images) == own.embed_images(images)).all()


def test_strengths_by_known_moments_are_those_worked_out_from_the_rows():
    from index.retrieval.relevance import NullDistribution, _moments
    from training.models.encoder import unit

    random = np.random.default_rng(0)
    bank, rows = (unit(random.standard_normal((n, 8))) for n in (30, 200))
    sample = rows[:50]
    mean, spread = _moments(sample @ bank.T)
    moments = np.stack(_moments(rows @ bank.T))
    fast, slow = (NullDistribution(bank, sample, mean, spread, 2.0, 2.0, m) for m in (moments, None))
    numbers = np.array([7, 3, 150])
    query = unit(random.standard_normal(8))
    expected, cosines = slow.normalised_scores(query, rows[numbers]), rows[numbers] @ query
    assert fast.normalised_cosines(query, cosines, numbers) == pytest.approx(expected, abs=1e-5)
    assert slow.normalised_cosines(query, cosines, numbers) is None, "then the vectors have to be read"


def test_an_idle_encoder_is_dropped_and_comes_back_with_the_next_call_that_needs_it():
    made = []

    def load() -> Encoder:
        made.append(ColourEncoder())
        return made[-1]

    shared = SharedEncoder(load(), load)
    before = shared.embed_texts(["red"])
    assert not shared.drop_if_idle(60) and shared.loaded
    assert shared.drop_if_idle(0) and not shared.loaded and not shared.drop_if_idle(0)
    assert (shared.embed_texts(["red"]) == before).all() and not shared.loaded  # its embedding stayed in memory
    assert (shared.embed_texts(["blue"]) == ColourEncoder().embed_texts(["blue"])).all()
    assert shared.loaded and len(made) == 2


def test_an_encoder_is_not_dropped_while_it_is_called():
    entered, leave = threading.Event(), threading.Event()

    class Slow(ColourEncoder):
        def embed_images(self, images):
            entered.set()
            leave.wait(10)
            return super().embed_images(images)

    shared = SharedEncoder(Slow(), Slow)
    thread = threading.Thread(target=shared.embed_images, args=([Image.new("RGB", (8, 8))],))
    thread.start()
    assert entered.wait(10) and not shared.drop_if_idle(0)
    leave.set()
    thread.join()
    assert shared.drop_if_idle(0)


def test_an_encoder_that_was_replaced_on_disk_meanwhile_is_refused():
    class Other(ColourEncoder):
        fingerprint = "another"

    shared = SharedEncoder(ColourEncoder(), Other)
    shared.drop_if_idle(0)
    with pytest.raises(UserError, match="start Gelato again"):
        shared.embed_texts(["red"])


def test_a_server_at_rest_drops_encoders_by_itself(tmp_path, squares):
    build_collection([squares], tmp_path / "squares.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder())
    opened = library.add(tmp_path / "squares.gelato")
    encoder = library.encoder(opened)
    resting = MemoryAtRest(library, 0.04)
    until = time.monotonic() + 10
    while encoder.loaded and time.monotonic() < until:
        time.sleep(0.01)
    assert not encoder.loaded and library.encoder_state(opened)["state"] == "ready"
    resting.stop()
    library.stop()
