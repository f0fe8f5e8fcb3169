"""A sample's random numbers follow the sample."""

import numpy as np
import torch

from training.data.keyed import Keyed


def test_a_sample_draws_the_same_numbers_in_any_batch():
    together = Keyed(1, 2, np.array([7, 8, 9]))
    alone = Keyed(1, 2, np.array([9]))
    for _ in range(3):
        assert torch.equal(together.uniform(4)[2:], alone.uniform(4))
    assert torch.equal(together.permutation(5)[2:], alone.permutation(5))


def test_seed_epoch_and_sample_each_change_the_numbers():
    draw = lambda *key: Keyed(key[0], key[1], np.array([key[2]])).uniform(8)  # noqa: E731
    assert len({tuple(draw(*key)[0].tolist()) for key in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]}) == 4


def test_draws_have_the_moments_of_their_distributions():
    random = Keyed(0, 0, np.arange(2000))
    flat, bell = random.uniform(50), random.normal(50)
    assert abs(flat.mean() - 0.5) < 0.005 and abs(flat.var() - 1 / 12) < 0.002
    assert abs(bell.mean()) < 0.01 and abs(bell.std() - 1) < 0.01
    assert abs(torch.corrcoef(flat.T[:2])[0, 1]) < 0.1
    assert random.integers(3, 50).unique().tolist() == [0, 1, 2]
    assert (random.permutation(6).sort(1).values == torch.arange(6)).all()
