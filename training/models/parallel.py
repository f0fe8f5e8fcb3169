"""Work on several cores: how many there are, and a map over threads that keeps the order and bounds the memory."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Input = TypeVar("Input")
Output = TypeVar("Output")


def cores() -> int:
    """Processor cores that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(
    function: Callable[[Input], Output], inputs: Iterable[Input], executor: Executor, ahead: int
) -> Iterator[Output]:
    """function of each input, computed by executor and given in the order of inputs.

    ahead: inputs that are submitted before their results are taken; no more are taken from inputs, which may be
    endless. Results that are done are given before another input is waited for. What was not begun when the
    iteration ends or fails is cancelled.
    """
    pending: deque[Future[Output]] = deque()
    try:
        for value in inputs:
            pending.append(executor.submit(function, value))
            while pending and (len(pending) >= ahead or pending[0].done()):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
