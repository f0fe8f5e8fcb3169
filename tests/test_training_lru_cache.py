"""The cache holds what was used last, within its bound, and makes a value once however many threads ask for it."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from training.models.lru_cache import LRUCache


def test_the_least_recently_used_is_removed_first():
    cache = LRUCache(2)
    cache["a"], cache["b"] = 1, 2
    assert cache.get("a") == 1
    cache["c"] = 3
    assert "a" in cache and "c" in cache and "b" not in cache and len(cache) == 2


def test_a_bound_in_bytes_holds_and_a_value_above_it_is_returned_and_not_held():
    cache = LRUCache(10, size=len)
    cache["a"], cache["b"] = b"1234", b"123456"
    assert cache.total == 10
    cache["a"] = b"1"
    assert cache.total == 7
    assert cache.get_or_make("c", lambda: b"x" * 11) == b"x" * 11
    assert "c" not in cache and cache.total == 7
    cache["d"] = b"12345678"
    assert len(cache) == 2 and "b" not in cache and cache.total == 9


def test_threads_that_ask_for_one_key_make_it_once_and_others_do_not_wait():
    cache, begun, go_on, made = LRUCache(8), threading.Event(), threading.Event(), []

    def slow():
        begun.set()
        assert go_on.wait(10)
        made.append(1)
        return "value"

    with ThreadPoolExecutor(4) as pool:
        same = [pool.submit(cache.get_or_make, "slow", slow) for _ in range(4)]
        assert begun.wait(10)
        assert cache.get_or_make("other", lambda: "at once") == "at once"  # no lock is held while a value is made
        go_on.set()
        assert [future.result(10) for future in same] == ["value"] * 4
    assert made == [1]


def test_an_exception_reaches_every_thread_that_waits_and_is_not_cached():
    cache, begun, go_on = LRUCache(8), threading.Event(), threading.Event()

    def fail():
        begun.set()
        assert go_on.wait(10)
        raise OSError("no disk")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get_or_make, "a", fail)
        assert begun.wait(10)
        second = pool.submit(cache.get_or_make, "a", fail)
        go_on.set()
        for future in (first, second):
            with pytest.raises(OSError, match="no disk"):
                future.result(10)
    assert cache.get_or_make("a", lambda: 1) == 1


@pytest.mark.parametrize("forget", [lambda cache: cache.clear(), lambda cache: cache.remove("a")])
def test_what_was_removed_while_it_was_made_is_not_held(forget):
    cache = LRUCache(8)

    def make():
        forget(cache)
        return 1

    assert cache.get_or_make("a", make) == 1
    assert "a" not in cache


def test_many_threads_leave_the_bound_and_the_sum_right():
    cache = LRUCache(50, size=int)
    with ThreadPoolExecutor(8) as pool:
        wanted = [n % 17 + 1 for n in range(4000)]
        assert list(pool.map(lambda n: cache.get_or_make(n, lambda: n), wanted)) == wanted
    assert cache.total == sum(n for n in range(1, 18) if n in cache) <= 50


def test_a_pickled_cache_arrives_empty_with_its_bound():
    cache = LRUCache(3, size=len)
    cache["a"] = b"12"
    copy = pickle.loads(pickle.dumps(cache))
    assert len(copy) == 0 and copy.capacity == 3 and copy.total == 0
    copy["b"] = b"123"
    assert copy.get("b") == b"123"
