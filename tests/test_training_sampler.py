"""Which sample stands where: a function of the seed alone, whatever the number of ranks."""

import numpy as np
import pytest

from training.data.permutation import permuted
from training.data.sampler import Sampler, quotas
from training.models.errors import UserError


@pytest.mark.parametrize("size", [1, 2, 3, 10, 257, 5000])
def test_the_keyed_permutation_meets_every_number_once(size):
    assert sorted(permuted(np.arange(size), size, 7)) == list(range(size))


def test_the_permutation_is_as_random_as_shuffling():
    places = np.stack([permuted(np.arange(8), 8, key) for key in range(4000)])
    counts = np.stack([np.bincount(column, minlength=8) for column in places.T])
    assert abs(counts - 500).max() < 5 * np.sqrt(500)  # five standard deviations
    together = np.corrcoef(places[:, 0], places[:, 1])[0, 1]
    assert together == pytest.approx(-1 / 7, abs=0.08)  # what drawing without putting back gives


def test_an_epoch_meets_every_image_once_and_the_next_in_another_order():
    sampler = Sampler([30], 10, seed=1)
    epochs = [np.concatenate([sampler.batch(e * 3 + s).samples for s in range(3)]) for e in range(2)]
    assert all(sorted(epoch) == list(range(30)) for epoch in epochs)
    assert (epochs[0] != epochs[1]).any()
    assert (sampler.batch(4).epochs == 1).all()


@pytest.mark.parametrize("weights", [None, (1.0, 2.0)])
def test_ranks_share_the_batch_that_one_rank_alone_would_see(weights):
    sampler = Sampler([30, 50], 12, seed=3, weights=weights)
    for step in (0, 7):
        parts = np.concatenate([sampler.batch(step, rank, 3).samples for rank in range(3)])
        assert (parts == sampler.batch(step).samples).all()


def test_a_mixture_keeps_its_proportions_and_walks_each_source_evenly():
    sampler = Sampler([100, 1000], 64, seed=0, weights=(3, 1))
    drawn = np.concatenate([sampler.batch(step).samples for step in range(160)])  # ten blocks
    assert (drawn < 100).mean() == 0.75
    times = np.bincount(drawn[drawn < 100])
    assert (times.min(), times.max()) == (76, 77)


def test_quotas_follow_weights_and_forget_nobody():
    assert quotas([3, 1], 1024).tolist() == [768, 256]
    assert quotas([1e-9, 1], 1024).tolist() == [1, 1023]
    with pytest.raises(UserError, match="above 0"):
        quotas([1, 0], 1024)


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(UserError, match="cannot be filled from 5 images"):
        Sampler([5], 8, seed=0)


ENDS = np.cumsum(np.random.default_rng(0).integers(1, 30, 40))  # of row groups


def order(epoch: int, window: int = 64, seed: int = 0, ends=ENDS, weights=None) -> np.ndarray:
    size = int(ends[-1])
    return Sampler([size], size, seed, weights, [ends], window).batch(epoch).samples


@pytest.mark.parametrize("ends", [ENDS, np.array([7]), np.arange(1, 300), np.array([200, 201])])
def test_windows_of_blocks_meet_every_image_once(ends):
    one, other = (order(epoch, ends=ends) for epoch in (0, 1))
    assert sorted(one) == sorted(other) == list(range(int(ends[-1])))
    assert (one != other).any()


def test_windows_of_a_source_in_a_mixture_meet_every_image_once():
    sampler = Sampler([1024, 300], 1024, 0, (1023, 1), [np.arange(8, 1025, 8), np.arange(1, 301)], 100)
    drawn = np.concatenate([sampler.batch(step).samples for step in range(10)])
    assert set(np.bincount(drawn[drawn < 1024], minlength=1024)) == {9, 10}


def test_a_window_holds_whole_blocks_from_everywhere_in_random_order():
    sampler = Sampler([int(ENDS[-1])], 1, 0, None, [ENDS], 64)
    blocks = np.searchsorted(ENDS, order(0), side="right")
    spans = [np.ptp(np.flatnonzero(blocks == block)) for block in range(len(ENDS))]
    assert max(spans) < 64 + 29  # a block is within one window
    together = [len(set(blocks[i : i + 64])) for i in range(len(blocks) - 64)]
    assert max(together) <= 2 * sampler.blocks_held and np.mean(together) > 4
    assert np.ptp(blocks[:64]) > 10


def test_places_within_a_window_are_as_random_as_shuffling():
    places = np.array([order(0, 16, seed, np.array([4, 8])) for seed in range(2000)])
    counts = np.stack([np.bincount(column, minlength=8) for column in places.T])
    assert abs(counts - 250).max() < 5 * np.sqrt(250)


def test_ranks_share_the_batch_of_one_rank_with_windows_too():
    sampler = Sampler([300, int(ENDS[-1])], 12, 3, (1.0, 2.0), [np.arange(1, 301), ENDS], 50)
    for step in (0, 70):
        parts = np.concatenate([sampler.batch(step, rank, 3).samples for rank in range(3)])
        assert (parts == sampler.batch(step).samples).all()
