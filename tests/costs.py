"""What the tests cost: CPU seconds and seconds by the clock of each file, as `pytest --costs` lists them."""

import os
from collections import defaultdict
from collections.abc import Generator, Iterable

import pytest

SHOWN = 40  # files, the dearest first
TESTS_SHOWN = 20


def cpu_seconds() -> float:
    """Of this process, and of its children that have ended and were waited for: a browser counts where it is closed."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Costs:
    """Notes in every report what its phase took, in each worker, and sums it up at the end, where they come together.

    The ranks of tests/ranks.py are children of another process, and count nowhere.
    """

    def __init__(self) -> None:
        self.last = 0.0
        self.collecting: list[float] = []  # of every worker

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.last = cpu_seconds()
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["collecting"] = self.last
        else:
            self.collecting.append(self.last)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node) -> None:
        self.collecting.append(getattr(node, "workeroutput", {}).get("collecting", 0.0))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        now = cpu_seconds()
        report.cpu, self.last = now - self.last, now
        return report

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        every = [one for kind in terminalreporter.stats.values() for one in kind if hasattr(one, "cpu")]
        write = terminalreporter.write_line
        terminalreporter.section("costs")
        collecting = " + ".join(f"{seconds:.0f}" for seconds in self.collecting)
        write(f"{sum(one.cpu for one in every):.0f} s of CPU in tests, and {collecting} s to collect them")
        by_file = summed(every, lambda one: one.nodeid.partition("::")[0])
        for name, (cpu, clock, tests) in sorted(by_file.items(), key=lambda one: -one[1][0])[:SHOWN]:
            write(f"{cpu:7.1f} s CPU {clock:7.1f} s {tests:5} tests  {name}")
        by_test = summed(every, lambda one: one.nodeid)
        for name, (cpu, clock, _) in sorted(by_test.items(), key=lambda one: -one[1][0])[:TESTS_SHOWN]:
            write(f"{cpu:7.1f} s CPU {clock:7.1f} s  {name}")


def summed(reports: Iterable[pytest.TestReport], key) -> dict[str, tuple[float, float, int]]:
    """CPU seconds, seconds by the clock and the number of tests of the reports of each key."""
    found: dict[str, tuple[float, float, int]] = defaultdict(lambda: (0.0, 0.0, 0))
    for one in reports:
        cpu, clock, tests = found[key(one)]
        found[key(one)] = (cpu + one.cpu, clock + one.duration, tests + (one.when == "call"))
    return found
