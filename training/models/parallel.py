"""Work on several cores: how many there are, and a map over threads that keeps the order and bounds the memory."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future
from typing import TypeVar

Input = TypeVar("Input")
Output = TypeVar("Output")


def cores() -> int:
    """Processor cores that this process may use, which in a container are fewer than the machine has."""
    return len(usable_cores())


def usable_cores() -> set[int]:
    """The numbers of these cores."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def ordered_map(
    function: Callable[[Input], Output], inputs: Iterable[Input], executor: Executor, ahead: int
) -> Generator[Output, None, None]:
    """function of each input, computed by executor and given in the order of inputs.

    ahead: the most inputs that are under way; no more are taken from inputs, which may be endless. An input is
    submitted for each result that is given, so the executor always has work. What was not begun when the iteration
    ends or fails is cancelled.
    """
    pending: deque[Future[Output]] = deque()
    try:
        for value in inputs:
            pending.append(executor.submit(function, value))
            if len(pending) >= ahead or pending[0].done():
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
