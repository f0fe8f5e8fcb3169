"""Random histories of a library lose nothing; tests/library_model.py says what happens in them."""

import pytest
from hypothesis import Phase, given, settings

from tests.random_histories import HISTORIES, QUIET, live_through, run


@settings(QUIET, max_examples=6, derandomize=True, phases=[Phase.generate])
@given(HISTORIES)
def test_a_few_histories_of_a_library_lose_nothing(history):
    live_through(history)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_two_thousand_histories_of_a_library_lose_nothing(seed):
    assert run(250, seed)["histories"] >= 250
