"""One call in a thread of its own, which does not keep the process from ending."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """A call that has begun."""

    def __init__(self, call: Callable[[], T]):
        self._future: Future[T] = Future()
        threading.Thread(target=self._run, args=(call,), daemon=True).start()

    def _run(self, call: Callable[[], T]) -> None:
        try:
            self._future.set_result(call())
        except BaseException as error:
            self._future.set_exception(error)

    def result(self, seconds: float | None = None) -> T:
        """What the call returned or raised, once it has; TimeoutError if it has not after so many seconds."""
        return self._future.result(seconds)
