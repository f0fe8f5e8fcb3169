"""A cache of bounded size that forgets what was used longest ago."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LRUCache(Generic[K, V]):
    """Values by key, the least recently used removed first. Safe from any thread.

    capacity: the sum of sizes that is held at most. size: of a value, in the unit of capacity; left out, each value
    counts one. A value larger than capacity is returned and not held. A pickled or copied cache arrives empty.
    """

    def __init__(self, capacity: int, size: Callable[[V], int] | None = None):
        if capacity < 1:
            raise ValueError(f"the capacity of a cache is {capacity}; it is at least 1")
        self.capacity, self.size = capacity, size
        self.total = 0  # the sum of sizes held now
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()  # the most recently used last
        self._making: dict[K, Future[V]] = {}
        self._lock = threading.Lock()  # never held while a value is made

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """The value of key, made by `make()` if it is not held.

        Threads that ask for the same key meanwhile wait for that one call, and get its value or its exception; an
        exception is not cached. make must not ask for the same key.
        """
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key][0]
            future = self._making.get(key)
            mine = future is None
            if future is None:
                future = self._making[key] = Future()
        if not mine:
            return future.result()
        try:
            value = make()
            size = self._size(value)
        except BaseException as error:
            with self._lock:
                self._no_longer_making(key, future)
            future.set_exception(error)
            raise
        with self._lock:
            if self._no_longer_making(key, future):
                self._hold(key, value, size)
        future.set_result(value)
        return value

    def get(self, key: K) -> V | None:
        """The value of key, or None if it is not held."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def __setitem__(self, key: K, value: V) -> None:
        size = self._size(value)
        with self._lock:
            self._hold(key, value, size)

    def remove(self, key: K) -> None:
        """Forget key; a value that is being made for it is returned to who waits for it and not held."""
        with self._lock:
            self._remove(key)
            self._making.pop(key, None)

    def clear(self) -> None:
        """Forget everything, and hold nothing of what is being made now."""
        with self._lock:
            self._entries.clear()
            self._making.clear()
            self.total = 0

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._entries

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.capacity, self.size)

    def _size(self, value: V) -> int:
        return 1 if self.size is None else self.size(value)

    # The methods below are called with the lock held.

    def _hold(self, key: K, value: V, size: int) -> None:
        self._remove(key)
        if size > self.capacity:
            return
        self._entries[key] = value, size
        self.total += size
        while self.total > self.capacity:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: K) -> None:
        _, size = self._entries.pop(key, (None, 0))
        self.total -= size

    def _no_longer_making(self, key: K, future: "Future[V]") -> bool:
        """Whether what future was made for is still wanted: nobody removed the key meanwhile."""
        wanted = self._making.get(key) is future
        if wanted:
            del self._making[key]
        return wanted
