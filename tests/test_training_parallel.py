"""A map over threads keeps the order, bounds what is under way and cancels what nobody waits for."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice

import pytest

from training.models.parallel import cores, ordered_map


def test_results_come_in_the_order_of_inputs_however_long_each_takes():
    def slow(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number

    with ThreadPoolExecutor(4) as pool:
        assert list(ordered_map(slow, range(40), pool, ahead=8)) == list(range(40))
        assert list(ordered_map(slow, [], pool, ahead=8)) == []


def test_no_more_inputs_are_taken_than_may_be_ahead():
    taken = count()
    with ThreadPoolExecutor(1) as pool:
        results = ordered_map(lambda number: time.sleep(0.001), taken, pool, ahead=5)
        for _ in islice(results, 10):
            pass
        assert next(taken) <= 10 + 5
        results.close()


def test_what_was_not_begun_is_cancelled_when_the_reader_stops():
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.02)
        return number

    with ThreadPoolExecutor(1) as pool:
        results = ordered_map(work, range(100), pool, ahead=50)
        assert next(results) == 0
        results.close()
    assert len(begun) < 50


def test_an_error_reaches_the_reader_at_its_place():
    with ThreadPoolExecutor(2) as pool:
        results = ordered_map(lambda number: 1 // number, [1, 1, 0, 1], pool, ahead=4)
        assert [next(results), next(results)] == [1, 1]
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert cores() == 3
