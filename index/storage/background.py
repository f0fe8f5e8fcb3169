"""What is made of an open collection in the background, so that no request waits for longer than it can."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from index.collection import Collection

T = TypeVar("T")


def made_within(
    collection: Collection,
    key: str,
    make: Callable[[Collection], T],
    timeout: float | None,
    load: Callable[[Collection], T | None] = lambda _: None,
) -> T | None:
    """What make gives, called once for an open collection, in a thread; None if that takes over timeout seconds.

    load: gives the same at once, or None; then it is made. What make raises is raised here.
    """
    future: Future[T] = collection.derived(key, lambda: _begun(collection, key, make, load(collection)))
    try:
        return future.result(timeout)
    except TimeoutError:
        return None


def _begun(collection: Collection, key: str, make: Callable[[Collection], T], found: T | None) -> Future[T]:
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(make(collection))
        except BaseException as error:
            future.set_exception(error)

    if found is not None:
        future.set_result(found)
    else:
        threading.Thread(target=work, name=key, daemon=True).start()
    return future
